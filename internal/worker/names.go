package worker

import (
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// warnOfNames says, once, which topics are not taken because of the names that
// their aggregated topics would have, and which of these have records of one name.
func (w *Worker) warnOfNames(all kadm.TopicDetails) {
	var aggregated []string
	for _, topic := range slices.Sorted(maps.Keys(all)) {
		if c, ok := w.selector.Select(topic); ok {
			aggregated = append(aggregated, c.AggregatedTopics...)
			continue
		}
		if reason := w.selector.Unable(topic); reason != "" && w.names.first(topic) {
			w.log.Warn("a topic is not taken", "topic", topic, "reason", reason)
		}
	}
	for _, group := range config.RecordClashes(aggregated) {
		if w.names.first(group...) {
			w.log.Warn("aggregated topics have records of one Avro name; sinks that name tables after records mix them up", "topics", group, "record", codec.RecordName(group[0]))
		}
	}
}

// once remembers what was said.
type once struct {
	mu   sync.Mutex
	said map[string]bool
}

// first reports whether any of the names is new.
func (o *once) first(names ...string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.said == nil {
		o.said = make(map[string]bool)
	}
	fresh := false
	for _, n := range names {
		fresh = fresh || !o.said[n]
		o.said[n] = true
	}
	return fresh
}
