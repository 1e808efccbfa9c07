package worker_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// taiAhead is by how much TAI is ahead of UTC.
const taiAhead = 37 * time.Second

// stampedFields has the time of the measurement in TAI, as doubles, and once more
// in UTC.
const stampedFields = `{"name":"label","type":"string"},{"name":"private_sndStamp","type":["null","double"]},
	{"name":"header","type":{"type":"record","name":"Header","fields":[{"name":"at","type":["null",{"type":"long","logicalType":"timestamp-micros"}]}]}},
	{"name":"x","type":"double"}`

// arrival is when the broker says that all records arrived.
var arrival = base.Add(50 * time.Minute)

// stamped is a record whose measurement was at a time, with TAI in its field.
func (b *bench) stamped(id int, at time.Time, x float64) []byte {
	return b.record(id, map[string]any{"label": "l", "private_sndStamp": float64(at.Add(taiAhead).UnixMicro()) / 1e6, "header": map[string]any{"at": nil}, "x": x})
}

// payloadBench has a topic whose records arrived all at once, and their time in a field.
func payloadBench(t *testing.T, partitions int32) (*bench, int) {
	b := newBench(t, sandbox.Options{})
	a := &b.cfg.Aggregations[0]
	a.Operations = []string{"min", "mean", "median", "stdev", "last"}
	a.Fields.Exclude = append(a.Fields.Exclude, "/^private_/")
	a.Window.MaxFutureSkew, a.Window.IdleAfter, a.MaxWorkers = 5*time.Minute, time.Hour, 1
	a.EventTime = config.EventTime{Field: "private_sndStamp", Scale: "tai", Fallback: "kafka"}
	b.topic("t0", partitions)
	return b, b.schema("t0", stampedFields)
}

// measured is when record i was measured: ten in a second, out of order by up to 0.8 s.
func measured(i int) time.Time {
	return base.Add(time.Duration(i/8*8+7-i%8) * 100 * time.Millisecond)
}

// produceMeasured sends records from one to another to all partitions.
func (b *bench) produceMeasured(id, partitions, from, to int) {
	b.t.Helper()
	var batch []*kgo.Record
	for i := from; i < to; i++ {
		for p := range partitions {
			at := measured(i)
			batch = append(batch, &kgo.Record{Topic: "t0", Partition: int32(p), Timestamp: arrival, Value: b.stamped(id, at, float64(at.Sub(base)/(100*time.Millisecond)))})
		}
	}
	must(b.t, b.cl.ProduceSync(b.t.Context(), batch...).FirstErr())
}

// wantMeasured wants a record for each of the seconds, with the values of its tenths.
func wantMeasured(t *testing.T, rows []row, partitions, records int) {
	t.Helper()
	if len(rows) != records/10 {
		t.Errorf("%d windows, want %d", len(rows), records/10)
	}
	for _, r := range rows {
		s := r.start().Sub(base).Seconds()
		want := map[string]any{"count": int64(10 * partitions), "min_x": 10 * s, "mean_x": 10*s + 4.5, "median_x": 10*s + 4.5, "last_x": 10*s + 9, "time": float64(base.Unix()) + s + 0.5}
		for name, v := range want {
			if got := r.fields[name]; got != v {
				t.Errorf("window of %g s: %s is %v, want %v", s, name, got, v)
			}
		}
	}
}

// Windows are those of the measurement, in UTC, whatever the time of arrival: by one
// worker, by one that is killed, and where the topic is split and a worker killed; with
// the same bytes.
func TestPayloadTime(t *testing.T) {
	t.Parallel()
	const partitions, records = 3, 400
	b, id := payloadBench(t, partitions)
	b.produceMeasured(id, partitions, 0, records)
	wantMeasured(t, b.exactly("t0-aggregated"), partitions, records)
	whole := b.records("t0-aggregated", b.count("t0-aggregated"))

	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		b, id := payloadBench(t, partitions)
		hard, kill := context.WithCancel(t.Context())
		defer kill()
		w := b.start(func(o *worker.Options) { o.Hard = hard })
		b.produceMeasured(id, partitions, 0, records/2)
		b.until(partitions*records/2, w)
		kill()
		<-w.done
		w.done <- nil
		b.produceMeasured(id, partitions, records/2, records)
		b.exactly("t0-aggregated")
		compare(t, b.records("t0-aggregated", b.count("t0-aggregated")), whole, config.ExactlyOnce)
	})
	t.Run("split", func(t *testing.T) {
		t.Parallel()
		b, id := payloadBench(t, partitions)
		b.cfg.Aggregations[0].MaxWorkers = 2
		hard, kill := context.WithCancel(t.Context())
		defer kill()
		ws := []*running{b.start(), b.start(func(o *worker.Options) { o.Hard = hard })}
		b.shared(ws, partitions)
		b.produceMeasured(id, partitions, 0, records/2)
		b.until(partitions*records/2, ws...)
		kill()
		<-ws[1].done
		ws[1].done <- nil
		b.produceMeasured(id, partitions, records/2, records)
		b.until(partitions*records, ws[0])
		ws[0].end()
		b.cfg.Aggregations[0].MaxWorkers = 1
		b.exactly("t0-aggregated")
		compare(t, b.records("t0-aggregated", b.count("t0-aggregated")), whole, config.ExactlyOnce)
	})
}

