package worker_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// ships waits until each of the workers has its part of the split topic t0.
func ships(ws ...*running) {
	for _, w := range ws {
		w.status(fmt.Sprintf("%d workers that ship", len(ws)), func(s status.Status) bool {
			return slices.ContainsFunc(s.Topics, func(t status.TopicStatus) bool {
				return t.Topic == "t0" && t.PartialsTopic != "" && len(t.Partitions) > 0 && len(t.Partitions) < splitPartitions
			})
		})
	}
}

// late are the records in the topic of late records, by their place.
func (b *bench) late(topic string) (places []string) {
	b.t.Helper()
	if n := b.count(topic); n > 0 {
		for _, r := range b.records(topic, n) {
			h := headers(r)
			places = append(places, h["topic"]+"/"+h["partition"]+"@"+h["offset"])
		}
	}
	return places
}

// The group is deleted while a topic is split and some of its records are on
// the way: what is out stays out, nothing else is lost, and nothing that was in
// a window is called late.
func TestSplitTopicWithoutItsGroup(t *testing.T) {
	t.Parallel()
	const seconds = 20
	want := whole(t, seconds)
	b, id := splitBench(t, 2, config.ExactlyOnce)
	b.topic("late", 1)
	b.cfg.Aggregations[0].Window.IdleAfter = time.Hour // only records close windows
	b.cfg.Aggregations[0].Late = config.Late{Policy: "topic", Topic: "late"}
	rng := rand.New(rand.NewPCG(1, 1))
	for round, to := range []int{8, 14} {
		ws := []*running{b.start(), b.start()}
		if round == 0 {
			ships(ws...)
		}
		splitTraffic(b, id, rng, []int{0, 8}[round], to)
		b.records("t0-aggregated", to-3)
		for _, w := range ws {
			w.end()
		}
		_, err := b.adm.DeleteGroup(t.Context(), b.cfg.Worker.Group)
		must(t, err)
	}
	splitTraffic(b, id, rng, 14, seconds)
	ws := []*running{b.start(), b.start()}
	b.records("t0-aggregated", seconds-3)
	for _, w := range ws {
		w.end()
	}
	b.exactly("t0-aggregated")
	compare(t, b.records("t0-aggregated", b.count("t0-aggregated")), want, config.ExactlyOnce)
	if l := b.late("late"); len(l) > 0 {
		t.Errorf("%d records that were in windows are late: %v", len(l), l[:min(len(l), 5)])
	}
}

// A record from the future stays out of all windows also when it is read
// again because the group was deleted.
func TestFutureRecordWithoutTheGroup(t *testing.T) {
	t.Parallel()
	b, id := splitBench(t, 1, config.ExactlyOnce)
	b.cfg.Aggregations[0].Window.IdleAfter = time.Hour
	b.cfg.DeadLetterTopic = "dead"
	second := func(from, to float64) {
		for s := from; s < to; s += 0.5 {
			for p := range int32(splitPartitions) {
				b.send("t0", p, s, b.record(id, map[string]any{"x": s}))
			}
		}
	}
	w := b.start()
	second(0, 3)
	b.sendAt("t0", 3, time.Now().Add(100*time.Hour), b.record(id, map[string]any{"x": 1e9}))
	second(3, 6)
	b.records("t0-aggregated", 4)
	w.end()
	_, err := b.adm.DeleteGroup(t.Context(), b.cfg.Worker.Group)
	must(t, err)
	second(6, 9)
	rows := b.exactly("t0-aggregated")
	var windows []string
	for s := range 9 {
		windows = append(windows, fmt.Sprintf("%d:%d", s, 2*splitPartitions))
	}
	wantKeys(t, rows, windows...)
	if n := b.count("dead"); n != 1 {
		t.Errorf("%d dead letters, want 1", n)
	}
}

