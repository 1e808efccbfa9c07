// Package agent computes the aggregation of one source topic. A Partition
// takes the records of one source partition and keeps them, decoded into
// columns, in the panes of the windows that are open. An Agent knows the
// partitions of a topic, says which windows are final, and a Computer turns
// the panes of a final window, one from each partition, into the aggregated
// record.
//
// Nothing here does I/O or reads a clock: time, records and committed state
// come as arguments. So the whole aggregation can be run from a test, and two
// runs over the same records give the same bytes.
//
// A Partition is used by one goroutine at a time. So is an Agent. A Computer
// belongs to one goroutine for ever.
package agent
