package agent

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

func TestFrameRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	logs := wideLogs(rng, 1, 0)
	b := &broker{logs: logs, held: make([]committed, 1), out: map[string]Result{}}
	set := Settings{Grid: window.TumblingGrid(100 * second)}
	s := newSplitter(t, b, set, Shipping, []int{0})
	s.read(0, len(logs[0])-1)
	if s.deliver(false) {
		t.Fatal("not delivered")
	}
	w := newMergingWorker(t, b, set)
	w.read(1000)
	again := New("t", set)
	again.AddVersion(0, w.agent.Versions(0)[0])
	p := again.partition(0, newFeed(again, 0, Fresh(0)))
	p.panes, p.watch = w.agent.parts[0].panes, w.agent.parts[0].watch
	again.Share(Shipping)
	frames, err := p.Ship([16]byte{1}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := b.partials[:len(b.partials)-1]; len(frames) != len(want) {
		t.Fatalf("%d frames, want %d", len(frames), len(want))
	}
	for i, f := range frames[:len(frames)-1] {
		if !bytes.Equal(f, b.partials[i]) {
			t.Errorf("frame %d differs after a round trip", i)
		}
	}
}

// A record larger than a message goes in pieces, which may come twice and
// between those of others.
func TestLargeRecord(t *testing.T) {
	set := Settings{Grid: window.TumblingGrid(second)}
	big := make([]any, 300_000)
	for i := range big {
		big[i] = float64(i)
	}
	body, err := wideWriter.Encode(map[string]any{"x": 1.0, "n": nil, "a": big, "l": []any{}, "p": nil})
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{logs: [][]wideRecord{{{t: second, body: body}, {t: second + 1, body: body}}}, held: make([]committed, 1), out: map[string]Result{}}
	s := newSplitter(t, b, set, Shipping, []int{0})
	s.read(0, 2)
	if s.deliver(false) {
		t.Fatal("not delivered")
	}
	f := b.partials[:len(b.partials)-1]
	if len(f) != 7 {
		t.Fatalf("%d frames, want two records in three pieces each, and a claim", len(f))
	}
	for _, p := range f {
		if len(p) > 1_000_000 {
			t.Errorf("a frame of %d bytes", len(p))
		}
	}
	b.partials = [][]byte{f[0], f[1], f[0], f[1], f[2], f[2], f[3], f[0], f[4], f[5], f[3], f[6], appendClaim(nil, header{topic: TopicHash([16]byte{1})}, claim{of: 1, watermark: 2 * second, reached: 2 * second})}
	w := newMergingWorker(t, b, set)
	w.read(100)
	if len(w.pending) != 1 || w.pending[0].Count != 2 {
		t.Fatalf("got %d windows, %+v", len(w.pending), w.m.Counts)
	}
	w.m.Check()
}

// The time of the frames decides how old a claim is, and who is silent.
func TestSplitIdle(t *testing.T) {
	set := Settings{Grid: window.TumblingGrid(second), Grace: second, IdleAfter: 5 * second, MaxFutureSkew: second}
	b := &broker{logs: [][]wideRecord{{{t: 100 * second, body: wideBody(rand.New(rand.NewPCG(1, 1)))}}, nil}, held: make([]committed, 2), out: map[string]Result{}}
	s := newSplitter(t, b, set, Shipping, []int{0})
	s.read(0, 1)
	s.deliver(false)
	w := newMergingWorker(t, b, set)
	w.read(100)
	at := w.m.Position()
	say := func(clock int64, partition int32, watermark, silent int64) []Result {
		f := appendClaim(nil, header{partition: partition, topic: TopicHash([16]byte{1})}, claim{of: 2, watermark: watermark, reached: watermark, silent: silent})
		if _, err := w.m.Add(at, 0, clock, f, nil); err != nil {
			t.Fatal(err)
		}
		at++
		return w.close(w.m.Activity)
	}
	if got := say(10*second, 0, 99*second, 6*second); got != nil {
		t.Fatalf("nothing is known of partition 1: %+v", got)
	}
	if got := say(14*second, 1, 95*second, 0); got != nil {
		t.Fatalf("partition 0 was idle 4 s ago: %+v", got)
	}
	if got := say(14*second, 0, 99*second, 6*second); got != nil || w.agent.Final() != 95*second {
		t.Fatalf("partition 1 is active: %+v, final %d", got, w.agent.Final())
	}
	if got := say(15*second, 1, 95*second, 5*second); len(got) != 1 || w.agent.Final() != 101*second {
		t.Fatalf("all idle: %+v, final %d", got, w.agent.Final())
	}
	frames, err := s.parts[0].Ship([16]byte{1}, 0, nil)
	if err != nil || len(frames) != 1 {
		t.Fatal(frames, err)
	}
}

