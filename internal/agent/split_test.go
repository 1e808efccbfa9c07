package agent

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

const wideText = `{"type":"record","name":"r","fields":[
	{"name":"x","type":"double"},
	{"name":"n","type":["null","long"]},
	{"name":"a","type":{"type":"array","items":"double"}},
	{"name":"l","type":{"type":"array","items":["null","long"]}},
	{"name":"p","type":["null",{"type":"array","items":"long"}]}]}`

var (
	wide       = mustParse(wideText)
	wideWriter = avro.MustParse(wideText)
)

// wideRig is an agent of a topic with fields of all shapes.
func wideRig(t testing.TB, set Settings) *rig {
	t.Helper()
	var ops []stats.Operation
	for _, name := range []string{"min", "mean", "median", "stdev", "first", "last", "sum", "nulls"} {
		op, err := stats.ParseOperation(name)
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op)
	}
	pool, err := codec.ParsePattern("p")
	if err != nil {
		t.Fatal(err)
	}
	sel := codec.Selection{Arrays: []codec.ArrayRule{{Pattern: pool, Mode: "pool"}}, MaxElements: 1 << 20}
	fields, _, err := codec.Project(wide, sel)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := codec.Derive("t-aggregated", "t", nil, fields, ops, stats.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	slots := make([]int, len(schema.Fields))
	for i := range slots {
		slots[i] = i
	}
	set.Needs = stats.NeedsOf(ops, stats.Options{MinSampleSize: 2})
	r := &rig{t: t, set: set, agent: New("t", set), computer: NewComputer(ops, stats.Options{MinSampleSize: 2})}
	for output := range set.Grid.Shapes {
		r.agent.AddVersion(output, Version{Schema: schema, SchemaID: 7, Encoder: codec.NewEncoder(schema, 7, slots, len(ops))})
	}
	if r.decoder, err = codec.NewDecoder(wide, sel, schema); err != nil {
		t.Fatal(err)
	}
	return r
}

func wideBody(rng *rand.Rand) []byte {
	var n, p any
	if rng.IntN(4) > 0 {
		n = rng.Int64() >> rng.IntN(63)
	}
	a, l := []any{}, []any{}
	for range rng.IntN(4) {
		a = append(a, rng.NormFloat64())
	}
	for range rng.IntN(3) {
		if rng.IntN(3) == 0 {
			l = append(l, nil)
		} else {
			l = append(l, rng.Int64())
		}
	}
	if rng.IntN(5) > 0 {
		list := []any{}
		for range rng.IntN(5) {
			list = append(list, rng.Int64()>>rng.IntN(63))
		}
		p = list
	}
	b, err := wideWriter.Encode(map[string]any{"x": rng.NormFloat64(), "n": n, "a": a, "l": l, "p": p})
	if err != nil {
		panic(err)
	}
	return b
}

// broker is what outlives the workers: the records of the source partitions,
// the partials, and the committed offsets of both.
type broker struct {
	logs     [][]wideRecord
	held     []committed
	partials [][]byte // nil: a control record
	merged   committed
	out      map[string]Result
	again    bool // results may come again, with the same bytes
}

type wideRecord struct {
	t    int64
	kind int // as in record
	body []byte
}

func (b *broker) emit(t *testing.T, rs []Result) {
	for _, r := range rs {
		old, twice := b.out[string(r.Key)]
		switch {
		case twice && !b.again:
			t.Fatalf("window %s came out twice", r.Key)
		case twice && !reflect.DeepEqual(old, r):
			t.Fatalf("window %s came out again with other bytes: %s and %s", r.Key, show(old), show(r))
		}
		b.out[string(r.Key)] = r
	}
}

func resume(t *testing.T, c committed) (int64, Checkpoint) {
	if c.text == "" {
		return c.offset, Fresh(c.offset)
	}
	cp, err := DecodeCheckpoint(c.text)
	if err != nil {
		t.Fatal(err)
	}
	return c.offset, cp
}

// splitter is a worker with some partitions.
type splitter struct {
	*rig
	b       *broker
	parts   map[int]*Partition
	pending []Result
}

func newSplitter(t *testing.T, b *broker, set Settings, sharing Sharing, ids []int) *splitter {
	s := &splitter{rig: wideRig(t, set), b: b, parts: map[int]*Partition{}}
	s.agent.Share(sharing)
	s.agent.SetPartitions(len(b.logs), false)
	s.take(ids)
	return s
}

func (s *splitter) take(ids []int) {
	for _, id := range ids {
		offset, c := resume(s.t.(*testing.T), s.b.held[id])
		s.parts[id] = s.agent.Assign(int32(id), offset, c)
	}
}

