// Package worker runs agents on Kafka: it reads source topics as a member of
// a consumer group, hands the records to the agents, and delivers their
// results together with the offsets they were computed from.
//
// One goroutine, the loop of a session, owns all state of the agents. A turn
// of the loop is
//
//	poll → process each partition's records → make windows final → compute them → deliver
//
// where processing and computing are spread over the processors and joined
// again before the turn goes on (lanes). Nothing else touches an agent but
// the callbacks of the group, which the client runs only between turns and
// which take the session's mutex.
//
// A session ends when anything about the group or a transaction is in doubt.
// All its state is dropped then, and a new session starts from what the
// brokers hold. That is the only way of recovery: whatever happened, a worker
// goes on exactly as if it had just been started.
package worker