func FuzzFrame(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	b := &broker{logs: wideLogs(rng, 1, 0), held: make([]committed, 1), out: map[string]Result{}}
	s := &splitter{rig: wideRig(f, Settings{Grid: window.TumblingGrid(10 * second)}), b: b, parts: map[int]*Partition{}}
	s.agent.Share(Shipping)
	s.agent.SetPartitions(1, false)
	s.parts[0] = s.agent.Assign(0, 0, Fresh(0))
	s.read(0, 20)
	frames, err := s.parts[0].Ship([16]byte{1}, 0, nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, frame := range frames {
		f.Add(frame)
	}
	f.Add(appendClaim(nil, header{}, claim{of: 1, watermark: 30 * second, newest: []Newest{{window.Tumbling(10 * second), second}}}))
	plan := &MergePlan{Slots: []int{0, 1, 2, 3, 4}}
	r := wideRig(f, Settings{Grid: window.TumblingGrid(10 * second), Empty: []bool{true}})
	f.Fuzz(func(t *testing.T, frame []byte) {
		a := New("t", r.set)
		a.AddVersion(0, r.agent.Versions(0)[0])
		m := a.Merge(0, Fresh(0))
		m.Topic, _ = FrameTopic(frame)
		id, rows, err := FrameSchema(frame)
		v, addErr := m.Add(0, 0, 1, frame, plan)
		if err != nil && addErr == nil {
			t.Errorf("schema %d (rows: %t), %v, but verdict %d", id, rows, err, v)
		}
		m.Check()
		for _, w := range a.Close(a.CloseAll(), nil) {
			_ = fmt.Sprint(r.computer.Compute(a, w).Count)
			a.Release(w)
		}
		m.Check()
	})
}

// A frame with rows needs its schema, whatever the id; one that tells of time
// needs none.
func TestFrameSchema(t *testing.T) {
	for _, id := range []int{0, 1, math.MaxInt32} {
		frame := appendRun(nil, header{kind: kindRows}, run{start: 0, size: second, schema: id, of: 1})
		if got, rows, err := FrameSchema(frame); got != id || !rows || err != nil {
			t.Errorf("rows with schema %d: %d, %t, %v", id, got, rows, err)
		}
	}
	if _, rows, err := FrameSchema(appendClaim(nil, header{}, claim{of: 1})); rows || err != nil {
		t.Errorf("a claim: rows %t, %v", rows, err)
	}
}

// BenchmarkSplit is what a record costs more where its topic is split: to be
// taken into a frame, and to be read from it.
func BenchmarkSplit(b *testing.B) {
	set := Settings{Grid: window.TumblingGrid(1000 * second)}
	logs := wideLogs(rand.New(rand.NewPCG(1, 1)), 1, 0)
	rows := int64(len(logs[0]) - 1)
	plan := &MergePlan{Slots: upTo(5)}
	ship := func() (*Partition, [][]byte) {
		s := &splitter{rig: wideRig(b, set), b: &broker{logs: logs}, parts: map[int]*Partition{}}
		s.agent.Share(Shipping)
		s.agent.SetPartitions(1, false)
		s.parts[0] = s.agent.Assign(0, 0, Fresh(0))
		s.read(0, int(rows))
		frames, err := s.parts[0].Ship([16]byte{}, 0, nil)
		if err != nil {
			b.Fatal(err)
		}
		return s.parts[0], frames
	}
	b.Run("ship", func(b *testing.B) {
		_, frames := ship()
		w := wideRig(b, set)
		m := w.agent.Merge(0, Fresh(0))
		m.Topic = TopicHash([16]byte{})
		if _, err := m.Add(0, 0, 0, frames[0], plan); err != nil {
			b.Fatal(err)
		}
		c := w.agent.parts[0].panes[0]
		n := 0
		for b.Loop() {
			for _, f := range appendRows(nil, header{}, c, set.Grid.Slice, 0, 7, 5) {
				n += len(f)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.rows), "ns/record")
		b.ReportMetric(float64(n)/float64(b.N)/float64(c.rows), "B/record")
	})
	b.Run("merge", func(b *testing.B) {
		_, frames := ship()
		w := wideRig(b, set)
		m := w.agent.Merge(0, Fresh(0))
		m.Topic = TopicHash([16]byte{})
		if _, err := m.Add(0, 0, 0, frames[0], plan); err != nil {
			b.Fatal(err)
		}
		c := w.agent.parts[0].panes[0]
		records := c.rows
		for o := int64(1); b.Loop(); o++ {
			c.reset()
			c.last = -1
			if _, err := m.Add(o, 0, 0, frames[0], plan); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(records), "ns/record")
	})
	// Ten numbers, no arrays.
	const records, numbers = 1000, 10
	p := &pane{last: -1}
	l := &layout{isArray: make([]bool, numbers), limit: records}
	c := randomColumns(rand.New(rand.NewPCG(1, 1)), records, numbers, 0)
	for s := range numbers {
		c.scalars[s], c.rests[s] = make([]float64, records), nil
	}
	p.addColumns(c, upTo(numbers), l)
	frames := appendRows(nil, header{}, p, set.Grid.Slice, 0, 7, numbers)
	b.Run("ship numbers", func(b *testing.B) {
		for b.Loop() {
			appendRows(nil, header{}, p, set.Grid.Slice, 0, 7, numbers)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
	})
	b.Run("merge numbers", func(b *testing.B) {
		for b.Loop() {
			var r reader
			if _, err := r.open(frames[0]); err != nil {
				b.Fatal(err)
			}
			u, err := r.run()
			if err == nil {
				err = r.body(c, u, upTo(numbers), l.isArray)
			}
			p.reset()
			if err != nil || !p.addColumns(c, upTo(numbers), l) {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
	})
}
