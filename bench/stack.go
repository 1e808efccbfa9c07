package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

// stack is a real broker and a registry for one benchmark.
type stack struct {
	*options
	name     string // of the benchmark
	broker   *kafka.Broker
	registry *exec.Cmd
	url      string // of the registry
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

// startStack starts them. forming is how long the broker waits for more members
// before it lets a new group form.
func startStack(ctx context.Context, o *options, name string, forming time.Duration) (*stack, error) {
	s := &stack{options: o, name: name}
	data, err := os.MkdirTemp("", "kafka-bench-")
	if err != nil {
		return nil, err
	}
	s.broker, err = kafka.Launch(ctx, kafka.Options{Dir: data, Heap: "2g", Settings: map[string]string{"group.initial.rebalance.delay.ms": fmt.Sprint(forming.Milliseconds())}})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	if err := s.connect(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *stack) connect(ctx context.Context) (err error) {
	if err := s.startRegistry(); err != nil {
		return fmt.Errorf("start the registry: %w", err)
	}
	if s.schemas, err = registry.New(registry.Options{URL: s.url}); err != nil {
		return err
	}
	if s.client, err = kgo.NewClient(s.opts()...); err != nil {
		return err
	}
	s.admin = kadm.NewClient(s.client)
	return s.warmUp(ctx)
}

// warmUp lets the broker make its topics for groups and transactions, which
// takes it half a second that would be the first contestant's.
func (s *stack) warmUp(ctx context.Context) error {
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := s.admin.FindGroupCoordinators(ctx, "warm-up").Error()
		if err == nil {
			err = s.admin.FindTxnCoordinators(ctx, "warm-up").Error()
		}
		if err == nil || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// startRegistry starts this program as a registry.
func (s *stack) startRegistry() error {
	s.registry = exec.Command(self(), "registry")
	s.registry.Stderr = os.Stderr
	s.registry.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := s.registry.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.registry.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = s.registry.Process.Kill()
		_ = s.registry.Wait()
		return err
	}
	s.url = strings.TrimSpace(line)
	return nil
}

// stop ends the broker and removes its data.
func (s *stack) stop() {
	if s.client != nil {
		s.client.Close()
	}
	if s.url != "" {
		_ = s.registry.Process.Kill() // it may have ended
		_ = s.registry.Wait()
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

// configuration is what differs between the configurations of workers.
type configuration struct {
	run    string        // name of the group and the file
	topics string        // regular expression
	into   string        // aggregated topic
	listen string        // of the status; "": off
	split  int           // among how many workers a topic may be split
	fields string        // regular expression; "": all
	idle   time.Duration // window.idle_after; 0: the default

	windows string // of several sizes; into has {size} then
}

// config writes a configuration and returns the file's name.
func (s *stack) config(c configuration) (string, error) {
	fields := ""
	if c.fields != "" {
		fields = fmt.Sprintf("'/%s/'", c.fields)
	}
	text := fmt.Sprintf(`kafka: {brokers: [%s]}
schema_registry: {url: %s}
worker: {group: %s}
http: {listen: '%s'}
log: {level: %s, format: text}
aggregations:
  - name: bench
    topics: {include: ['%s']}
    aggregated_topic: '%s'
    max_workers_per_topic: %d
    fields: {include: [%s]}
    window: {idle_after: %v}
`, s.broker.Addr, s.url, c.run, cmp.Or(c.listen, "off"), s.log, c.topics, c.into, c.split, fields, cmp.Or(c.idle, 5*time.Second))
	if c.windows != "" {
		text += "    windows: " + c.windows + "\n"
	}
	file := filepath.Join(s.dir, c.run+".yaml")
	return file, os.WriteFile(file, []byte(text), 0o644)
}
