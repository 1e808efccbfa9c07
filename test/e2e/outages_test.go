//go:build e2e

package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/example"
)

// Broker and registry are away when the worker starts; later, under traffic,
// the registry goes away while a new schema comes, and the broker is killed
// and comes back. The worker waits, and nothing is lost or doubled.
func TestOutages(t *testing.T) {
	s := newStack(t)
	topics := s.example(3, 5, 2)
	s.create(1, "odd")
	first := s.source("odd", record("odd", []string{`{"name":"x","type":"double"}`}))

	// Records that were delayed by an outage are not late as long as no
	// partition is taken for idle.
	config := s.config("^(example-[0-9]{3}|odd)$", "    window: {size: 1s, grace: 1s, idle_after: 30s}")
	must(t, s.broker.Stop())
	s.registry.Close()
	worker := s.start("worker", "worker", "-c", config)
	wait := func(d time.Duration) {
		select {
		case <-time.After(d):
		case <-worker.ended:
			t.Fatalf("the worker ended: %v", worker.err)
		}
	}
	wait(8 * time.Second)
	if busy := worker.busy(); busy > 2*time.Second {
		t.Errorf("%v of CPU time in 8 s without a broker", busy)
	}
	worker.logged(time.Second, "level=WARN", s.broker.Addr)
	must(t, s.broker.Restart(t.Context()))
	must(t, s.registry.Reopen())

	p, err := example.NewProducer(example.ProducerOptions{Kafka: s.opts(), Topics: topics, Frequency: 20, Seed: 1})
	must(t, err)
	traffic, stop := context.WithCancel(t.Context())
	defer stop()
	produced := make(chan error, 1)
	go func() { produced <- p.Run(traffic) }()
	s.produce(first.record(0, time.Now(), map[string]any{"x": 1.0}))
	wait(10 * time.Second)

	second := s.source("odd", record("odd", []string{`{"name":"x","type":"double"}`, `{"name":"y","type":"double","default":0}`}))
	s.registry.Close()
	s.produce(second.record(0, time.Now(), map[string]any{"x": 1.0, "y": 2.0}))
	wait(10 * time.Second)
	worker.logged(time.Second, "level=WARN", "topic=odd", s.registry.URL)
	must(t, s.registry.Reopen())
	wait(5 * time.Second)

	must(t, s.broker.Kill())
	wait(5 * time.Second)
	must(t, s.broker.Restart(t.Context()))
	s.produce(second.record(0, time.Now(), map[string]any{"x": 3.0, "y": 4.0}))
	wait(10 * time.Second)
	stop()
	must(t, <-produced)
	t.Logf("%d records", p.Rate().Acked)

	s.waitWindows(time.Second, 90*time.Second, nil, append(names(topics), "odd")...)
	worker.terminate(10 * time.Second)
	s.oracle("^(example-[0-9]{3}|odd)$")
}
