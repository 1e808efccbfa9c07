package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/survey"
)

// warningText says what a bound of an aggregated topic does, and what can be done.
func warningText(w survey.Warning) string {
	topic, where := w.Topic, "raise it for the topic"
	if w.Missing {
		where = "set it in aggregated_topic_config"
	}
	switch w.Kind {
	case survey.TooLarge:
		return fmt.Sprintf("a record of about %s would be refused: %s takes %s (max.message.bytes). Three ways out: fewer operations or excluded fields; a larger max.message.bytes (%s); shorter arrays, or arrays that are pooled",
			amount(float64(w.Bytes)), topic, amount(float64(w.Limits.MaxMessageBytes)), where)
	case survey.TooOld:
		return fmt.Sprintf("windows of the oldest records, of %s, would be refused: %s takes no record that old (message.timestamp.before.max.ms; %s)", w.Oldest.Format(time.RFC3339), topic, where)
	case survey.Expiring:
		return fmt.Sprintf("windows of the oldest records, of %s, would be deleted soon after they came: %s keeps records for %s (retention.ms; %s)",
			w.Oldest.Format(time.RFC3339), topic, config.FormatDuration(w.Limits.Retention), where)
	case survey.TooFarAhead:
		return fmt.Sprintf("windows may lie %s ahead (window.max_future_skew %s), and %s takes records up to %s ahead (message.timestamp.after.max.ms; %s, or lower window.max_future_skew)",
			config.FormatDuration(w.Ahead), config.FormatDuration(w.Skew), topic, config.FormatDuration(w.Limits.After), where)
	case survey.StampedOnArrival:
		return fmt.Sprintf("%s stamps records when they arrive (message.timestamp.type); windows should have their own time", topic)
	case survey.ArrivalWindows:
		text := fmt.Sprintf("%s stamps records when they arrive (message.timestamp.type=LogAppendTime), so that windows are of the time of arrival, not of the measurement; set event_time.field to the field that has that", topic)
		if len(w.Likely) > 0 {
			text += ", such as " + strings.Join(w.Likely, " or ")
		}
		return text
	}
	panic("BUG: cli: a warning without words: " + string(w.Kind))
}

// texts are a list of values in words.
func texts[T any](values []T, say func(T) string) []string {
	var out []string
	for _, v := range values {
		out = append(out, say(v))
	}
	return out
}

// clashText says of topics that their names are too much alike.
func clashText(c survey.Clash) string {
	if c.Record == "" {
		return fmt.Sprintf("%s collide in Kafka's metrics, so that only one of them can be created: write another aggregated_topic", strings.Join(c.Topics, " and "))
	}
	return fmt.Sprintf("the records of %s have the same Avro name, %s; sinks that name tables after records mix them up: write another aggregated_topic", strings.Join(c.Topics, " and "), c.Record)
}

// unmatchedText says of a name in the settings for fields that there is no such field.
func unmatchedText(u survey.Unmatched) string {
	text := fmt.Sprintf("aggregation %s: %s: %s picks no field (topics: %d)", u.Aggregation, u.Setting, u.Pattern, u.Topics)
	if u.Nearest != "" {
		text += fmt.Sprintf("; is %s meant?", u.Nearest)
	}
	return text
}

// warnings are those about several topics.
func (pl *plan) warnings() []string {
	return slices.Concat(texts(pl.Clashes(), clashText), texts(pl.Unmatched(), unmatchedText))
}

// keeps says what a topic deletes; empty: nothing, as far as is known.
func keeps(o *survey.OutputTopic) string {
	if o == nil || !o.Known {
		return ""
	}
	var parts []string
	if o.Limits.Retention >= 0 {
		parts = append(parts, "records for "+config.FormatDuration(o.Limits.Retention))
	}
	if o.Limits.RetentionBytes >= 0 {
		parts = append(parts, amount(float64(o.Limits.RetentionBytes))+" of each partition")
	}
	if len(parts) == 0 {
		return ""
	}
	return ", keeps " + strings.Join(parts, " and ")
}

// topicObject has the settings that a topic is created with, or the bounds of one
// that is there; what is not known, or not bounded, is null.
func topicObject(o *survey.OutputTopic) object {
	var created any
	if o.Created != nil {
		created = o.Created
	}
	bounded := func(known bool, value any) any {
		if !o.Known || !known {
			return nil
		}
		return value
	}
	return object{
		{"created_with", created},
		{"max_message_bytes", bounded(o.Limits.MaxMessageBytes > 0, o.Limits.MaxMessageBytes)},
		{"retention_seconds", bounded(o.Limits.Retention >= 0, o.Limits.Retention.Seconds())},
		{"retention_bytes", bounded(o.Limits.RetentionBytes >= 0, o.Limits.RetentionBytes)},
	}
}

// created lists the settings of new topics, by aggregation.
func (pl *plan) created() (out []string) {
	by := make(map[string]string)
	for a, o := range pl.Outputs {
		if o.Created != nil {
			by[a.Choice.Aggregation.Name] = config.FormatTopicConfig(o.Created)
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
