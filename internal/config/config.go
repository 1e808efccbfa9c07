// Package config holds the settings of all commands: defaults, then the
// file, then the environment, then flags. It knows where each value came from.
package config

import "time"

// Config is the whole configuration. Keys are the yaml names.
type Config struct {
	Kafka                    Kafka         `yaml:"kafka"`
	SchemaRegistry           Registry      `yaml:"schema_registry"`
	AggregatedSchemaRegistry Registry      `yaml:"aggregated_schema_registry"` // URL empty: SchemaRegistry
	Worker                   Worker        `yaml:"worker"`
	HTTP                     HTTP          `yaml:"http"`
	Aggregations             []Aggregation `yaml:"aggregations"`
	DeadLetterTopic          string        `yaml:"dead_letter_topic"` // "" : bad records are only counted
	Log                      Log           `yaml:"log"`
	Example                  Example       `yaml:"example"`
}

// Kafka says how to reach the cluster.
type Kafka struct {
	Brokers  []string `yaml:"brokers"`
	ClientID string   `yaml:"client_id"`
	TLS      TLS      `yaml:"tls"`
	SASL     SASL     `yaml:"sasl"`
}

// TLS holds the names of PEM files; CA empty means the system's.
type TLS struct {
	Enabled            bool   `yaml:"enabled"`
	CA                 string `yaml:"ca"`
	Cert               string `yaml:"cert"`
	Key                string `yaml:"key"`
	ServerName         string `yaml:"server_name"`
	InsecureSkipVerify bool   `yaml:"insecure_skip_verify"`
}

// SASL is how to log in at the brokers. Mechanism is "", plain, scram-sha-256 or scram-sha-512. The password
// may instead stand in a file.
type SASL struct {
	Mechanism    string `yaml:"mechanism"`
	Username     string `yaml:"username"`
	Password     string `yaml:"password"`
	PasswordFile string `yaml:"password_file"`
}

// Registry is a Schema Registry: basic auth or a bearer token, optional TLS. URL
// may be several, separated by commas; Context is where the subjects are, such
// as ".staging", or empty.
type Registry struct {
	URL          string        `yaml:"url"`
	Context      string        `yaml:"context"`
	Username     string        `yaml:"username"`
	Password     string        `yaml:"password"`
	PasswordFile string        `yaml:"password_file"`
	Token        string        `yaml:"token"`
	TLS          TLS           `yaml:"tls"`
	Timeout      time.Duration `yaml:"timeout"`
}

// Delivery of aggregated records.
const (
	ExactlyOnce = "exactly_once"
	AtLeastOnce = "at_least_once"
)

// Worker is the runtime's settings.
type Worker struct {
	Group              string        `yaml:"group"`
	ID                 string        `yaml:"id"`       // stable name of this instance: transactional id and static membership; "" : a random one
	Delivery           string        `yaml:"delivery"` // ExactlyOnce or AtLeastOnce
	CreateTopics       bool          `yaml:"create_topics"`
	TopicRefresh       time.Duration `yaml:"topic_refresh"`   // how often new topics are looked for
	CommitInterval     time.Duration `yaml:"commit_interval"` // least time between two commits with output
	SessionTimeout     time.Duration `yaml:"session_timeout"` // group session
	TransactionTimeout time.Duration `yaml:"transaction_timeout"`
}

// HTTP is the status server; Listen "off" turns it off. It answers only those
// who ask for a host that it knows: localhost, the host of Listen, the address
// that the connection arrived at, and Hosts.
type HTTP struct {
	Listen string   `yaml:"listen"`
	Hosts  []string `yaml:"hosts"`
}

// Log: level debug, info, warn or error; format auto (text on a terminal, JSON otherwise), text or json.
type Log struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// Example is for init-example, produce and demo.
type Example struct {
	Prefix      string  `yaml:"prefix"` // example, for example-000
	Topics      int     `yaml:"topics"`
	Fields      int     `yaml:"fields"`
	Partitions  int     `yaml:"partitions"`
	Frequency   float64 `yaml:"frequency"`    // Hz, each topic
	MaxMessages int64   `yaml:"max_messages"` // < 1: until stopped
}

