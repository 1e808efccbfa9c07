package worker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// Of a topic without numeric fields each window has the number of its records:
// with one worker or with several, over restarts, and above the exact limit.
func TestOnlyCounted(t *testing.T) {
	t.Parallel()
	const partitions, windows, each = 4, 12, 100
	for _, workers := range []int{1, 2} {
		for _, limit := range []int{100_000, 10} {
			t.Run(fmt.Sprintf("%d workers, exact limit %d", workers, limit), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, sandbox.Options{})
				a := &b.cfg.Aggregations[0]
				a.MaxWorkers, a.ExactLimit, a.Operations = workers, limit, []string{"mean", "median", "last"}
				a.Window = config.Window{Size: time.Second, Grace: time.Second, IdleAfter: time.Hour, MaxFutureSkew: time.Hour}
				b.topic("t0", partitions)
				id := b.schema("t0", `{"name":"s","type":"string"}`)
				send := func(from, to int) {
					var batch []*kgo.Record
					for i := from * each; i < to*each; i++ {
						batch = append(batch, &kgo.Record{Topic: "t0", Partition: int32(i % partitions), Timestamp: base.Add(time.Duration(i) * time.Second / each),
							Value: b.record(id, map[string]any{"s": "a"})})
					}
					must(t, b.cl.ProduceSync(t.Context(), batch...).FirstErr())
				}
				var ws []*running
				for range workers {
					ws = append(ws, b.start())
				}
				if workers > 1 {
					for _, w := range ws {
						w.status("a part of the topic", func(s status.Status) bool {
							for _, t := range s.Topics {
								if t.Topic == "t0" && t.PartialsTopic != "" && len(t.Partitions) > 0 && len(t.Partitions) < partitions {
									return true
								}
							}
							return false
						})
					}
				}
				send(0, windows/2)
				b.read("t0-aggregated", windows/2-2)
				for _, w := range ws {
					w.end()
				}
				send(windows/2, windows)
				a.Window.IdleAfter = 300 * time.Millisecond
				rows := b.exactly("t0-aggregated")
				if len(rows) != windows {
					t.Fatalf("%d records, want %d", len(rows), windows)
				}
				for _, r := range rows {
					if r.fields["count"] != int64(each) || len(r.fields) != 5 || headers(r.Record)["approximate"] != "" {
						t.Errorf("%s: %v, approximate %q", r.Key, r.fields, headers(r.Record)["approximate"])
					}
				}
			})
		}
	}
}
