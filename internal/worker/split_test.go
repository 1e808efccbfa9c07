package worker_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

const splitPartitions = 8

// splitTraffic sends the records of some seconds to a topic of 8 partitions.
func splitTraffic(b *bench, id int, rng *rand.Rand, from, to int) {
	b.t.Helper()
	var batch []*kgo.Record
	for i := from * 100; i < to*100; i++ {
		at := base.Add(time.Duration(i)*10*time.Millisecond - time.Duration(rng.IntN(900))*time.Millisecond)
		batch = append(batch, &kgo.Record{Topic: "t0", Partition: int32(i % splitPartitions), Timestamp: at, Value: b.record(id, map[string]any{"x": rng.NormFloat64()})})
	}
	must(b.t, b.cl.ProduceSync(b.t.Context(), batch...).FirstErr())
}

func splitBench(t *testing.T, workers int, delivery string) (*bench, int) {
	b := newBench(t, sandbox.Options{})
	b.cfg.Aggregations[0].MaxWorkers = workers
	b.cfg.Worker.Delivery = delivery
	b.cfg.Aggregations[0].Operations = []string{"min", "mean", "median", "stdev", "last"}
	b.topic("t0", splitPartitions)
	return b, b.schema("t0", xField)
}

// whole is what one worker makes of the traffic.
func whole(t *testing.T, seconds int) []*kgo.Record {
	b, id := splitBench(t, 1, config.ExactlyOnce)
	splitTraffic(b, id, rand.New(rand.NewPCG(1, 1)), 0, seconds)
	b.exactly("t0-aggregated")
	return b.records("t0-aggregated", b.count("t0-aggregated"))
}

// A topic that is split over workers that come and go, and then is not split
// any more, gives the same records as one worker gives, each once.
func TestSplitTopic(t *testing.T) {
	t.Parallel()
	for _, delivery := range []string{config.ExactlyOnce, config.AtLeastOnce} {
		t.Run(delivery, func(t *testing.T) {
			t.Parallel()
			const seconds = 30
			want := whole(t, seconds)
			b, id := splitBench(t, 3, delivery)
			b.cfg.Aggregations[0].Window.IdleAfter = time.Hour // only records close windows
			rng := rand.New(rand.NewPCG(1, 1))
			var ws []*running
			ships := func(n int) func(status.Status) bool {
				return func(status.Status) bool {
					shipping := 0
					for _, w := range ws {
						for _, t := range w.Status().Topics {
							if t.Topic == "t0" && t.PartialsTopic != "" && len(t.Partitions) > 0 && len(t.Partitions) < splitPartitions {
								shipping++
							}
						}
					}
					return shipping == n
				}
			}
			ws = append(ws, b.start())
			splitTraffic(b, id, rng, 0, 5)
			b.records("t0-aggregated", 2)
			ws = append(ws, b.start(), b.start())
			ws[0].status("three workers that ship", ships(3))
			splitTraffic(b, id, rng, 5, 12)
			b.records("t0-aggregated", 9)
			ws[0].end()
			ws = ws[1:]
			splitTraffic(b, id, rng, 12, 18)
			ws[0].status("two workers that ship", ships(2))
			b.records("t0-aggregated", 15)
			ws[0].end()
			ws = ws[1:]
			splitTraffic(b, id, rng, 18, 24)
			b.records("t0-aggregated", 20)
			ws = append(ws, b.start())
			ws[0].status("two workers that ship again", ships(2))
			splitTraffic(b, id, rng, 24, seconds)
			b.records("t0-aggregated", 27)
			for _, w := range ws {
				w.end()
			}
			b.cfg.Aggregations[0].Window.IdleAfter = 300 * time.Millisecond
			b.exactly("t0-aggregated")
			got := b.records("t0-aggregated", b.count("t0-aggregated"))
			compare(t, got, want, delivery)
		})
	}
}

// compare wants the same records; without transactions, some more than once.
func compare(t *testing.T, got, want []*kgo.Record, delivery string) {
	t.Helper()
	text := func(r *kgo.Record) string {
		h := headers(r)
		if len(h["source_topic_id"]) != 22 {
			t.Errorf("window %s: headers %v", r.Key, h)
		}
		delete(h, "source_topic_id") // they are of two clusters
		return fmt.Sprintf("%s %x %v", r.Key, r.Value, h)
	}
	var g, w []string
	for _, r := range got {
		g = append(g, text(r))
	}
	for _, r := range want {
		w = append(w, text(r))
	}
	slices.Sort(g)
	slices.Sort(w)
	if delivery == config.AtLeastOnce {
		g = slices.Compact(g)
	}
	if !slices.Equal(g, w) {
		t.Errorf("%d records, want %d", len(g), len(w))
		for i := range min(len(g), len(w)) {
			if g[i] != w[i] {
				t.Fatalf("got %s, want %s", g[i], w[i])
			}
		}
	}
}

// Of a split topic that goes silent the last windows come out.
func TestSplitTopicGoesSilent(t *testing.T) {
	t.Parallel()
	b, id := splitBench(t, 2, config.ExactlyOnce)
	v, w := b.start(), b.start()
	for _, r := range []*running{v, w} {
		r.status("four partitions", func(s status.Status) bool {
			return slices.ContainsFunc(s.Topics, func(t status.TopicStatus) bool { return t.Topic == "t0" && len(t.Partitions) == 4 })
		})
	}
	b.send("t0", 3, 0.5, b.record(id, map[string]any{"x": 1.0}))
	b.send("t0", 4, 0.6, b.record(id, map[string]any{"x": 2.0}))
	wantKeys(t, b.read("t0-aggregated", 1), "0:2")
}
