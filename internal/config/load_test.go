package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

func load(t *testing.T, text string, environ ...string) *config.Loaded {
	t.Helper()
	l, err := config.Load(config.Sources{File: "config.yaml", Text: []byte(text), Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestDefaultsAreValid(t *testing.T) {
	if err := config.Default().Validate(); err != nil {
		t.Fatal(err)
	}
	l, err := config.Load(config.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Aggregations[0].Topics.Include[0]; got != "^example-[0-9][0-9][0-9]?$" {
		t.Error(got)
	}
	if got := l.Origin("aggregations[0].window.size").String(); got != "default" {
		t.Error(got)
	}
}

func TestFileEnvironmentFlags(t *testing.T) {
	l, err := config.Load(config.Sources{
		File: "config.yaml",
		Text: []byte(`
kafka: {brokers: [a:1]}
worker:
  group: from-file
  commit_interval: 0
aggregations:
  - name: one
    topics: {include: ['^a{1,2}$']}
    window: {size: 1d}
`),
		Environ: []string{
			"KAFKA_AGGREGATOR_KAFKA_BROKERS=b:1, c:2", "KAFKA_BROKER_URL=kafka://old:1", "WINDOW_SIZE=2.5", "WINDOW_EXPIRES=0",
			"KAFKA_AGGREGATOR_WORKER_GROUP=from-env", "KAFKA_AGGREGATOR_FIELDS_ARRAYS=a=pool,b=skip",
			"KAFKA_AGGREGATOR_AGGREGATIONS_0_PARTITIONS=3",
			"KAFKA_AGGREGATOR_SERVICE_HOST=10.0.0.1", "KAFKA_AGGREGATOR_PORT_8080_TCP_ADDR=10.0.0.1", "KAFKA_AGGREGATOR_PORT=tcp://10.0.0.1:8080",
			"KAFKA_AGGREGATOR_WINDOW_SIZ=1s",
		},
		Flags: []config.Flag{{Name: "group", Path: "worker.group", Text: "from-flag"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	a := l.Aggregations[0]
	for _, c := range []struct{ path, want string }{
		{"kafka.brokers", "environment KAFKA_AGGREGATOR_KAFKA_BROKERS"},
		{"worker.group", "flag --group"},
		{"worker.commit_interval", "config.yaml:5"},
		{"worker.delivery", "default"},
		{"aggregations[0].window.size", "environment WINDOW_SIZE"},
		{"aggregations[0].topics.include[0]", "config.yaml:8"},
	} {
		if got := l.Origin(c.path).String(); got != c.want {
			t.Errorf("origin of %s is %q, want %q", c.path, got, c.want)
		}
	}
	if l.Worker.Group != "from-flag" || strings.Join(l.Kafka.Brokers, "+") != "b:1+c:2" || l.Worker.CommitInterval != 0 {
		t.Errorf("%+v %+v", l.Worker, l.Kafka)
	}
	if a.Window.Size != 2500*time.Millisecond || a.Window.Grace != 0 || a.Window.IdleAfter != 5*time.Second || a.Partitions != 3 || a.MinSampleSize != 2 {
		t.Errorf("%+v", a)
	}
	if a.Fields.Arrays["a"] != "pool" || a.Fields.Arrays["b"] != "skip" {
		t.Error(a.Fields.Arrays)
	}
	want := "environment variable KAFKA_AGGREGATOR_WINDOW_SIZ is none of this program's; did you mean KAFKA_AGGREGATOR_WINDOW_SIZE?"
	if len(l.Warnings) != 1 || l.Warnings[0] != want {
		t.Error(l.Warnings)
	}
}

func TestEveryKeyHasAnEnvironmentVariable(t *testing.T) {
	texts := map[string]string{"text": "x", "duration": "7s", "true or false": "true", "whole number": "7", "number": "7.5", "list of texts": "x,y", "map of texts": "x=pool"}
	seen := make(map[string]string)
	for _, k := range config.Keys() {
		if k.Section || strings.Count(k.Path, "[]") > 1 { // a list in a list
			continue
		}
		if other, ok := seen[k.Env]; ok {
			t.Errorf("%s is for %s and %s", k.Env, k.Path, other)
		}
		seen[k.Env] = k.Path
		text := texts[k.Type()]
		if k.Values != nil && k.Type() == "text" {
			text = k.Values[len(k.Values)-1]
		}
		l, err := config.Load(config.Sources{Environ: []string{k.Env + "=" + text}})
		if err != nil {
			for _, p := range err.(*config.Error).Problems { // "x" is not a good value of each key, but it must have got there
				if p.Origin.Env != "" && p.Origin.Env != k.Env {
					t.Errorf("%s: %v", k.Env, p)
				}
			}
			continue
		}
		if got := l.Origin(strings.Replace(k.Path, "[]", "[0]", 1)).Env; got != k.Env {
			t.Errorf("%s did not set %s", k.Env, k.Path)
		}
	}
}

func TestPredecessorsVariables(t *testing.T) {
	l, err := config.Load(config.Sources{Environ: []string{
		"KAFKA_BROKER_URL=kafka://broker:9093", "SCHEMA_REGISTRY_URL=http://a:1", "INTERNAL_SCHEMA_REGISTRY_URL=http://b:2",
		"TOPIC_REGEX=lsst.*,x", `EXCLUDED_TOPICS=["lsst.one", "b"]`, "EXCLUDED_FIELD_NAMES=time,window_size,count",
		"TOPIC_RENAME_FORMAT={source_topic_name}-agg", "WINDOW_SIZE=0.5", "WINDOW_EXPIRES=30", "MIN_SAMPLE_SIZE=3",
		"OPERATIONS=mean, max", "TOPIC_PARTITIONS=4", "SOURCE_TOPIC_NAME_PREFIX=ex", "NTOPICS=2", "NFIELDS=3", "FREQUENCY=20", "MAX_MESSAGES=5",
	}})
	if err != nil {
		t.Fatal(err)
	}
	a := l.Aggregations[0]
	if l.Kafka.Brokers[0] != "broker:9093" || l.SchemaRegistry.URL != "http://a:1" || l.AggregatedSchemaRegistry.URL != "http://b:2" {
		t.Errorf("%+v", l.Config)
	}
	if strings.Join(a.Topics.Include, "+") != "^(?:lsst.*,x)" || strings.Join(a.Topics.Exclude, "+") != `^lsst\.one$+^b$` {
		t.Errorf("%q", a.Topics)
	}
	if a.AggregatedTopic != "{source_topic}-agg" || a.Window.Size != 500*time.Millisecond || a.Window.Grace != 30*time.Second || a.MinSampleSize != 3 || a.Partitions != 4 {
		t.Errorf("%+v", a)
	}
	if strings.Join(a.Fields.Exclude, "+") != "time+window_size+count" || strings.Join(a.Operations, "+") != "mean+max" {
		t.Errorf("%+v", a)
	}
	if e := l.Example; e != (config.Example{Prefix: "ex", Topics: 2, Fields: 3, Partitions: 4, Frequency: 20, MaxMessages: 5}) {
		t.Errorf("%+v", e)
	}
}

func TestAnchorsAndMerging(t *testing.T) {
	l := load(t, `
aggregations:
  - &base
    name: one
    topics: {include: ['^a']}
    window: &w {size: 2s, grace: 3s}
  - <<: *base
    name: two
    topics: {include: ['^b']}
    window:
      <<: *w
      grace: 4s
`)
	c := load(t, `
aggregations:
  - &base
    name: one
    topics: {include: ['^a'], exclude: [x]}
    window: {size: 2s, grace: 3s}
  - <<: [{name: two, operations: [mean]}, *base]
    topics: {include: ['^b']}
`).Aggregations[1]
	if c.Name != "two" || len(c.Topics.Exclude) != 0 || c.Window.Grace != 3*time.Second || len(c.Operations) != 1 {
		t.Errorf("%+v", c)
	}
	b := l.Aggregations[1]
	if b.Name != "two" || b.Window.Size != 2*time.Second || b.Window.Grace != 4*time.Second || b.Topics.Include[0] != "^b" {
		t.Errorf("%+v", b)
	}
}

// TestAnchorsAgain: an alias means the last anchor of its name before it.
func TestAnchorsAgain(t *testing.T) {
	l := load(t, "kafka: {client_id: &a first}\nworker: {group: *a, id: &a second}\nlog: {level: info}\nexample: {prefix: *a}\n")
	if l.Worker.Group != "first" || l.Example.Prefix != "second" {
		t.Errorf("%q %q", l.Worker.Group, l.Example.Prefix)
	}
	_, err := config.Load(config.Sources{File: "c.yaml", Text: []byte("worker: {group: *a, id: &a x}\n")})
	if want := "c.yaml:1:17: worker.group: want a text, not an alias of nothing (write a text)"; err == nil || err.Error() != want {
		t.Error(err)
	}
}

// TestTags: a value that another program would have put in is not taken as it stands.
func TestTags(t *testing.T) {
	_, err := config.Load(config.Sources{File: "c.yaml", Text: []byte("worker:\n  group: !env GROUP\n  id: !!str abc\n")})
	if want := "c.yaml:2:10: the tag !env means nothing here"; err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
}

func TestColonsInFlowStyle(t *testing.T) {
	for _, text := range []string{
		"kafka: {brokers: [localhost:9092, b:1]}", "kafka: {client_id: x, brokers: [ localhost:9092 , 'b:1' ]}",
		"kafka:\n  brokers: [localhost:9092, b:1]", "kafka:\n  brokers:\n  - localhost:9092\n  - b:1",
	} {
		if l := load(t, text); strings.Join(l.Kafka.Brokers, "+") != "localhost:9092+b:1" {
			t.Errorf("%s: %q", text, l.Kafka.Brokers)
		}
	}
}

// TestSeveralRegistries: a list and a text with commas are the same.
func TestSeveralRegistries(t *testing.T) {
	const want = "http://a:1,https://b:2/base"
	for _, text := range []string{
		"schema_registry: {url: ['http://a:1', 'https://b:2/base']}", "schema_registry:\n  url:\n  - http://a:1\n  - https://b:2/base\n",
		"schema_registry: {url: 'http://a:1,https://b:2/base'}", "schema_registry: {url: [http://a:1, https://b:2/base]}",
	} {
		if l := load(t, text); l.SchemaRegistry.URL != want {
			t.Errorf("%s: %q", text, l.SchemaRegistry.URL)
		}
	}
	l := load(t, "", "KAFKA_AGGREGATOR_SCHEMA_REGISTRY_URL=http://a:1, https://b:2", "KAFKA_AGGREGATOR_AGGREGATED_SCHEMA_REGISTRY_URL=http://c:3,http://d:4", "KAFKA_AGGREGATOR_AGGREGATED_SCHEMA_REGISTRY_CONTEXT=.x")
	again := load(t, l.YAML())
	for _, l := range []*config.Loaded{l, again} {
		if l.SchemaRegistry.URL != "http://a:1, https://b:2" || l.AggregatedSchemaRegistry.URL != "http://c:3,http://d:4" || l.AggregatedSchemaRegistry.Context != ".x" {
			t.Errorf("%+v %+v", l.SchemaRegistry, l.AggregatedSchemaRegistry)
		}
	}
}

func TestHTTPOff(t *testing.T) {
	for _, text := range []string{"http: off", "http: {listen: off}", "http: false", "http: {listen: 'off'}"} {
		if l := load(t, text); l.HTTP.Listen != "off" {
			t.Errorf("%s: %q", text, l.HTTP.Listen)
		}
	}
	if l := load(t, "http:\nkafka:\n"); l.HTTP.Listen != "127.0.0.1:8080" {
		t.Error(l.HTTP.Listen)
	}
}

func TestPasswordFileForEveryone(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "secret")
	if err := os.WriteFile(name, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{"KAFKA_AGGREGATOR_KAFKA_SASL_MECHANISM=scram-sha-512", "KAFKA_AGGREGATOR_KAFKA_SASL_USERNAME=u", "KAFKA_AGGREGATOR_KAFKA_SASL_PASSWORD_FILE=" + name}
	l := load(t, "", environ...)
	if len(l.Warnings) != 0 {
		t.Error(l.Warnings)
	}
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	l = load(t, "", environ...)
	if len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0], "chmod 600") {
		t.Error(l.Warnings)
	}
	if p, err := config.Password("", name); p != "hunter2" || err != nil {
		t.Errorf("%q %v", p, err)
	}
	if opts, err := l.Kafka.Opts(); len(opts) != 3 || err != nil {
		t.Error(opts, err)
	}
}