func (s *splitter) read(id, n int) {
	p := s.parts[id]
	for ; n > 0 && p.Position() < int64(len(s.b.logs[id])); n-- {
		o := p.Position()
		switch r := s.b.logs[id][o]; r.kind {
		case 0:
			if v, err := p.Add(o, 0, r.t, math.MaxInt64/2, &Plan{Decoder: s.decoder}, r.body); err != nil || v == Future {
				s.t.Fatalf("partition %d offset %d: verdict %d, %v", id, o, v, err)
			}
		case 1:
			p.Tombstone(o, 0, r.t)
		case 2:
			p.Reject(o, 0, r.t, Refusal(o%2))
		case 3:
			p.Skip(o)
		}
	}
}

// deliver ships and commits. It reports whether the worker has to start again.
func (s *splitter) deliver(lost bool) (again bool) {
	var frames [][]byte
	for _, p := range s.agent.Partitions() {
		var err error
		if frames, err = p.Ship([16]byte{1}, 0, frames); err != nil {
			return true
		}
	}
	merged, newest := int64(math.MinInt64), []Newest(nil)
	if c := s.b.merged; c.text != "" {
		_, cp := resume(s.t.(*testing.T), c)
		merged, newest = cp.Final, cp.Newest
	}
	s.agent.Shipped(merged, newest)
	s.b.partials = append(append(s.b.partials, frames...), nil)
	s.b.emit(s.t.(*testing.T), s.pending)
	s.pending = nil
	if lost {
		return true
	}
	for id, p := range s.parts {
		p.Check()
		s.b.held[id] = hold(s.t, s.b.held[id], p.Feed)
	}
	return false
}

func hold(t testing.TB, old committed, f *Feed) committed {
	low, _, c := f.Low()
	if low < old.offset {
		t.Fatalf("offset went back from %d to %d", old.offset, low)
	}
	if f.Counts.Mismatches > 0 {
		t.Fatal("what was read again differs")
	}
	return committed{low, c.Encode()}
}

// mergingWorker has the partials.
type mergingWorker struct {
	*rig
	b       *broker
	m       *Merger
	pending []Result
}

func newMergingWorker(t *testing.T, b *broker, set Settings) *mergingWorker {
	w := &mergingWorker{rig: wideRig(t, set), b: b}
	w.m = w.agent.Merge(resume(t, b.merged))
	w.m.Topic = TopicHash([16]byte{1})
	return w
}

func (w *mergingWorker) read(n int) {
	plan := &MergePlan{}
	for i := range w.agent.Versions(0)[0].Schema.Fields {
		plan.Slots = append(plan.Slots, i)
	}
	for ; n > 0 && w.m.Position() < int64(len(w.b.partials)); n-- {
		o := w.m.Position()
		f := w.b.partials[o]
		if f == nil {
			w.m.Skip(o)
			continue
		}
		if v, err := w.m.Add(o, 0, o, f, plan); err != nil || v == Late {
			w.t.Fatalf("frame %d: verdict %d, %v", o, v, err)
		}
	}
	w.pending = append(w.pending, w.close(w.m.Activity)...)
}

func (w *mergingWorker) deliver(lost bool) {
	w.m.Check()
	w.b.emit(w.t.(*testing.T), w.pending)
	w.pending = nil
	if !lost {
		w.b.merged = hold(w.t, w.b.merged, w.m.Feed)
	}
}

// TestSplit runs random histories in which partitions move between workers,
// splitting is turned on and off, and workers that ship or merge crash at
// random points. What comes out must equal, to the byte, what one agent with
// all partitions gives that never stops, and come once; without transactions,
// when commits are lost after their output, at least once.
func TestSplit(t *testing.T) {
	for seed := range uint64(60) {
		for _, transactions := range []bool{true, false} {
			rng := rand.New(rand.NewPCG(seed, 3))
			set := Settings{Grid: anyGrid(rng), Grace: rng.Int64N(3) * second, IdleAfter: 1000 * second, MaxFutureSkew: second}
			if seed%3 == 0 {
				set.ExactLimit = 5
			}
			logs := wideLogs(rng, 2+rng.IntN(3), set.Grace)
			more := rand.New(rand.NewPCG(seed, 4))
			set.Empty = anyEmpty(more, set.Grid)
			pauses := anyRests(more)
			for _, log := range logs {
				for i := range log {
					log[i].t = pauses.later(log[i].t)
				}
			}
			want := &broker{logs: logs, held: make([]committed, len(logs)), out: map[string]Result{}}
			one := newSplitter(t, want, set, Alone, upTo(len(logs)))
			for id := range logs {
				one.read(id, math.MaxInt)
			}
			one.pending = one.close(busy)
			one.deliver(false)

			got := &broker{logs: logs, held: make([]committed, len(logs)), out: map[string]Result{}, again: !transactions}
			history(t, got, set, rng)
			if len(got.out) != len(want.out) {
				t.Errorf("seed %d, transactions %v: %d windows, want %d", seed, transactions, len(got.out), len(want.out))
			}
			for key, w := range want.out {
				if g := got.out[key]; !reflect.DeepEqual(g, w) {
					t.Fatalf("seed %d, transactions %v: window %s: got %s, want %s", seed, transactions, key, show(g), show(w))
				}
			}
		}
	}
}

