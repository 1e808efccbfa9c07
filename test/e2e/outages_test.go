//go:build e2e

package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/example"
	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// Broker and registry are away when the worker starts; later, under traffic,
// the registry goes away while a new schema comes, and the broker is killed
// and comes back. The worker waits, and nothing is lost or doubled.
func TestOutages(t *testing.T) {
	s := stack.New(t)
	topics := s.Example(3, 5, 2)
	s.Create(1, "odd")
	first := s.Source("odd", record("odd", []string{`{"name":"x","type":"double"}`}))

	// Records that were delayed by an outage are not late as long as no
	// partition is taken for idle.
	config := s.Config("^(example-[0-9]{3}|odd)$", "    window: {size: 1s, grace: 1s, idle_after: 30s}")
	must(t, s.Broker.Stop())
	s.Registry.Close()
	worker := s.Start("worker", "worker", "-c", config)
	wait := func(d time.Duration) {
		select {
		case <-time.After(d):
		case <-worker.Ended:
			t.Fatalf("the worker ended: %v", worker.Err)
		}
	}
	wait(8 * time.Second)
	if busy := worker.Busy(); busy > 2*time.Second {
		t.Errorf("%v of CPU time in 8 s without a broker", busy)
	}
	worker.Logged(time.Second, "level=WARN", s.Broker.Addr)
	must(t, s.Broker.Restart(t.Context()))
	must(t, s.Registry.Reopen())

	p, err := example.NewProducer(example.ProducerOptions{Kafka: s.Opts(), Topics: topics, Frequency: 20, Seed: 1})
	must(t, err)
	traffic, stop := context.WithCancel(t.Context())
	defer stop()
	produced := make(chan error, 1)
	go func() { produced <- p.Run(traffic) }()
	s.Produce(first.Record(0, time.Now(), map[string]any{"x": 1.0}))
	wait(10 * time.Second)

	second := s.Source("odd", record("odd", []string{`{"name":"x","type":"double"}`, `{"name":"y","type":"double","default":0}`}))
	s.Registry.Close()
	s.Produce(second.Record(0, time.Now(), map[string]any{"x": 1.0, "y": 2.0}))
	wait(10 * time.Second)
	worker.Logged(time.Second, "level=WARN", "topic=odd", s.Registry.URL)
	must(t, s.Registry.Reopen())
	wait(5 * time.Second)

	must(t, s.Broker.Kill())
	wait(5 * time.Second)
	must(t, s.Broker.Restart(t.Context()))
	s.Produce(second.Record(0, time.Now(), map[string]any{"x": 3.0, "y": 4.0}))
	wait(10 * time.Second)
	stop()
	must(t, <-produced)
	t.Logf("%d records", p.Rate().Acked)

	s.WaitWindows(time.Second, 90*time.Second, nil, append(names(topics), "odd")...)
	worker.Terminate(10 * time.Second)
	s.Oracle("^(example-[0-9]{3}|odd)$")
}
