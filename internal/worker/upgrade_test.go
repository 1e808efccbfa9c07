package worker_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// What workers of an earlier commit have left in Kafka, killed while windows were
// open, is gone on with: each window comes out once, with the bytes that one of
// those workers gave without a break.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*/*.json")
	must(t, err)
	if len(files) != 5 {
		t.Fatalf("%d recordings, want 5", len(files))
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".json")
		for _, workers := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/%d", name, workers), func(t *testing.T) {
				t.Parallel()
				r := readRecording(t, file)
				r.wantTelling(t, name)
				b := r.bench(t)
				b.cfg.Aggregations[0].MaxWorkers = workers
				before := b.count("t0-aggregated")
				if workers > 1 {
					b.goOn(workers)
				}
				b.exactly("t0-aggregated")
				got := b.records("t0-aggregated", b.count("t0-aggregated"))
				if before == 0 || len(got) == before {
					t.Errorf("of %d windows %d were there before", len(got), before)
				}
				b.compareWhole(&r, got)
				b.compareCounts(&r, got)
				b.compareLetters(&r)
			})
		}
	}
}

// wantTelling wants a recording in which an upgrade has something to lose.
func (r *recording) wantTelling(t *testing.T, name string) {
	t.Helper()
	again, unread, refused, shipped, frames := int64(0), 0, 0, 0, 0
	for _, o := range r.Offsets {
		c, err := agent.DecodeCheckpoint(o.Metadata)
		must(t, err)
		left := 0
		for _, x := range r.topic(t, o.Topic).Partitions[o.Partition] {
			if x.Marker == "" && x.Offset >= c.Head {
				left++
			}
		}
		again += c.Count
		switch {
		case o.Topic != "t0":
			frames += left
			continue
		case c.Shipped != math.MinInt64:
			shipped++
		}
		unread += left
		refused += len(c.Refused)
	}
	split := strings.Contains(name, "split")
	if again == 0 || unread == 0 || split && (shipped == 0 || frames == 0) || !split && refused == 0 {
		t.Errorf("a recording that tells little: %d records to read again, %d that were not read, %d refused, %d partitions of which records were shipped, %d frames that were not read", again, unread, refused, shipped, frames)
	}
}

// goOn has workers share what is left, up to the end.
func (b *bench) goOn(workers int) {
	b.t.Helper()
	var ws []*running
	for range workers {
		ws = append(ws, b.start())
	}
	for _, w := range ws {
		w.status("all is read", func(status.Status) bool {
			parts := 0
			for _, w := range ws {
				for _, topic := range w.Status().Topics {
					for _, p := range topic.Partitions {
						if p.Lag > 0 {
							return false
						}
						if topic.Topic == "t0" {
							parts++
						}
					}
				}
			}
			return parts == len(b.partitions("t0"))
		})
	}
	for _, w := range ws {
		w.end()
	}
}

func (b *bench) partitions(topic string) []int32 {
	b.t.Helper()
	found, err := b.adm.ListTopics(b.t.Context(), topic)
	must(b.t, err)
	return found[topic].Partitions.Numbers()
}

// compareWhole wants the records that one worker of the recording gave.
func (b *bench) compareWhole(r *recording, got []*kgo.Record) {
	b.t.Helper()
	id, err := hex.DecodeString(r.topic(b.t, "t0").ID)
	must(b.t, err)
	text := func(r *kgo.Record) string {
		h := headers(r)
		delete(h, "source_topic_id")
		return fmt.Sprintf("%s %d %x %v", r.Key, r.Timestamp.UnixMilli(), r.Value, h)
	}
	var g, w []string
	for _, x := range got {
		if of := headers(x)["source_topic_id"]; of != "" && of != base64.RawURLEncoding.EncodeToString(id) { // 14bc4eb did not say
			b.t.Errorf("window %s is of the topic %s", x.Key, of)
		}
		g = append(g, text(x))
	}
	for _, x := range r.Whole {
		w = append(w, text(x.record(b.t)))
	}
	slices.Sort(g)
	slices.Sort(w)
	if b.cfg.Worker.Delivery == config.AtLeastOnce {
		g = slices.Compact(g)
	}
	if !slices.Equal(g, w) {
		b.t.Errorf("%d windows:\n%s\nwant %d:\n%s", len(g), strings.Join(g, "\n"), len(w), strings.Join(w, "\n"))
	}
}

// compareCounts wants each window once, with as many records as the source topic
// has of it, and the least of them.
func (b *bench) compareCounts(r *recording, got []*kgo.Record) {
	b.t.Helper()
	type window struct {
		n   int64
		min float64
	}
	set := b.cfg.Aggregations[0].Window
	size, grace := set.Size.Milliseconds(), set.Grace.Milliseconds()
	want := map[int64]window{}
	for id, records := range r.topic(b.t, "t0").Partitions {
		watermark := int64(math.MinInt64)
		for _, x := range records {
			start := x.Time - x.Time%size
			v, ok := b.x(x.record(b.t).Value)
			if !ok || r.inFuture(id, x.Offset) || start+size <= watermark {
				continue
			}
			watermark = max(watermark, x.Time-grace)
			w, ok := want[start]
			if !ok {
				w.min = v
			}
			want[start] = window{w.n + 1, min(w.min, v)}
		}
	}
	have := map[int64]window{}
	for _, x := range b.read("t0-aggregated", len(got)) {
		start := x.start().UnixMilli()
		if _, ok := have[start]; ok && b.cfg.Worker.Delivery == config.ExactlyOnce {
			b.t.Errorf("window %v comes twice", x.start())
		}
		have[start] = window{x.fields["count"].(int64), x.fields["min_x"].(float64)}
	}
	if !maps.Equal(have, want) {
		b.t.Errorf("windows %v, want %v", have, want)
	}
}

// x is the value of the field x, if the bytes are those of a record.
func (b *bench) x(value []byte) (float64, bool) {
	id, body, err := registry.ParseHeader(value)
	if err != nil || b.schemas[id] == nil {
		return 0, false
	}
	var fields map[string]any
	if _, err := b.schemas[id].Decode(body, &fields); err != nil {
		return 0, false
	}
	v, ok := fields["x"].(float64)
	return v, ok
}

// compareLetters wants a dead letter for each record that is bad, or was in the
// future.
func (b *bench) compareLetters(r *recording) {
	b.t.Helper()
	var got, want []string
	for _, x := range b.records("letters", b.count("letters")) {
		h := headers(x)
		got = append(got, h["partition"]+"/"+h["offset"])
	}
	for id, records := range r.topic(b.t, "t0").Partitions {
		for _, x := range records {
			if _, ok := b.x(x.record(b.t).Value); x.Value != nil && (!ok || r.inFuture(id, x.Offset)) {
				want = append(want, fmt.Sprintf("%d/%d", id, x.Offset))
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if b.cfg.Worker.Delivery == config.AtLeastOnce {
		got = slices.Compact(got)
	}
	if !slices.Equal(got, want) || len(want) != r.Letters {
		b.t.Errorf("dead letters of %v, want %v, %d in all", got, want, r.Letters)
	}
}
