package cli

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"
)

// clientMetrics counts what the Kafka clients of a worker do, as
// kafka_client_…. A worker makes a new client for each session of its group,
// and kprom registers its metrics for each new client anew. So only the first
// client is shown to it, and the counters go on through all sessions.
type clientMetrics struct {
	*kprom.Metrics
	registry *prometheus.Registry
	once     sync.Once
}

func newClientMetrics() *clientMetrics {
	r := prometheus.NewRegistry()
	return &clientMetrics{Metrics: kprom.NewMetrics("kafka_client", kprom.Registry(r)), registry: r}
}

// OnNewClient implements kgo.HookNewClient.
func (m *clientMetrics) OnNewClient(c *kgo.Client) {
	m.once.Do(func() { m.Metrics.OnNewClient(c) })
}

// OnClientClosed implements kgo.HookClientClosed: the counters stay.
func (m *clientMetrics) OnClientClosed(*kgo.Client) {}
