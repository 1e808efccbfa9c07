package web

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// metrics serves the worker's metrics, the Go runtime's, the process's and
// those of Options in Prometheus' formats. Metrics that contradict each other
// are logged and left out, the others still come.
func (s *Server) metrics() (http.Handler, error) {
	registry := prometheus.NewPedanticRegistry()
	all := append([]prometheus.Collector{
		collector{s.options.Status},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}, s.options.Collectors...)
	for _, c := range all {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	return promhttp.HandlerFor(append(prometheus.Gatherers{registry}, s.options.Gatherers...), promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError,
		ErrorLog:      promLog{s.logger},
	}), nil
}

// collector turns one Status into metrics at each scrape.
type collector struct{ status func() status.Status }

// Describe sends the descriptions of all metrics.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range descriptions() {
		ch <- d
	}
}

// Collect sends the metrics of the worker's present Status.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	st := c.status()
	for _, m := range workerMetrics {
		m.collect(ch, &st)
	}
	for _, h := range histograms {
		ch <- h.metric(h.of(&st))
	}
	for i := range st.Topics {
		for _, m := range topicMetrics {
			m.collect(ch, &st.Topics[i])
		}
	}
}

func descriptions() (all []*prometheus.Desc) {
	for _, m := range workerMetrics {
		all = append(all, m.desc)
	}
	for _, h := range histograms {
		all = append(all, h.desc)
	}
	for _, m := range topicMetrics {
		all = append(all, m.desc)
	}
	return all
}

// metric is a number that is read from a T, with the values of its labels.
// Where there is no number, emit is not called.
type metric[T any] struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(t *T, emit func(value float64, labels ...string))
}

func (m metric[T]) collect(ch chan<- prometheus.Metric, t *T) {
	m.read(t, func(value float64, labels ...string) {
		for i := range labels {
			labels[i] = oneLine(labels[i]) // the text format does not escape a carriage return
		}
		sample, err := prometheus.NewConstMetric(m.desc, m.kind, value, labels...)
		if err != nil {
			sample = prometheus.NewInvalidMetric(m.desc, err)
		}
		ch <- sample
	})
}

type histogram struct {
	desc *prometheus.Desc
	of   func(*status.Status) status.Histogram
}

// metric is h with the cumulative counts that Prometheus wants.
func (m histogram) metric(h status.Histogram) prometheus.Metric {
	buckets := make(map[float64]uint64, len(h.Bounds))
	var count uint64
	for i, n := range h.Counts {
		count += n
		if i < len(h.Bounds) {
			buckets[h.Bounds[i]] = count
		}
	}
	sample, err := prometheus.NewConstHistogram(m.desc, count, h.Sum, buckets)
	if err != nil {
		return prometheus.NewInvalidMetric(m.desc, err)
	}
	return sample
}

const prefix = "kafka_aggregator_"

func gauge[T any](name, help string, labels []string, read func(*T, func(float64, ...string))) metric[T] {
	return metric[T]{prometheus.NewDesc(prefix+name, help, labels, nil), prometheus.GaugeValue, read}
}

func counter[T any](name, help string, labels []string, read func(*T, func(float64, ...string))) metric[T] {
	return metric[T]{prometheus.NewDesc(prefix+name, help, labels, nil), prometheus.CounterValue, read}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