// shared waits until each of the workers has some of the partitions.
func (b *bench) shared(ws []*running, partitions int) {
	ws[0].status("workers that ship", func(status.Status) bool {
		return !slices.ContainsFunc(ws, func(w *running) bool {
			return !slices.ContainsFunc(w.Status().Topics, func(s status.TopicStatus) bool {
				return s.Topic == "t0" && s.PartialsTopic != "" && len(s.Partitions) > 0 && len(s.Partitions) < partitions
			})
		})
	})
}

// Each reason for which a field has no time, the next field of the list, and the fallback.
func TestPayloadTimeFallsBack(t *testing.T) {
	t.Parallel()
	at := base.Add(10 * time.Second)
	second := at.Add(20 * time.Second)
	seconds := func(t time.Time) any { return float64(t.Unix()) }
	for _, strict := range []bool{false, true} {
		b, id := payloadBench(t, 1)
		a := &b.cfg.Aggregations[0]
		a.EventTime = config.EventTime{Field: "nowhere,private_sndStamp,header.at", Scale: "utc", Fallback: map[bool]string{false: "kafka", true: "bad"}[strict]}
		for i, c := range []struct{ first, second any }{
			{seconds(at), nil},
			{nil, second}, {math.NaN(), second}, {0.0, second}, {-1.0, second}, {seconds(time.Now().Add(time.Hour)), second}, {1e300, second},
			{nil, nil}, {0.0, time.Unix(0, 0)}, {nil, time.Now().Add(time.Hour)},
			{seconds(at), at.Add(-25 * time.Hour)},
		} {
			b.sendAt("t0", 0, arrival, b.record(id, map[string]any{"label": "l", "private_sndStamp": c.first, "header": map[string]any{"at": c.second}, "x": float64(i)}))
		}
		b.sendAt("t0", 0, arrival, append(b.stamped(id, at, 0), 7)) // cannot be decoded
		w := b.start(func(o *worker.Options) { o.StopAtEnd = true })
		err := <-w.done
		w.done <- err
		must(t, err)
		rows := b.read("t0-aggregated", b.count("t0-aggregated"))
		letters := b.records("kafka-aggregator-dead-letter", b.count("kafka-aggregator-dead-letter"))
		s := w.Status().Topics[0]
		want, bad := []string{"10:2", "30:6", "3000:3"}, int64(1)
		if strict {
			want, bad = []string{"10:2", "30:6"}, 4
			if why := headers(letters[0])["error"]; !strings.Contains(why, "it has no time: nowhere is missing, private_sndStamp is null, header.at is null") {
				t.Errorf("the letter says %q", why)
			}
			if why := headers(letters[2])["error"]; !strings.Contains(why, "header.at is future") {
				t.Errorf("the letter says %q", why)
			}
		}
		wantKeys(t, rows, want...)
		if s.DeadLettered != bad || len(letters) != int(bad) {
			t.Errorf("strict %t: %d dead letters, %d counted, want %d", strict, len(letters), s.DeadLettered, bad)
		}
		reasons := map[string]int64{"missing": 11, "null": 4, "nan": 1, "zero": 3, "past": 1, "future": 3, "unreadable": 0}
		if fmt.Sprint(s.TimesPassedOver) != fmt.Sprint(reasons) || s.TimeFallbacks != 3 || s.TimesApart != 1 || s.EventTime != "private_sndStamp" {
			t.Errorf("passed over %v, want %v; %d fell back, %d apart, time from %q", s.TimesPassedOver, reasons, s.TimeFallbacks, s.TimesApart, s.EventTime)
		}
	}
}

// A long of which nobody says what it counts holds the topic up, until somebody does.
func TestTimeWithoutUnit(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.cfg.Aggregations[0].EventTime = config.EventTime{Field: "at", Scale: "utc", Fallback: "kafka"}
	b.topic("t0", 1)
	id := b.schema("t0", `{"name":"at","type":"long"},{"name":"x","type":"double"}`)
	for i := range 30 {
		b.sendAt("t0", 0, arrival, b.record(id, map[string]any{"at": base.Add(time.Duration(i) * 100 * time.Millisecond).UnixMilli(), "x": 1.0}))
	}
	w := b.start()
	w.status("a problem", func(s status.Status) bool {
		return len(s.Topics) == 1 && slices.ContainsFunc(s.Topics[0].Problems, func(p status.Problem) bool {
			return p.Cause == "schema" && strings.Contains(p.Text, "field at is long") && strings.Contains(p.Text, "set event_time.unit")
		})
	})
	w.end()
	b.cfg.Aggregations[0].EventTime.Unit = "ms"
	wantKeys(t, b.exactly("t0-aggregated"), "0:10", "1:10", "2:10")
}

