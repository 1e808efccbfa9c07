package agent

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
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
		readAgain(s.t, p.Feed)
		s.b.held[id] = hold(s.t, s.b.held[id], p.Feed)
	}
	return false
}

// readAgain fails if that was something else than before.
func readAgain(t testing.TB, f *Feed) {
	t.Helper()
	if f.Counts.Mismatches > 0 {
		t.Fatal("what was read again differs")
	}
}

func hold(t testing.TB, old committed, f *Feed) committed {
	low, _, c := f.Low()
	if low < old.offset {
		t.Fatalf("offset went back from %d to %d", old.offset, low)
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
		readAgain(w.t, w.m.Feed)
		w.b.merged = hold(w.t, w.b.merged, w.m.Feed)
	}
}
