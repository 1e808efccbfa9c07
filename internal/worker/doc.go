// Package worker runs agents on Kafka: it reads source topics as a member of
// a consumer group, hands the records to the agents, and delivers their
// results together with the offsets they were computed from.
//
// One goroutine, the loop of a session, owns all state of the agents. An iteration
// of the loop is
//
//	poll → process each partition's records → make windows final → compute them → deliver
//
// where processing and computing are spread over the processors and joined
// again before the iteration goes on (lanes). Nothing else touches an agent but
// the callbacks of the group, which the client runs only between iterations and
// which take the session's mutex.
//
// A session ends when anything about the group or a transaction is in doubt.
// All its state is dropped then, and a new session starts from what the
// brokers hold. That is the only way of recovery: whatever happened, a worker
// goes on exactly as if it had just been started.
//
// # Owners
//
// The session (session.go, iteration.go) is the loop and the callbacks of the group. What
// they have to do belongs to others, each with a state of its own:
//
//   - membership: this worker in the group; shares: the assignment; advisor: what
//     the balancer asks of topics;
//   - catalog: the topics that there are; placing: partitions without a position;
//     phases: where each topic stands; endQuestions: end offsets;
//   - resolver: schemas; flow: how far the merging worker is;
//   - delivery: what is written and committed, and when; its committer does it;
//     abandoned: transactions of workers that are gone;
//   - helpers: goroutines beside the loop; iteration: what the loop works on now.
//
// Of a topic (source.go): placement, schemas, split, and the outbox with what is not
// delivered. What outlives a session is the Worker's: sinks, counters, board with
// its notices, meter.
//
// # Phases of a topic
//
// Each source topic is in one phase, which says whether its records may be read
// and its results delivered. In a box without arrows each phase may follow on each.
//
//	%% phases of a topic
//	stateDiagram-v2
//	    state "nothing is read or delivered" as waits {
//	        held
//	        partials
//	        letters
//	    }
//	    state "what there is is delivered" as delivers {
//	        placing
//	        partitions
//	        clock
//	    }
//	    state "records are read, windows made final and delivered" as reads {
//	        draining
//	        drained
//	        probing
//	        schema
//	        running
//	        draining --> drained: nothing to do
//	        drained --> draining: end
//	        probing --> draining: end
//	        probing --> drained: nothing to do
//	        probing --> schema: schema
//	        probing --> running: nothing
//	        schema --> draining: end
//	        schema --> drained: nothing to do
//	        schema --> running: nothing
//	        running --> draining: end
//	        running --> drained: nothing to do
//	        running --> schema: schema
//	    }
//	    [*] --> new
//	    new --> waits
//	    new --> delivers
//	    new --> reads
//	    new --> gone
//	    waits --> delivers
//	    waits --> reads
//	    waits --> gone
//	    delivers --> waits
//	    delivers --> reads
//	    delivers --> gone
//	    reads --> waits
//	    reads --> delivers
//	    reads --> gone
//	    gone --> [*]
//
// Only phases.advance sets a phase, with what a look at the topic finds
// (phase.go). Facts that are not about where the topic stands are kept beside it:
//
//   - of a partition, whether it waits for a schema, has reached its end, or is far
//     ahead (pause.go);
//   - of an output that refuses records, when it is tried again (hold.go): it
//     outlives the session, and the phase with it;
//   - what offsets said of the topic: that some partitions were never committed, or that
//     records may have been shipped of which no checkpoint tells;
//   - whether a helper is at work for it: on a schema, or on the topic for partials.
package worker