// Another event time over a restart: what is out stays out, and the first windows of the
// new time say that they are partial; also when nothing was read in between.
func TestEventTimeIsChanged(t *testing.T) {
	t.Parallel()
	b, id := payloadBench(t, 1)
	a := &b.cfg.Aggregations[0]
	a.Window.IdleAfter = time.Hour
	tai := a.EventTime
	send := func(from, to int) { // measured at these tenths of a second, and stamped 2 s later
		for i := from; i < to; i++ {
			at := base.Add(time.Duration(i) * 100 * time.Millisecond)
			b.sendAt("t0", 0, at.Add(2*time.Second), b.stamped(id, at, float64(i)))
		}
	}
	until := func(windows int) *running {
		w := b.start()
		w.status("windows", func(s status.Status) bool { return len(s.Topics) == 1 && s.Topics[0].Windows >= int64(windows) })
		return w
	}
	a.EventTime = config.EventTime{Scale: "utc", Fallback: "kafka"}
	send(0, 100) // by Kafka from 2 s to 12 s
	until(8).end()
	a.EventTime = tai
	w := b.start()
	w.status("placed", func(s status.Status) bool { return len(s.Topics) == 1 && len(s.Topics[0].Partitions) == 1 })
	w.end()
	send(100, 150) // by the field from 10 s to 15 s
	until(3).end()
	a.EventTime = config.EventTime{Scale: "utc", Fallback: "kafka"}
	send(150, 200) // by Kafka from 17 s to 22 s
	rows := b.exactly("t0-aggregated")
	partial := map[float64]bool{}
	counts := map[float64]any{}
	for _, r := range rows {
		s := r.start().Sub(base).Seconds()
		if counts[s] != nil {
			t.Errorf("the window of %g s comes twice", s)
		}
		counts[s], partial[s] = r.fields["count"], headers(r.Record)["partial"] == "true"
	}
	if !strings.Contains(w.logs.String(), "event_time was changed") {
		t.Errorf("the log does not say that event_time was changed:\n%s", w.logs)
	}
	// The records of 13 s and 14 s by the field were in windows that were open at the second
	// change; by Kafka they are of 15 s and 16 s.
	want := map[float64]bool{}
	for s := 2.0; s < 22; s++ {
		if s != 13 && s != 14 {
			want[s] = s == 10 || s == 11 || s == 15 || s == 16
		}
	}
	for s, n := range counts {
		if n != int64(10) {
			t.Errorf("the window of %g s has %v records", s, n)
		}
	}
	if !maps.Equal(partial, want) {
		t.Errorf("windows, and whether they are partial: %v, want %v", partial, want)
	}
}

// The same where the topic is split, and what was sent was not merged yet: each window comes
// once, none has records of both times, and what was sent by the former time is put aside.
func TestEventTimeOfASplitTopicIsChanged(t *testing.T) {
	t.Parallel()
	const partitions = 3
	b, id := payloadBench(t, partitions)
	a := &b.cfg.Aggregations[0]
	a.MaxWorkers = 2
	tai := a.EventTime
	send := func(from, to int) { // measured at these tenths of a second, and stamped 2 s later
		for i := from; i < to; i++ {
			at := base.Add(time.Duration(i) * 100 * time.Millisecond)
			for p := range int32(partitions) {
				b.sendAt("t0", p, at.Add(2*time.Second), b.stamped(id, at, float64(i)))
			}
		}
	}
	run := func(until func(windows int64) bool) {
		ws := []*running{b.start(), b.start()}
		b.shared(ws, partitions)
		ws[0].status("windows", func(status.Status) bool {
			n := int64(0)
			for _, w := range ws {
				for _, topic := range w.Status().Topics {
					n += topic.Windows
				}
			}
			return until(n)
		})
		for _, w := range ws {
			w.end()
		}
	}
	a.EventTime = config.EventTime{Scale: "utc", Fallback: "kafka"}
	send(0, 100) // by Kafka from 2 s to 12 s
	run(func(n int64) bool { return n >= 8 })
	a.EventTime = tai
	send(100, 200) // by the field from 10 s to 20 s
	run(func(n int64) bool { return n >= 5 })
	a.MaxWorkers = 1
	a.EventTime = tai
	rows := b.exactly("t0-aggregated")
	seen := map[float64]bool{}
	for _, r := range rows {
		s := r.start().Sub(base).Seconds()
		if seen[s] {
			t.Errorf("the window of %g s comes twice", s)
		}
		seen[s] = true
		lowest := 10*s - 20 // by Kafka
		if s >= 10 {
			lowest = 10 * s
		}
		partial := headers(r.Record)["partial"] == "true"
		if low := r.fields["min_x"].(float64); low < lowest || low > lowest+9 || r.fields["last_x"].(float64) > lowest+9 {
			t.Errorf("the window of %g s has values from %g on, of which %g is the last", s, low, r.fields["last_x"])
		}
		if r.fields["count"] != int64(10*partitions) && !partial {
			t.Errorf("the window of %g s has %d records and is not partial", s, r.fields["count"])
		}
	}
	if len(seen) < 15 || !seen[19] {
		t.Errorf("%d windows: %v", len(seen), keys(rows))
	}
}
