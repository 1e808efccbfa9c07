package worker

import (
	"maps"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// cause is what a problem of a topic is about. A topic has at most one problem
// of each cause; one that goes away leaves the others. Problems are for people:
// nothing that the worker does depends on them.
type cause uint8

const (
	causePosition   cause = iota // where to read a partition from is not known
	causeLeader                  // a partition has no leader
	causeFetch                   // what was fetched cannot be unpacked
	causeSchema                  // a registry, or the aggregated schema
	causeOutput                  // an output topic does not take records
	causeLetters                 // the dead-letter topic, or that of late records, does not
	causeOffsets                 // the group's coordinator does not take its offsets
	causePartials                // the topic for partials is not there
	causePartitions              // not all of its partitions are here
)

// String is the label of the metric.
func (c cause) String() string {
	return [...]string{"position", "leader", "fetch", "schema", "output", "letters", "offsets", "partials", "partitions"}[c]
}

// problems are those of a source. They belong to the loop.
type problems map[cause]string

func (p problems) set(c cause, text string) { p[c] = text }
func (p problems) clear(c cause)            { delete(p, c) }

// list is what the status shows.
func (p problems) list() (out []status.Problem) {
	for _, c := range slices.Sorted(maps.Keys(p)) {
		out = append(out, status.Problem{Cause: c.String(), Text: p[c]})
	}
	return out
}
