package web

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

// TestClientsComeAndGo: the counters of several clients, one after the other,
// go on.
func TestClientsComeAndGo(t *testing.T) {
	s, err := sandbox.Start(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	m := NewClientMetrics()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(m)
	last := 0.0
	for range 3 {
		client, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...), kgo.WithHooks(m))
		if err != nil {
			t.Fatal(err)
		}
		err = client.Ping(t.Context())
		client.Close()
		if err != nil {
			t.Fatal(err)
		}
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		now := 0.0
		for _, f := range families {
			if f.GetName() == "kafka_aggregator_client_connects_total" {
				for _, c := range f.GetMetric() {
					now += c.GetCounter().GetValue()
				}
			}
		}
		if now <= last {
			t.Errorf("%v connections after %v", now, last)
		}
		last = now
	}
}
