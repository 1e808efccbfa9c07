package cli

import (
	"context"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestClientMetricsGoOn makes two clients, one after and beside the other.
func TestClientMetricsGoOn(t *testing.T) {
	t.Parallel()
	s := &script{t: t, dir: t.TempDir()}
	s.start()
	m := newClientMetrics()
	connects := func() (n float64) {
		families, err := m.registry.Gather()
		s.must(err)
		for _, f := range families {
			if strings.HasSuffix(f.GetName(), "kafka_client_connects_total") {
				for _, metric := range f.GetMetric() {
					n += metric.GetCounter().GetValue()
				}
			}
		}
		return n
	}
	last := 0.0
	for range 3 {
		client, err := kgo.NewClient(kgo.SeedBrokers(s.sandbox.Brokers...), kgo.WithHooks(m))
		s.must(err)
		s.must(client.Ping(context.Background()))
		now := connects()
		if now <= last {
			t.Errorf("%v connections after %v", now, last)
		}
		last = now
		client.Close()
	}
}
