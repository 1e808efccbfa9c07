//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/example"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

// stack is a real broker, a registry and a folder for logs, for one test.
type stack struct {
	t        *testing.T
	dir      string
	broker   *kafka.Broker
	registry *sandbox.Registry
	client   *kgo.Client // for topics and odd records
	schemas  *registry.Client
}

func newStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{t: t, dir: filepath.Join(root, "build", "e2e", t.Name())}
	must(t, os.RemoveAll(s.dir))
	must(t, os.MkdirAll(s.dir, 0o755))
	s.broker = kafka.Start(t, nil)
	var err error
	s.registry, err = sandbox.StartRegistry("127.0.0.1:0")
	must(t, err)
	t.Cleanup(s.registry.Close)
	s.schemas, err = registry.New(registry.Options{URL: s.registry.URL})
	must(t, err)
	s.client, err = kgo.NewClient(s.opts(kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	must(t, err)
	t.Cleanup(s.client.Close)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// opts reach the stack's broker.
func (s *stack) opts(more ...kgo.Opt) []kgo.Opt {
	return append([]kgo.Opt{kgo.SeedBrokers(s.broker.Addr)}, more...)
}

// example makes example topics.
func (s *stack) example(topics, fields, partitions int) []example.Topic {
	s.t.Helper()
	created, err := example.Create(s.t.Context(), s.client, s.schemas, example.Plan{Prefix: "example", Topics: topics, Fields: fields, Partitions: partitions})
	must(s.t, err)
	var made []example.Topic
	for _, c := range created {
		made = append(made, c.Topic)
	}
	return made
}

// config writes a configuration for the topics that match, and returns its
// file. Lines of more come at the end.
func (s *stack) config(topics string, more ...string) string {
	s.t.Helper()
	text := fmt.Sprintf(`kafka: {brokers: [%s]}
schema_registry: {url: %s}
worker: {group: e2e, topic_refresh: 1s, session_timeout: 6s}
http: {listen: 'off'}
log: {level: info, format: text}
dead_letter_topic: dead-letter
aggregations:
  - name: e2e
    topics: {include: ['%s']}
%s
`, s.broker.Addr, s.registry.URL, topics, strings.Join(more, "\n"))
	file := filepath.Join(s.dir, "config.yaml")
	must(s.t, os.WriteFile(file, []byte(text), 0o644))
	return file
}

// verdict is the oracle's last line.
type verdict struct {
	OK         bool `json:"ok"`
	Topics     int  `json:"topics"`
	Source     int  `json:"source records"`
	Bad        int  `json:"bad records"`
	Tombstones int  `json:"tombstones"`
	Windows    int  `json:"windows"`
	Aggregated int  `json:"aggregated records"`
	Values     int  `json:"values"`
}

// oracle compares the aggregated topics of all source topics that match with
// their sources, and fails the test if anything differs.
func (s *stack) oracle(topics string, args ...string) verdict {
	s.t.Helper()
	began := time.Now()
	cmd := exec.Command(python, append([]string{
		filepath.Join(root, "test", "oracle"), "--brokers", s.broker.Addr, "--registry", s.registry.URL, "--topics", topics,
	}, args...)...)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	must(s.t, os.WriteFile(filepath.Join(s.dir, "oracle.txt"), append(out, errors.Bytes()...), 0o644))
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var v verdict
	if e := json.Unmarshal([]byte(lines[len(lines)-1]), &v); e != nil || (err == nil) != v.OK {
		s.t.Fatalf("oracle: %v\n%s%s", err, out, errors.Bytes())
	}
	s.t.Logf("oracle, %.1f s: %d topics, %d source records (%d bad), %d windows, %d aggregated records, %d values",
		time.Since(began).Seconds(), v.Topics, v.Source, v.Bad, v.Windows, v.Aggregated, v.Values)
	if !v.OK {
		s.t.Errorf("oracle: the aggregated topics are wrong\n%s", out)
	}
	return v
}
