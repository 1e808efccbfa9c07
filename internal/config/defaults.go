package config

import "time"

// Default is the configuration without a file: the example topics of a broker
// and a registry on this host.
func Default() *Config {
	a := DefaultAggregation()
	a.Name = "examples"
	a.Topics.Include = []string{"^example-[0-9][0-9][0-9]?$"}
	return &Config{
		Kafka:                    Kafka{Brokers: []string{"localhost:9092"}, ClientID: "kafka-aggregator"},
		SchemaRegistry:           Registry{URL: "http://localhost:8081", Timeout: 10 * time.Second},
		AggregatedSchemaRegistry: Registry{Timeout: 10 * time.Second},
		Worker: Worker{
			Group:              "kafka-aggregator",
			Delivery:           ExactlyOnce,
			CreateTopics:       true,
			TopicRefresh:       10 * time.Second,
			CommitInterval:     100 * time.Millisecond,
			SessionTimeout:     10 * time.Second,
			TransactionTimeout: 15 * time.Second,
		},
		HTTP:            HTTP{Listen: "127.0.0.1:8080"},
		Aggregations:    []Aggregation{a},
		DeadLetterTopic: "kafka-aggregator-dead-letter",
		Log:             Log{Level: "info", Format: "auto"},
		Example:         Example{Prefix: "example", Topics: 10, Fields: 10, Partitions: 1, Frequency: 10},
	}
}

// DefaultAggregation is what an entry of the list "aggregations" starts from.
// Its Name and Topics are for the user to give.
func DefaultAggregation() Aggregation {
	return Aggregation{
		AggregatedTopic: Placeholder + "-aggregated",
		Partitions:      1,

		AggregatedTopicConfig: defaultTopicConfig(),
		Fields: FieldSettings{
			Exclude:     []string{"time", "window_start", "window_end", "window_size", "count"},
			Enums:       "skip",
			MaxElements: 65536,
		},
		Window: Window{
			Size:          time.Second,
			Grace:         time.Second,
			IdleAfter:     5 * time.Second,
			MaxFutureSkew: 5 * time.Minute,
		},
		EventTime:     EventTime{Scale: "utc", Fallback: "kafka"},
		Operations:    []string{"min", "q1", "mean", "median", "stdev", "q3", "max"},
		Quantiles:     "exclusive",
		ExactLimit:    100_000,
		MinSampleSize: 2,
		SmallSamples:  "null",
		Late:          Late{Policy: "drop"},
	}
}
