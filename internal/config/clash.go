package config

import (
	"slices"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
)

// RecordClashes are the aggregated topics whose records have the same Avro name,
// in groups of two and more: a-b and a_b both have a_b. Registry and consumers by
// topic do not mind; a sink that names tables after records puts both into one.
//
// They are not told apart. Which of two had the name first is known to nobody
// who sees one of them alone, and a name that is registered must not change; so
// this can only be said.
func RecordClashes(topics []string) [][]string { return groups(topics, codec.RecordName) }

// TopicClashes are the topics that Kafka does not let stand beside each other,
// because their names are the same in its metrics: a.b and a_b.
func TopicClashes(topics []string) [][]string {
	return groups(topics, func(topic string) string { return strings.ReplaceAll(topic, ".", "_") })
}

// groups are the topics with the same key, where there are several; sorted.
func groups(topics []string, key func(string) string) (out [][]string) {
	by := make(map[string][]string)
	for _, t := range slices.Compact(slices.Sorted(slices.Values(topics))) {
		by[key(t)] = append(by[key(t)], t)
	}
	for _, group := range by {
		if len(group) > 1 {
			out = append(out, group)
		}
	}
	slices.SortFunc(out, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return out
}