// heavy sends some seconds with 1,600 records each, in an order that a seed fixes.
func heavy(b *bench, id int, seconds int) {
	b.t.Helper()
	rng := rand.New(rand.NewPCG(7, 7))
	var batch []*kgo.Record
	for i := range seconds * 1600 {
		at := base.Add(time.Duration(i)*time.Second/1600 - time.Duration(rng.IntN(900))*time.Millisecond)
		batch = append(batch, &kgo.Record{Topic: "t0", Partition: int32(i % splitPartitions), Timestamp: at, Value: b.record(id, map[string]any{"x": rng.NormFloat64()})})
	}
	must(b.t, b.cl.ProduceSync(b.t.Context(), batch...).FirstErr())
}

// Workers come and go while they work through the backlog of a split topic.
func TestSplitBacklogIsReassigned(t *testing.T) {
	t.Parallel()
	const seconds = 40
	one, id := splitBench(t, 1, config.ExactlyOnce)
	heavy(one, id, seconds)
	one.exactly("t0-aggregated")
	want := one.records("t0-aggregated", one.count("t0-aggregated"))

	b, id := splitBench(t, 3, config.ExactlyOnce)
	b.cfg.Aggregations[0].Window.IdleAfter = time.Hour
	heavy(b, id, seconds)
	ws := []*running{b.start(), b.start()}
	ships(ws...)
	ws = append(ws, b.start())
	ws[2].status("partitions", func(s status.Status) bool { return len(s.Topics) > 0 })
	ws[0].end()
	ws = append(ws[1:], b.start())
	b.records("t0-aggregated", seconds/2)
	for _, w := range ws {
		w.end()
	}
	b.exactly("t0-aggregated")
	compare(t, b.records("t0-aggregated", b.count("t0-aggregated")), want, config.ExactlyOnce)
}

// A topic that is split has partials on the way when all workers end; two with
// --stop-at-end finish it, and both end.
func TestStopAtEndOfSplitTopic(t *testing.T) {
	for _, delivery := range []string{config.ExactlyOnce, config.AtLeastOnce} {
		t.Run(delivery, func(t *testing.T) { t.Parallel(); stopAtEndOfSplitTopic(t, delivery) })
	}
}

func stopAtEndOfSplitTopic(t *testing.T, delivery string) {
	const seconds = 12
	want := whole(t, seconds)
	b, id := splitBench(t, 2, delivery)
	b.cfg.Aggregations[0].Window.IdleAfter = time.Hour
	rng := rand.New(rand.NewPCG(1, 1))
	ws := []*running{b.start(), b.start()}
	ships(ws...)
	splitTraffic(b, id, rng, 0, 6)
	b.records("t0-aggregated", 2)
	for _, w := range ws {
		w.end()
	}
	splitTraffic(b, id, rng, 6, seconds)
	toEnd := func(o *worker.Options) { o.StopAtEnd = true }
	for _, w := range []*running{b.start(toEnd), b.start(toEnd)} {
		err := <-w.done
		w.done <- err
		must(t, err)
	}
	compare(t, b.records("t0-aggregated", b.count("t0-aggregated")), want, delivery)
}

// A worker with --stop-at-end joins two that share the topic out and go on,
// while more is written. It ends when what was there at its start is out.
func TestStopAtEndBesideOthers(t *testing.T) {
	t.Parallel()
	b, id := splitBench(t, 3, config.ExactlyOnce)
	b.cfg.Aggregations[0].Window.IdleAfter = time.Hour // only records close windows
	rng := rand.New(rand.NewPCG(1, 1))
	ws := []*running{b.start(), b.start()}
	ships(ws...)
	seconds := 12
	splitTraffic(b, id, rng, 0, seconds)
	w := b.start(func(o *worker.Options) { o.StopAtEnd = true })
	for ended := false; !ended; {
		select {
		case err := <-w.done:
			w.done <- err
			must(t, err)
			ended = true
		default:
			splitTraffic(b, id, rng, seconds, seconds+1)
			seconds++
			b.records("t0-aggregated", seconds-5)
		}
	}
	if n := b.count("t0-aggregated"); n < 12 {
		t.Errorf("it has ended with %d windows out", n)
	}
	for _, w := range ws {
		w.end()
	}
	b.exactly("t0-aggregated")
	compare(t, b.records("t0-aggregated", b.count("t0-aggregated")), whole(t, seconds), config.ExactlyOnce)
}
