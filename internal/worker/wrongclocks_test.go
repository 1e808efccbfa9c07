package worker_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// clockStory is instruments in one partition which send 10 records a second in all.
type clockStory struct {
	records int
	off     func(i int) time.Duration // by how much the clock is ahead that stamps record i
}

func (s clockStory) times() (out []time.Time) {
	for i := range s.records {
		out = append(out, base.Add(time.Duration(i)*100*time.Millisecond+s.off(i)))
	}
	return out
}

// one of each n records is ahead by d.
func one(n int, d time.Duration) func(int) time.Duration {
	return func(i int) time.Duration {
		if i%n == n/2 {
			return d
		}
		return 0
	}
}

var clockStories = map[string]clockStory{
	"37 s, half of the records":   {600, one(2, 37*time.Second)},
	"37 s, 2 %":                   {600, one(50, 37*time.Second)},
	"120 s, 1 %":                  {600, one(100, 120*time.Second)},
	"299 s, 1 %":                  {600, one(100, 299*time.Second)},
	"one record 4 minutes ahead":  {600, one(600, 4*time.Minute)},
	"37 s, 100 records in a row":  {600, func(i int) time.Duration { return time.Duration(i/100%2) * 37 * time.Second }},
	"three clocks":                {600, func(i int) time.Duration { return []time.Duration{0, -20 * time.Second, 37 * time.Second}[i%3] }},
	"drifts by a second a minute": {1800, func(i int) time.Duration { return time.Duration(i%2*i) * time.Second / 600 }},
	"set forward, and back again": {1200, func(i int) time.Duration {
		return map[bool]time.Duration{true: time.Minute}[i%2 == 0 && i >= 100 && i < 900]
	}},
	"drifts back, and one is fast": {1800, func(i int) time.Duration {
		return []time.Duration{0, -time.Duration(i) * time.Second / 600, 37 * time.Second}[i%3]
	}},
}

// produceStory sends the records from one to another of a story to partitions.
func (b *bench) produceStory(id int, s clockStory, partitions, from, to int) {
	b.t.Helper()
	times := s.times()
	var batch []*kgo.Record
	for i := from; i < to; i++ {
		for p := range partitions {
			batch = append(batch, &kgo.Record{Topic: "t0", Partition: int32(p), Timestamp: times[i], Value: b.record(id, map[string]any{"x": float64(i*partitions + p)})})
		}
	}
	must(b.t, b.cl.ProduceSync(b.t.Context(), batch...).FirstErr())
}

func storyBench(t *testing.T, partitions int32) (*bench, int) {
	b := newBench(t, sandbox.Options{})
	a := &b.cfg.Aggregations[0]
	a.Operations = []string{"min", "mean", "median", "stdev", "last"}
	a.Window.MaxFutureSkew, a.Window.IdleAfter, a.MaxWorkers = 5*time.Minute, time.Hour, 1
	b.topic("t0", partitions)
	return b, b.schema("t0", xField)
}

// until waits until workers have read n records of the topic.
func (b *bench) until(n int, ws ...*running) {
	ws[0].status(fmt.Sprintf("%d records", n), func(status.Status) bool {
		read := int64(0)
		for _, w := range ws {
			for _, topic := range w.Status().Topics {
				for _, p := range topic.Partitions {
					if topic.Topic == "t0" {
						read += p.Position
					}
				}
			}
		}
		return read == int64(n)
	})
}

// No record of any instrument is lost for the clock of another: in a replay, where a
// worker dies in the middle, and where the topic is split; and all of them give the same bytes.
func TestWrongClocks(t *testing.T) {
	t.Parallel()
	for name, s := range clockStories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, id := storyBench(t, 1)
			b.produceStory(id, s, 1, 0, s.records)
			rows := b.exactly("t0-aggregated")
			want := map[int64]int64{}
			for _, at := range s.times() {
				want[at.Truncate(time.Second).Unix()]++
			}
			if len(rows) != len(want) {
				t.Errorf("%d windows, want %d", len(rows), len(want))
			}
			for _, r := range rows {
				if n := want[r.start().Unix()]; r.fields["count"] != n {
					t.Errorf("window %v has %v records, want %d", r.start(), r.fields["count"], n)
				}
			}
			replay := b.records("t0-aggregated", len(rows))

			t.Run("killed", func(t *testing.T) {
				b, id := storyBench(t, 1)
				hard, kill := context.WithCancel(t.Context())
				defer kill()
				w := b.start(func(o *worker.Options) { o.Hard = hard })
				b.produceStory(id, s, 1, 0, s.records/2)
				b.until(s.records/2, w)
				kill()
				<-w.done
				w.done <- nil
				b.produceStory(id, s, 1, s.records/2, s.records)
				b.exactly("t0-aggregated")
				compare(t, b.records("t0-aggregated", b.count("t0-aggregated")), replay, config.ExactlyOnce)
			})
		})
	}
}

// The same where the topic is split, and one of the workers dies.
func TestWrongClocksInASplitTopic(t *testing.T) {
	t.Parallel()
	const partitions = 3
	for _, name := range []string{"37 s, half of the records", "one record 4 minutes ahead", "three clocks", "set forward, and back again"} {
		s := clockStories[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, id := storyBench(t, partitions)
			b.produceStory(id, s, partitions, 0, s.records)
			b.exactly("t0-aggregated")
			whole := b.records("t0-aggregated", b.count("t0-aggregated"))

			b, id = storyBench(t, partitions)
			b.cfg.Aggregations[0].MaxWorkers = 2
			hard, kill := context.WithCancel(t.Context())
			defer kill()
			ws := []*running{b.start(), b.start(func(o *worker.Options) { o.Hard = hard })}
			ws[0].status("two workers that ship", func(status.Status) bool {
				return !slices.ContainsFunc(ws, func(w *running) bool {
					return !slices.ContainsFunc(w.Status().Topics, func(s status.TopicStatus) bool {
						return s.Topic == "t0" && s.PartialsTopic != "" && len(s.Partitions) > 0 && len(s.Partitions) < partitions
					})
				})
			})
			b.produceStory(id, s, partitions, 0, s.records/2)
			b.until(partitions*s.records/2, ws...)
			kill()
			<-ws[1].done
			ws[1].done <- nil
			b.produceStory(id, s, partitions, s.records/2, s.records)
			b.until(partitions*s.records, ws[0])
			ws[0].end()
			b.cfg.Aggregations[0].MaxWorkers = 1
			b.exactly("t0-aggregated")
			compare(t, b.records("t0-aggregated", b.count("t0-aggregated")), whole, config.ExactlyOnce)
		})
	}
}

// What is ahead by more than max_future_skew is set aside, and makes no other record late.
func TestClockBeyondTheSkew(t *testing.T) {
	t.Parallel()
	b, id := storyBench(t, 1)
	now := time.Now().Add(-time.Minute)
	var batch []*kgo.Record
	off := one(100, 10*time.Minute)
	for i := range 600 {
		batch = append(batch, &kgo.Record{Topic: "t0", Timestamp: now.Add(time.Duration(i)*100*time.Millisecond + off(i)), Value: b.record(id, map[string]any{"x": 1.0})})
	}
	must(t, b.cl.ProduceSync(t.Context(), batch...).FirstErr())
	w := b.start()
	b.until(600, w)
	s := w.status("all judged", func(s status.Status) bool { return s.Topics[0].Records == 600 })
	if c := s.Topics[0]; c.Future != 6 || c.Late != 0 {
		t.Errorf("%d ahead of time, %d late", c.Future, c.Late)
	}
	w.end()
}