func wideLogs(rng *rand.Rand, parts int, grace int64) [][]wideRecord {
	logs := make([][]wideRecord, parts)
	for p := range logs {
		at := 1000 * second
		for range 30 + rng.IntN(150) {
			at += rng.Int64N(second)
			r := wideRecord{t: at - rng.Int64N(grace+1), body: wideBody(rng)}
			if rng.IntN(20) == 0 {
				r.t -= rng.Int64N(10 * second)
			}
			if rng.IntN(10) == 0 {
				r.kind = 1 + rng.IntN(3)
			}
			logs[p] = append(logs[p], r)
		}
		logs[p] = append(logs[p], wideRecord{t: 100_000 * second, body: wideBody(rng)})
	}
	return logs
}

func show(r Result) string {
	return fmt.Sprintf("count %d, ranges %v, partial %v, %v, value %x", r.Count, r.Ranges, r.Partial, r.Approximation, md5.Sum(r.Value))
}

func upTo(n int) (out []int) {
	for i := range n {
		out = append(out, i)
	}
	return out
}

func history(t *testing.T, b *broker, set Settings, rng *rand.Rand) {
	const workers = 3
	all := upTo(len(b.logs))
	sharing := Alone
	ws := make([]*splitter, workers)
	for i := range ws {
		ws[i] = newSplitter(t, b, set, sharing, nil)
	}
	ws[0].take(all)
	merger := newMergingWorker(t, b, set)
	owners := make([]int, len(all)) // of partitions; -1: on the way
	own := func(i int) (ids []int) {
		for id, owner := range owners {
			if owner == i {
				ids = append(ids, id)
			}
		}
		return ids
	}
	restart := func(i int) { ws[i] = newSplitter(t, b, set, sharing, own(i)) }
	move := func(id, to int) {
		if from := owners[id]; from >= 0 {
			_, c := resume(t, b.held[id])
			passed := ws[from].parts[id].Passed(c.Final)
			ws[from].agent.Revoke(int32(id))
			delete(ws[from].parts, id)
			owners[id] = -1
			if len(ws[from].pending) > 0 || passed {
				restart(from)
			}
		}
		if to >= 0 {
			owners[id] = to
			ws[to].take([]int{id})
		}
	}
	work := func(i, n int) {
		for _, id := range own(i) {
			ws[i].read(id, rng.IntN(n))
		}
		ws[i].pending = append(ws[i].pending, ws[i].close(busy)...)
	}
	share := func(s Sharing) {
		if sharing = s; b.again && s != Alone {
			sharing = Shipping
		}
		for i := range ws {
			if b.again {
				restart(i)
			}
			ws[i].agent.Share(sharing)
		}
	}
	for range 150 {
		i := rng.IntN(workers)
		switch rng.IntN(14) {
		case 0, 1, 2, 3:
			work(i, 20)
		case 4, 5, 6:
			if ws[i].deliver(b.again && rng.IntN(5) == 0) {
				restart(i)
			}
		case 7:
			merger.read(rng.IntN(40))
		case 8:
			if lost := b.again && rng.IntN(5) == 0; rng.IntN(2) == 0 {
				if merger.deliver(lost); lost {
					merger = newMergingWorker(t, b, set)
				}
			}
		case 9:
			if rng.IntN(3) == 0 {
				restart(i)
			}
		case 10:
			if rng.IntN(3) == 0 {
				merger = newMergingWorker(t, b, set)
			}
		case 11:
			move(rng.IntN(len(all)), rng.IntN(workers+1)-1)
		case 12:
			if rng.IntN(3) == 0 {
				share(Split)
			}
		case 13:
			if rng.IntN(3) == 0 {
				if !b.again {
					share(Alone)
				}
				for _, id := range all {
					move(id, i)
				}
			}
		}
	}
	for _, id := range all {
		if owners[id] < 0 {
			move(id, rng.IntN(workers))
		}
	}
	if len(own(owners[0])) < len(all) {
		share(Split)
	}
	for range 6 {
		for i := range ws {
			for _, id := range own(i) {
				ws[i].read(id, math.MaxInt)
			}
			ws[i].pending = append(ws[i].pending, ws[i].close(busy)...)
			if ws[i].deliver(false) {
				restart(i)
			}
		}
		merger.read(math.MaxInt)
		merger.deliver(false)
	}
}

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
