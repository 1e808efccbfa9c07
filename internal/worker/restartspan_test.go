package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// What a restart would have to read again is said if it is much, or is gone by then.
func TestRestartThatReadsMuch(t *testing.T) {
	t.Parallel()
	const again, gone = "all records of open windows are read again", "does not keep records for as long as windows are open"
	for name, c := range map[string]struct {
		window    time.Duration
		retention string // of the source topic, ms
		want      string
	}{
		"seconds":               {10 * time.Second, "1000", ""},
		"half an hour":          {30 * time.Minute, "3600000", ""},
		"two hours":             {2 * time.Hour, "-1", again},
		"more than is kept":     {30 * time.Minute, "600000", gone},
		"hours, more than kept": {24 * time.Hour, "3600000", gone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sandbox.Options{})
			b.cfg.Aggregations[0].Window.Size = c.window
			r, err := b.adm.CreateTopic(t.Context(), 1, 1, map[string]*string{"retention.ms": &c.retention}, "t0")
			must(t, err)
			must(t, r.Err)
			id := b.schema("t0", xField)
			must(t, b.cl.ProduceSync(t.Context(), &kgo.Record{Topic: "t0", Timestamp: time.Now(), Value: b.record(id, map[string]any{"x": 1.0})}).FirstErr())
			w := b.start()
			w.status("a schema", func(s status.Status) bool { return len(s.Topics) == 1 && s.Topics[0].AggregatedSchema != nil })
			log := w.logs.String()
			for _, text := range []string{again, gone} {
				if n := strings.Count(log, text); n > 1 || (n == 1) != (text == c.want) {
					t.Errorf("%q is said %d times, want %q", text, n, c.want)
				}
			}
		})
	}
}
