package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// warnings are what would go wrong with the windows of a topic, though the worker
// would do its job: the bounds that the aggregated topic sets. oldest is the time
// stamp of the oldest record of a backlog, zero if there is none.
func (a *agent) warnings(o *outputTopic, l load, oldest, now time.Time) (out []string) {
	if o == nil || !o.known {
		return nil
	}
	topic, where := a.output.Topic, "raise it for the topic"
	if o.created != nil {
		where = "set it in aggregated_topic_config"
	}
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	w := a.choice.Aggregation.Window
	if bytes := a.recordBytes(l); !o.limits.Fits(bytes) {
		add("a record of about %s would be refused: %s takes %s (max.message.bytes). Three ways out: fewer operations or excluded fields; a larger max.message.bytes (%s); shorter arrays, or arrays that are pooled",
			amount(float64(bytes)), topic, amount(float64(o.limits.MaxMessageBytes)), where)
	}
	keeps := config.FormatDuration(o.limits.Retention)
	switch {
	case !oldest.IsZero() && o.limits.Refused(oldest, now) && oldest.Before(now):
		add("windows of the oldest records, of %s, would be refused: %s takes no record that old (message.timestamp.before.max.ms; %s)", oldest.Format(time.RFC3339), topic, where)
	case !oldest.IsZero() && o.limits.Expired(oldest, now):
		add("windows of the oldest records, of %s, would be deleted soon after they came: %s keeps records for %s (retention.ms; %s)", oldest.Format(time.RFC3339), topic, keeps, where)
	}
	// The record of a window is stamped with its middle.
	if ahead := w.MaxFutureSkew + a.output.Size/2; !o.limits.ArrivalTime && o.limits.After >= 0 && ahead > o.limits.After {
		add("windows may lie %s ahead (window.max_future_skew %s), and %s takes records up to %s ahead (message.timestamp.after.max.ms; %s, or lower window.max_future_skew)",
			config.FormatDuration(ahead), config.FormatDuration(w.MaxFutureSkew), topic, config.FormatDuration(o.limits.After), where)
	}
	if o.limits.ArrivalTime {
		add("%s stamps records when they arrive (message.timestamp.type); windows should have their own time", topic)
	}
	return out
}

// keeps says what a topic deletes; empty: nothing, as far as is known.
func (o *outputTopic) keeps() string {
	if o == nil || !o.known {
		return ""
	}
	var parts []string
	if o.limits.Retention >= 0 {
		parts = append(parts, "records for "+config.FormatDuration(o.limits.Retention))
	}
	if o.limits.RetentionBytes >= 0 {
		parts = append(parts, amount(float64(o.limits.RetentionBytes))+" of each partition")
	}
	if len(parts) == 0 {
		return ""
	}
	return ", keeps " + strings.Join(parts, " and ")
}

// recordBytes is about how large a record of the aggregated topic is, with key
// and headers.
func (a *agent) recordBytes(l load) int {
	key := len(a.topic) + len("||1700000000000|1000")
	headers := len("source_topic") + len("source_offsets") + len(a.topic) + 64*a.partitions
	return l.recordSize + key + headers
}

// object has the settings that a topic is created with, or the bounds of one that
// is there; what is not known, or not bounded, is null.
func (o *outputTopic) object() object {
	var created any
	if o.created != nil {
		created = o.created
	}
	bounded := func(known bool, value any) any {
		if !o.known || !known {
			return nil
		}
		return value
	}
	return object{
		{"created_with", created},
		{"max_message_bytes", bounded(o.limits.MaxMessageBytes > 0, o.limits.MaxMessageBytes)},
		{"retention_seconds", bounded(o.limits.Retention >= 0, o.limits.Retention.Seconds())},
		{"retention_bytes", bounded(o.limits.RetentionBytes >= 0, o.limits.RetentionBytes)},
	}
}

// clashes are warnings about names that are too much alike. there are all topics
// of the cluster.
func (s *survey) clashes(there []string) (out []string) {
	var aggregated []string
	missing := make(map[string]bool)
	for _, a := range s.agents {
		aggregated = append(aggregated, a.output.Topic)
		if !a.exists {
			missing[a.output.Topic] = true
		}
	}
	for _, group := range config.TopicClashes(slices.Concat(there, aggregated)) {
		if slices.ContainsFunc(group, func(topic string) bool { return missing[topic] }) {
			out = append(out, fmt.Sprintf("%s collide in Kafka's metrics, so that only one of them can be created: write another aggregated_topic", strings.Join(group, " and ")))
		}
	}
	for _, group := range config.RecordClashes(aggregated) {
		out = append(out, fmt.Sprintf("the records of %s have the same Avro name, %s; sinks that name tables after records mix them up: write another aggregated_topic", strings.Join(group, " and "), codec.RecordName(group[0])))
	}
	return out
}

// created lists the settings of new topics, by aggregation.
func (pl *plan) created() (out []string) {
	by := make(map[string]string)
	for a, o := range pl.outputs {
		if o.created != nil {
			by[a.choice.Aggregation.Name] = config.FormatTopicConfig(o.created)
		}
	}
	text := "new topics of aggregation %s: %s"
	if !pl.createTopics {
		text = "missing topics of aggregation %s should have: %s"
	}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		out = append(out, fmt.Sprintf(text, name, by[name]))
	}
	return out
}
