package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

// stack is a real broker and a registry for one benchmark.
type stack struct {
	*options
	name     string // of the benchmark
	broker   *kafka.Broker
	registry *sandbox.Registry
	client   *kgo.Client
	admin    *kadm.Client
	schemas  *registry.Client
}

// build compiles the program that is measured.
func (o *options) build(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", o.binary(), "./cmd/kafka-aggregator")
	cmd.Dir = o.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return nil
}

func (o *options) binary() string { return filepath.Join(o.dir, "kafka-aggregator") }

func startStack(ctx context.Context, o *options, name string) (*stack, error) {
	s := &stack{options: o, name: name}
	data, err := os.MkdirTemp("", "kafka-bench-")
	if err != nil {
		return nil, err
	}
	s.broker, err = kafka.Launch(ctx, kafka.Options{Dir: data, Heap: "2g"})
	if err != nil {
		return nil, err
	}
	if err := s.connect(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *stack) connect() (err error) {
	if s.registry, err = sandbox.StartRegistry("127.0.0.1:0"); err != nil {
		return err
	}
	if s.schemas, err = registry.New(registry.Options{URL: s.registry.URL}); err != nil {
		return err
	}
	if s.client, err = kgo.NewClient(s.opts()...); err != nil {
		return err
	}
	s.admin = kadm.NewClient(s.client)
	return nil
}

// stop ends the broker and removes its data.
func (s *stack) stop() {
	if s.client != nil {
		s.client.Close()
	}
	if s.registry != nil {
		s.registry.Close()
	}
	if err := s.broker.Kill(); err != nil {
		progress("%v", err)
	}
	if err := os.RemoveAll(s.broker.Dir); err != nil {
		progress("%v", err)
	}
}

// opts reach the stack's broker.
func (s *stack) opts(more ...kgo.Opt) []kgo.Opt {
	return append([]kgo.Opt{kgo.SeedBrokers(s.broker.Addr)}, more...)
}

// config writes a configuration of the worker for the topics that match, and
// returns the file's name. Lines of more come at the end, in the aggregation.
func (s *stack) config(run, topics, aggregated string, more ...string) (string, error) {
	text := fmt.Sprintf(`kafka: {brokers: [%s]}
schema_registry: {url: %s}
worker: {group: %s}
http: {listen: 'off'}
log: {level: %s, format: text}
aggregations:
  - name: bench
    topics: {include: ['%s']}
    aggregated_topic: '%s'
%s
`, s.broker.Addr, s.registry.URL, run, s.log, topics, aggregated, strings.Join(more, "\n"))
	file := filepath.Join(s.dir, run+".yaml")
	return file, os.WriteFile(file, []byte(text), 0o644)
}
