package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// flips has for each option of an aggregation a change of it that matters as much
// as one can: of what stands in the schema, and of what does not.
var flips = map[string]func(*config.Aggregation){
	"name": func(a *config.Aggregation) { a.Name += "-flipped" },
	"topics.include": func(a *config.Aggregation) {
		a.Topics.Include = append(slices.Clone(a.Topics.Include), "^no-such-topic$")
	},
	"topics.exclude": func(a *config.Aggregation) {
		a.Topics.Exclude = append(slices.Clone(a.Topics.Exclude), "^no-such-topic$")
	},
	"aggregated_topic":        func(a *config.Aggregation) { a.AggregatedTopic += ".flipped" },
	"partitions":              func(a *config.Aggregation) { a.Partitions++ },
	"aggregated_topic_config": func(a *config.Aggregation) { a.AggregatedTopicConfig = map[string]string{"compression.type": "zstd"} },
	"max_workers_per_topic":   func(a *config.Aggregation) { a.MaxWorkers = 1 - min(1, a.MaxWorkers) },
	"framing.subjects": func(a *config.Aggregation) {
		a.Framing.Subjects, a.Framing.SingleObject = []string{"{source_topic}-value", "{source_topic}-other"}, true
	},
	"framing.single_object": func(a *config.Aggregation) { a.Framing.SingleObject = !a.Framing.SingleObject },
	"framing.glue.schemas": func(a *config.Aggregation) {
		a.Framing.Glue.Schemas = map[string]string{"89791762-2336-4186-9674-299b90a802e2": "{source_topic}-value"}
	},
	"framing.bare.subject": func(a *config.Aggregation) {
		a.Framing.Bare = config.BareFraming{Subject: "{source_topic}-value"}
	},
	"framing.bare.id": func(a *config.Aggregation) { a.Framing.Bare = config.BareFraming{ID: 1} },
	"fields.include":  func(a *config.Aggregation) { a.Fields.Include = []string{"temperature", "/^force/"} },
	"fields.exclude": func(a *config.Aggregation) {
		a.Fields.Exclude = append(slices.Clone(a.Fields.Exclude), "count_of", "mount.azimuth")
	},
	"fields.booleans": func(a *config.Aggregation) { a.Fields.Booleans = !a.Fields.Booleans },
	"fields.enums":    func(a *config.Aggregation) { a.Fields.Enums = other(a.Fields.Enums, "skip", "index") },
	"fields.map_keys": func(a *config.Aggregation) { a.Fields.MapKeys = []string{"peers.a", "nowhere.b"} },
	"fields.unsigned": func(a *config.Aggregation) { a.Fields.Unsigned = []string{"temperature", "/^force/"} },
	"fields.maps":     func(a *config.Aggregation) { a.Fields.Maps = map[string]string{"peers": "pool", "/./": "skip"} },
	"fields.arrays": func(a *config.Aggregation) {
		a.Fields.Arrays = map[string]string{"forces": "pool", "/^temp.*s$/": "skip"}
	},
	"fields.max_elements":    func(a *config.Aggregation) { a.Fields.MaxElements = 10 },
	"window.size":            func(a *config.Aggregation) { a.Window.Size *= 2 },
	"window.grace":           func(a *config.Aggregation) { a.Window.Grace += time.Second },
	"window.idle_after":      func(a *config.Aggregation) { a.Window.IdleAfter += time.Second },
	"window.max_future_skew": func(a *config.Aggregation) { a.Window.MaxFutureSkew += time.Minute },
	"event_time.field":       func(a *config.Aggregation) { a.EventTime.Field = strings.Trim(a.EventTime.Field+",at", ",") },
	"event_time.unit": func(a *config.Aggregation) {
		a.EventTime.Field, a.EventTime.Unit = flipped(a.EventTime.Field, "count_of"), other(a.EventTime.Unit, "ms", "ns")
	},
	"event_time.scale": func(a *config.Aggregation) {
		a.EventTime.Field, a.EventTime.Scale = flipped(a.EventTime.Field, "time"), other(a.EventTime.Scale, "utc", "tai")
	},
	"event_time.fallback": func(a *config.Aggregation) {
		a.EventTime.Field, a.EventTime.Fallback = strings.Trim(a.EventTime.Field+",at", ","), other(a.EventTime.Fallback, "kafka", "bad")
	},
	"windows[].size":    func(a *config.Aggregation) { w := first(a); w.Size *= 4 },
	"windows[].advance": func(a *config.Aggregation) { w := first(a); w.Advance = w.Size / 2 },
	"windows[].aggregated_topic": func(a *config.Aggregation) {
		w := first(a)
		w.AggregatedTopic = a.AggregatedTopic + ".flipped.{size}"
	},
	"windows[].operations":      func(a *config.Aggregation) { w := first(a); w.Operations = []string{"p33", "min"} },
	"windows[].min_sample_size": func(a *config.Aggregation) { w := first(a); w.MinSampleSize = a.MinSampleSize + 1 },
	"windows[].emit_empty":      func(a *config.Aggregation) { w := first(a); w.EmitEmpty = !a.EmitEmpty },
	"emit_empty":                func(a *config.Aggregation) { a.EmitEmpty = !a.EmitEmpty },
	"operations":                func(a *config.Aggregation) { a.Operations = append(slices.Clone(a.Operations), "rms", "p99.9") },
	"quantiles":                 func(a *config.Aggregation) { a.Quantiles = other(a.Quantiles, "exclusive", "inclusive") },
	"exact_limit":               func(a *config.Aggregation) { a.ExactLimit = 2 },
	"min_sample_size":           func(a *config.Aggregation) { a.MinSampleSize++ },
	"small_samples":             func(a *config.Aggregation) { a.SmallSamples = other(a.SmallSamples, "null", "first_value") },
	"late.policy": func(a *config.Aggregation) {
		a.Late.Policy, a.Late.Topic = other(a.Late.Policy, "drop", "topic"), "flipped-late"
	},
	"late.topic": func(a *config.Aggregation) { a.Late.Topic = "flipped-late" },
}

// first is the first of the windows, in a list of its own.
func first(a *config.Aggregation) *config.Output {
	if a.Windows = slices.Clone(a.Windows); len(a.Windows) == 0 {
		a.Windows = []config.Output{{Size: a.Window.Size}}
	}
	return &a.Windows[0]
}

// flipped is a field where there is none; where there is one, it stays.
func flipped(field, instead string) string {
	if field == "" {
		return instead
	}
	return field
}

func other(value, a, b string) string {
	if value == a {
		return b
	}
	return a
}
