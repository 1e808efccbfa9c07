package web

import (
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ClientMetrics counts what Kafka clients do. It is a hook of kgo (give it to
// kgo.WithHooks) and a collector (give it to Options.Collectors). Unlike the
// client library's own, one may be shared by clients that come and go, as the
// worker's do with each group session: the counters go on.
type ClientMetrics struct {
	connects, connectErrors, disconnects *prometheus.CounterVec
	requestErrors, readBytes, writeBytes *prometheus.CounterVec
	throttled                            *prometheus.CounterVec
	duration                             *prometheus.HistogramVec
}

var (
	_ kgo.HookBrokerConnect    = (*ClientMetrics)(nil)
	_ kgo.HookBrokerDisconnect = (*ClientMetrics)(nil)
	_ kgo.HookBrokerE2E        = (*ClientMetrics)(nil)
	_ kgo.HookBrokerThrottle   = (*ClientMetrics)(nil)
	_ prometheus.Collector     = (*ClientMetrics)(nil)
)

// NewClientMetrics returns metrics of no client yet.
func NewClientMetrics() *ClientMetrics {
	vec := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "client_" + name, Help: help}, []string{"node_id"})
	}
	return &ClientMetrics{
		connects:      vec("connects_total", "Connections to a broker opened."),
		connectErrors: vec("connect_errors_total", "Connections to a broker that failed."),
		disconnects:   vec("disconnects_total", "Connections to a broker closed."),
		requestErrors: vec("request_errors_total", "Requests whose writing, or the reading of whose response, failed."),
		readBytes:     vec("read_bytes_total", "Bytes read from a broker, as compressed on the wire."),
		writeBytes:    vec("written_bytes_total", "Bytes written to a broker, as compressed on the wire."),
		throttled:     vec("throttled_seconds_total", "Time for which a broker's quotas held the client back."),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: prefix + "client_request_duration_seconds",
			Help: "Time from the writing of a request to the end of its response. Fetches wait for records, and group requests for other members.",
			Buckets: []float64{
				.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10,
			},
		}, []string{"node_id"}),
	}
}

func (m *ClientMetrics) vectors() []prometheus.Collector {
	return []prometheus.Collector{m.connects, m.connectErrors, m.disconnects, m.requestErrors,
		m.readBytes, m.writeBytes, m.throttled, m.duration}
}

// Describe is part of prometheus.Collector.
func (m *ClientMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, v := range m.vectors() {
		v.Describe(ch)
	}
}

// Collect is part of prometheus.Collector.
func (m *ClientMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, v := range m.vectors() {
		v.Collect(ch)
	}
}

// OnBrokerConnect counts a connection, or an attempt at one.
func (m *ClientMetrics) OnBrokerConnect(b kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil {
		m.connectErrors.WithLabelValues(kgo.NodeName(b.NodeID)).Inc()
		return
	}
	m.connects.WithLabelValues(kgo.NodeName(b.NodeID)).Inc()
}

// OnBrokerDisconnect counts the end of a connection.
func (m *ClientMetrics) OnBrokerDisconnect(b kgo.BrokerMetadata, _ net.Conn) {
	m.disconnects.WithLabelValues(kgo.NodeName(b.NodeID)).Inc()
}

// OnBrokerE2E counts a request with its response.
func (m *ClientMetrics) OnBrokerE2E(b kgo.BrokerMetadata, _ int16, e kgo.BrokerE2E) {
	node := kgo.NodeName(b.NodeID)
	m.writeBytes.WithLabelValues(node).Add(float64(e.BytesWritten))
	m.readBytes.WithLabelValues(node).Add(float64(e.BytesRead))
	if e.Err() != nil {
		m.requestErrors.WithLabelValues(node).Inc()
		return
	}
	m.duration.WithLabelValues(node).Observe(e.DurationE2E().Seconds())
}

// OnBrokerThrottle counts the time for which a broker asks the client to wait.
func (m *ClientMetrics) OnBrokerThrottle(b kgo.BrokerMetadata, d time.Duration, _ bool) {
	m.throttled.WithLabelValues(kgo.NodeName(b.NodeID)).Add(d.Seconds())
}
