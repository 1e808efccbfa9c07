package config_test

import (
	"maps"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// TestTopicConfig: what an aggregated topic is created with.
func TestTopicConfig(t *testing.T) {
	const forEver = "9223372036854775807"
	standard := map[string]string{
		"message.timestamp.type": "CreateTime", "message.timestamp.before.max.ms": forEver, "message.timestamp.after.max.ms": forEver,
		"retention.ms": "-1", "retention.bytes": "-1",
	}
	for name, c := range map[string]struct {
		text, env string
		differs   map[string]string // "": left out
	}{
		"nothing said": {},
		"numbers, truth values and texts": {text: "{retention.ms: 604_800_000, preallocate: true, compression.type: zstd, max.message.bytes: '10485760', min.cleanable.dirty.ratio: 0.5}",
			differs: map[string]string{"retention.ms": "604800000", "preallocate": "true", "compression.type": "zstd", "max.message.bytes": "10485760", "min.cleanable.dirty.ratio": "0.5"}},
		"what the brokers say":            {text: "{retention.ms: '', message.timestamp.after.max.ms: ''}", differs: map[string]string{"retention.ms": "", "message.timestamp.after.max.ms": ""}},
		"negative":                        {text: "{segment.ms: -1}", differs: map[string]string{"segment.ms": "-1"}},
		"of other brokers":                {text: "{redpanda.remote.read: true, confluent.key.schema.validation: false}", differs: map[string]string{"redpanda.remote.read": "true", "confluent.key.schema.validation": "false"}},
		"a narrow bound":                  {text: "{message.timestamp.after.max.ms: 5}", differs: map[string]string{"message.timestamp.after.max.ms": "5"}},
		"two policies":                    {text: "{cleanup.policy: 'compact,delete'}", differs: map[string]string{"cleanup.policy": "compact,delete"}},
		"environment":                     {env: "compression.type=lz4,retention.ms=5", differs: map[string]string{"compression.type": "lz4", "retention.ms": "5"}},
		"environment on top of the file":  {text: "{segment.ms: 7}", env: "retention.ms=5", differs: map[string]string{"segment.ms": "7", "retention.ms": "5"}},
		"the file's default is kept":      {text: "{}"},
		"nothing written behind the name": {text: ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := "aggregations:\n- name: a\n  topics: {include: [a]}\n  aggregated_topic_config: " + c.text + "\n"
			var environ []string
			if c.env != "" {
				environ = []string{"KAFKA_AGGREGATOR_AGGREGATED_TOPIC_CONFIG=" + c.env}
			}
			l := load(t, text, environ...)
			want := maps.Clone(standard)
			for name, value := range c.differs {
				if want[name] = value; value == "" {
					delete(want, name)
				}
			}
			for _, l := range []*config.Loaded{l, load(t, l.YAML())} {
				if got := l.Aggregations[0].TopicConfig(); !maps.Equal(got, want) {
					t.Errorf("got %v\nwant %v", got, want)
				}
			}
		})
	}
}

// TestTopicLimits: what a topic does with a record.
func TestTopicLimits(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		settings         map[string]string
		stamp            time.Duration // from now
		expired, refused bool
	}{
		"nothing known":       {nil, -1000 * day, false, false},
		"for ever":            {map[string]string{"retention.ms": "-1", "message.timestamp.before.max.ms": "9223372036854775807"}, -20000 * day, false, false},
		"a week, fresh":       {map[string]string{"retention.ms": "604800000"}, -6 * day, false, false},
		"a week, old":         {map[string]string{"retention.ms": "604800000"}, -8 * day, true, false},
		"compacted only":      {map[string]string{"retention.ms": "604800000", "cleanup.policy": "compact"}, -8 * day, false, false},
		"compacted too":       {map[string]string{"retention.ms": "604800000", "cleanup.policy": "compact,delete"}, -8 * day, true, false},
		"by arrival":          {map[string]string{"retention.ms": "604800000", "message.timestamp.type": "LogAppendTime", "message.timestamp.before.max.ms": "5"}, -8 * day, false, false},
		"an hour ahead":       {map[string]string{"message.timestamp.after.max.ms": "3600000"}, 59 * time.Minute, false, false},
		"more than an hour":   {map[string]string{"message.timestamp.after.max.ms": "3600000"}, 61 * time.Minute, false, true},
		"older than it takes": {map[string]string{"message.timestamp.before.max.ms": "3600000"}, -2 * time.Hour, false, true},
		"before 3.6":          {map[string]string{"message.timestamp.difference.max.ms": "3600000"}, -2 * time.Hour, false, true},
	} {
		l := config.LimitsOf(c.settings)
		if got := l.Expired(now.Add(c.stamp), now); got != c.expired {
			t.Errorf("%s: expired %v", name, got)
		}
		if got := l.Refused(now.Add(c.stamp), now); got != c.refused {
			t.Errorf("%s: refused %v", name, got)
		}
	}
	l := config.LimitsOf(map[string]string{"max.message.bytes": "1048588"})
	for bytes, want := range map[int]bool{1000: true, 1048500: true, 1048501: false, 2 << 20: false} {
		if l.Fits(bytes) != want {
			t.Errorf("%d bytes fit: %v", bytes, !want)
		}
	}
	if !config.LimitsOf(nil).Fits(1 << 30) {
		t.Error("a limit that is not known")
	}
}
