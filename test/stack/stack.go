// Package stack is what the tests on a real Kafka have in common: a broker, a
// registry, processes of the program, topics, and the oracle. A test fails if
// Kafka or Python cannot be started; none is skipped.
package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/example"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

// Stack is a real broker, a registry and a folder for logs, for one test.
type Stack struct {
	Tools
	Dir      string // logs, configurations
	Broker   *kafka.Broker
	Registry *sandbox.Registry
	Client   *kgo.Client // for topics and odd records
	Schemas  *registry.Client

	t     *testing.T
	shown map[string]bool // logs whose end was printed
}

// New starts a stack that ends with the test. settings are the broker's,
// beside the usual ones.
func New(t *testing.T, settings ...map[string]string) *Stack {
	t.Helper()
	extra := map[string]string{}
	for _, m := range settings {
		for k, v := range m {
			extra[k] = v
		}
	}
	return NewOn(t, kafka.Start(t, extra))
}

// NewOn makes a stack on a broker that is the caller's to stop.
func NewOn(t *testing.T, broker *kafka.Broker) *Stack {
	t.Helper()
	tools, err := Install()
	must(t, err)
	s := &Stack{t: t, Tools: tools, Broker: broker, shown: map[string]bool{}, Dir: filepath.Join(tools.Root, "build", "e2e", t.Name())}
	must(t, os.RemoveAll(s.Dir))
	must(t, os.MkdirAll(s.Dir, 0o755))
	s.Registry, err = sandbox.StartRegistry("127.0.0.1:0")
	must(t, err)
	t.Cleanup(s.Registry.Close)
	s.Schemas, err = registry.New(registry.Options{URL: s.Registry.URL})
	must(t, err)
	s.Client, err = kgo.NewClient(s.Opts(kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	must(t, err)
	t.Cleanup(s.Client.Close)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Opts reach the stack's broker.
func (s *Stack) Opts(more ...kgo.Opt) []kgo.Opt {
	return append([]kgo.Opt{kgo.SeedBrokers(s.Broker.Addr)}, more...)
}

// Example makes example topics.
func (s *Stack) Example(topics, fields, partitions int) []example.Topic {
	s.t.Helper()
	created, err := example.Create(s.t.Context(), s.Client, s.Schemas, example.Plan{Prefix: "example", Topics: topics, Fields: fields, Partitions: partitions})
	must(s.t, err)
	var made []example.Topic
	for _, c := range created {
		made = append(made, c.Topic)
	}
	return made
}

// Config writes a configuration for the topics that match, and returns its
// file. Lines of more come at the end, inside of the one aggregation.
func (s *Stack) Config(topics string, more ...string) string {
	s.t.Helper()
	return s.WriteConfig("config.yaml", fmt.Sprintf(`worker: {group: e2e, topic_refresh: 1s, session_timeout: 6s}
http: {listen: 'off'}
log: {level: info, format: text}
dead_letter_topic: dead-letter
aggregations:
  - name: e2e
    topics: {include: ['%s']}
%s
`, topics, strings.Join(more, "\n")))
}

// WriteConfig writes a configuration file and returns its name; where broker
// and registry are is added to the text.
func (s *Stack) WriteConfig(name, text string) string {
	s.t.Helper()
	file := filepath.Join(s.Dir, name)
	text = fmt.Sprintf("kafka: {brokers: [%s]}\nschema_registry: {url: %s}\n%s", s.Broker.Addr, s.Registry.URL, text)
	must(s.t, os.WriteFile(file, []byte(text), 0o644))
	return file
}
