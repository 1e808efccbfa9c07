package web

import (
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// exposition is the text that a scrape of collectors gives.
func exposition(t *testing.T, all ...prometheus.Collector) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(all...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&out, f); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func TestMetrics(t *testing.T) {
	text := exposition(t, collector{healthy}, usedClient())
	for _, want := range []string{
		"# TYPE kafka_aggregator_records_total counter",
		`kafka_aggregator_records_total{topic="example-000"} 1.234567e+06`,
		"# TYPE kafka_aggregator_lag_records gauge",
		`kafka_aggregator_lag_records{topic="example-000"} 42`,
		`kafka_aggregator_watermark_timestamp_seconds{topic="example-000"} 1.773500965e+09`,
		`kafka_aggregator_unaccounted_records{topic="example-000"} 0`,
		`kafka_aggregator_idle_partitions{topic="example-000"} 1`,
		`kafka_aggregator_time_fields_passed_over_total{reason="null",topic="example-000"} 3`,
		`kafka_aggregator_time_fallback_records_total{topic="example-000"} 2`,
		`kafka_aggregator_times_apart_records_total{topic="example-000"} 1`,
		`kafka_aggregator_phase{phase="partials",topic="example-000"} 1`,
		`kafka_aggregator_paused_partitions{reason="ahead",topic="example-000"} 1`,
		`kafka_aggregator_paused_partitions{reason="partials",topic="example-000"} 1`,
		`kafka_aggregator_state{state="running"} 1`,
		`kafka_aggregator_state{state="failed"} 0`,
		"# TYPE kafka_aggregator_result_latency_seconds histogram",
		`kafka_aggregator_result_latency_seconds_bucket{le="0.1"} 50`,
		`kafka_aggregator_result_latency_seconds_bucket{le="1"} 99`,
		`kafka_aggregator_result_latency_seconds_bucket{le="+Inf"} 100`,
		`kafka_aggregator_result_latency_seconds_sum 20`,
		`kafka_aggregator_client_written_bytes_total{node_id="1"} 200`,
		`kafka_aggregator_client_request_errors_total{node_id="1"} 1`,
		`kafka_aggregator_client_request_duration_seconds_count{node_id="1"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("missing: %s", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// TestUnaccounted: what one partition has too much does not make up for what
// another has too little.
func TestUnaccounted(t *testing.T) {
	st := healthy()
	st.Topics[0].Partitions[0].Records++
	st.Topics[0].Partitions[1].Records--
	if got := unaccounted(&st.Topics[0]); got != 2 {
		t.Errorf("%d records, want 2", got)
	}
}

// TestConvention holds names, types and help texts to Prometheus' conventions.
func TestConvention(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(exposition(t, collector{healthy}, usedClient()))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestAbsent: what is not known yet is absent, neither 0 nor NaN.
func TestAbsent(t *testing.T) {
	young := func() status.Status { return status.Status{Topics: []status.TopicStatus{{Topic: "t"}}} }
	for _, name := range []string{"kafka_aggregator_watermark_timestamp_seconds", "kafka_aggregator_watermark_delay_seconds"} {
		if strings.Contains(exposition(t, collector{young}), name) {
			t.Errorf("%s is there before the first record", name)
		}
	}
}

func TestContradictionsLeaveTheRest(t *testing.T) {
	st := healthy()
	st.Topics = append(st.Topics, st.Topics[0]) // the same labels twice
	text := body(t, get(t, st, "GET", "/metrics", "localhost"))
	if !strings.Contains(text, "kafka_aggregator_ready 1\n") || !strings.Contains(text, "go_goroutines") {
		t.Errorf("the good metrics are missing:\n%s", text)
	}
	twice := New(Options{Logger: slog.New(slog.DiscardHandler), Collectors: []prometheus.Collector{collector{healthy}}})
	if _, err := twice.handler(); err == nil {
		t.Error("a collector that is there already was accepted")
	}
}

// usedClient has seen one of everything.
func usedClient() *ClientMetrics {
	m := NewClientMetrics()
	b := kgo.BrokerMetadata{NodeID: 1}
	m.OnBrokerConnect(b, time.Second, nil, nil)
	m.OnBrokerConnect(b, time.Second, nil, os.ErrClosed)
	m.OnBrokerDisconnect(b, nil)
	m.OnBrokerThrottle(b, time.Second, true)
	m.OnBrokerE2E(b, 0, kgo.BrokerE2E{BytesWritten: 100, BytesRead: 200, TimeToRead: 20 * time.Millisecond})
	m.OnBrokerE2E(b, 0, kgo.BrokerE2E{BytesWritten: 100, ReadErr: os.ErrClosed})
	return m
}

// TestDocumented holds docs/metrics.md to the code, both ways: each metric has
// exactly one row, with its type and labels, and each row a metric.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	type entry struct{ kind, labels string }
	documented := map[string]entry{}
	row := regexp.MustCompile("(?m)^\\| `(kafka_aggregator_[a-z_]+)` *\\| *([a-z]+) *\\| *([^|]*?) *\\|")
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		if _, twice := documented[m[1]]; twice {
			t.Errorf("%s has two rows", m[1])
		}
		documented[m[1]] = entry{m[2], strings.ReplaceAll(m[3], "`", "")}
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector{healthy}, usedClient())
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		got, want := documented[f.GetName()], entry{strings.ToLower(f.GetType().String()), strings.Join(labels, ", ")}
		if got != want {
			t.Errorf("%s is %v in the code and %v in docs/metrics.md", f.GetName(), want, got)
		}
		delete(documented, f.GetName())
	}
	for name := range documented {
		t.Errorf("docs/metrics.md has %s, the code has not", name)
	}
	for _, name := range regexp.MustCompile(`kafka_aggregator_[a-z_]+`).FindAllString(string(text), -1) {
		name = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		if !strings.Contains(string(text), "| `"+name+"`") && !strings.HasSuffix(name, "_") {
			t.Errorf("docs/metrics.md speaks of %s, which has no row", name)
		}
	}
}