// Aggregation says which topics are aggregated and how. The first one whose
// topics match takes a topic.
type Aggregation struct {
	Name            string `yaml:"name"`
	Topics          Filter `yaml:"topics"`           // regular expressions
	AggregatedTopic string `yaml:"aggregated_topic"` // must contain {source_topic}
	Partitions      int    `yaml:"partitions"`       // of an aggregated topic that is created
	// AggregatedTopicConfig is what an aggregated topic is created with, by the
	// brokers' names; "" is what the brokers say. See TopicConfig.
	AggregatedTopicConfig map[string]string `yaml:"aggregated_topic_config"`
	MaxWorkers            int               `yaml:"max_workers_per_topic"` // 0: as its load demands, 1: a topic is never split
	Framing               Framing           `yaml:"framing"`
	Fields                FieldSettings     `yaml:"fields"`
	Window                Window            `yaml:"window"`
	EventTime             EventTime         `yaml:"event_time"`
	Windows               []Output          `yaml:"windows"`    // none: those of window.size
	EmitEmpty             bool              `yaml:"emit_empty"` // windows without records have an aggregated record, too
	Operations            []string          `yaml:"operations"`
	Quantiles             string            `yaml:"quantiles"`   // exclusive or inclusive
	ExactLimit            int               `yaml:"exact_limit"` // records of a slice, in one partition, up to which quantiles are exact
	MinSampleSize         int               `yaml:"min_sample_size"`
	SmallSamples          string            `yaml:"small_samples"` // null or first_value
	Late                  Late              `yaml:"late"`
}

// Filter holds regular expressions that are looked for anywhere in a topic's
// name, so anchor them with ^ and $. Include must not be empty; Exclude wins.
type Filter struct {
	Include []string `yaml:"include"`
	Exclude []string `yaml:"exclude"`
}

// FieldSettings: names (of the aggregated form a_b or the path a.b) or /regular expressions/.
type FieldSettings struct {
	Include     []string          `yaml:"include"`
	Exclude     []string          `yaml:"exclude"`
	Booleans    bool              `yaml:"booleans"`     // count as 0 and 1
	Enums       string            `yaml:"enums"`        // index: symbols count as their index; skip
	Unsigned    []string          `yaml:"unsigned"`     // longs that hold unsigned integers
	Arrays      map[string]string `yaml:"arrays"`       // field name or /regexp/ -> elements | pool | skip; default elements of numbers, pool of others
	Maps        map[string]string `yaml:"maps"`         // field name or /regexp/ -> pool | skip; default skip
	MapKeys     []string          `yaml:"map_keys"`     // map.key: a field of its own for a key of a map
	MaxElements int               `yaml:"max_elements"` // of an array; a longer one is a bad record
}

// Output is windows of one size, and the aggregated topic that they are written
// to. What is empty is as the aggregation says.
type Output struct {
	Size            time.Duration `yaml:"size"`
	Advance         time.Duration `yaml:"advance"` // a window begins so often; 0: after each other
	AggregatedTopic string        `yaml:"aggregated_topic"`
	Operations      []string      `yaml:"operations"`
	MinSampleSize   int           `yaml:"min_sample_size"`
	EmitEmpty       bool          `yaml:"emit_empty"` // true also if the aggregation says so
}

// Window sizes and bounds of time.
type Window struct {
	Size          time.Duration `yaml:"size"`
	Grace         time.Duration `yaml:"grace"`
	IdleAfter     time.Duration `yaml:"idle_after"`
	MaxFutureSkew time.Duration `yaml:"max_future_skew"`
}

// EventTime says where the time of a record is: in Field, which is one or several
// names of fields with commas between them, in order of preference. None: Kafka's
// timestamp is its time.
type EventTime struct {
	Field    string `yaml:"field"`
	Unit     string `yaml:"unit"`     // of numbers whose type does not say: s, ms, us, ns; "": s, and a long must say
	Scale    string `yaml:"scale"`    // utc or tai
	Fallback string `yaml:"fallback"` // kafka or bad: what a record is that has a time in none of them
}

// Late says what happens to records whose window is final: policy drop or topic.
type Late struct {
	Policy string `yaml:"policy"`
	Topic  string `yaml:"topic"`
}
