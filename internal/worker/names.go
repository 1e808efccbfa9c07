package worker

import (
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// warnOfNames says, once, which topics are not taken because of the names that
// their aggregated topics would have, and which of these have records of one name.
func (w *Worker) warnOfNames(all kadm.TopicDetails) {
	var aggregated []string
	for _, topic := range slices.Sorted(maps.Keys(all)) {
		if c, ok := w.selection.selector.Select(topic); ok {
			aggregated = append(aggregated, c.AggregatedTopics...)
			continue
		}
		if reason := w.selection.selector.Unable(topic); reason != "" && w.said.names.first(topic) {
			w.log.Warn("a topic is not taken", "topic", topic, "reason", reason)
		}
	}
	for _, group := range config.RecordClashes(aggregated) {
		if w.said.names.first(group...) {
			w.log.Warn("aggregated topics have records of one Avro name; sinks that name tables after records mix them up", "topics", group, "record", codec.RecordName(group[0]))
		}
	}
}
