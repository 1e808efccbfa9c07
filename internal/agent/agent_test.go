package agent

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

const second = int64(1e9)

var source = mustParse(`{"type":"record","name":"r","fields":[{"name":"x","type":"double"}]}`)

func mustParse(text string) *codec.Schema {
	s, err := codec.ParseSchema(text)
	if err != nil {
		panic(err)
	}
	return s
}

// rig is an agent with what belongs around it.
type rig struct {
	t        testing.TB
	set      Settings
	agent    *Agent
	decoder  *codec.Decoder
	computer *Computer
}

func grid(shapes ...window.Shape) window.Grid {
	g, err := window.NewGrid(shapes...)
	if err != nil {
		panic(err)
	}
	return g
}

// anyGrid is a grid of one to three shapes, tumbling or hopping.
func anyGrid(rng *rand.Rand) window.Grid {
	if rng.IntN(3) == 0 {
		return window.TumblingGrid(second * (1 + rng.Int64N(3)))
	}
	var shapes []window.Shape
	for len(shapes) <= rng.IntN(3) {
		s := window.Tumbling(second * (1 + rng.Int64N(12)))
		if rng.IntN(3) == 0 {
			s.Advance = second * (1 + rng.Int64N(s.Size/second))
		}
		if !slices.ContainsFunc(shapes, func(have window.Shape) bool { return have.Size == s.Size }) {
			shapes = append(shapes, s)
		}
	}
	return grid(shapes...)
}

func newRig(t testing.TB, set Settings, partitions int) *rig {
	t.Helper()
	return rigOf(t, set, partitions, "min", "mean", "max")
}

// rigOf is a rig with operations.
func rigOf(t testing.TB, set Settings, partitions int, operations ...string) *rig {
	t.Helper()
	ops := make([]stats.Operation, 0, len(operations))
	for _, name := range operations {
		op, err := stats.ParseOperation(name)
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op)
	}
	source, selection := sourceOf(&set)
	fields, _, err := codec.Project(source, selection)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := codec.Derive("t-aggregated", "t", nil, fields, ops, stats.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, set: set, agent: New("t", set), computer: NewComputer(ops, stats.Options{MinSampleSize: 2})}
	for output := range set.Grid.Shapes {
		r.agent.AddVersion(output, Version{Schema: schema, SchemaID: 7, Encoder: codec.NewEncoder(schema, 7, []int{0}, len(ops))})
	}
	if r.decoder, err = codec.NewDecoder(source, selection, schema); err != nil {
		t.Fatal(err)
	}
	r.agent.SetPartitions(partitions, false)
	return r
}

func (r *rig) add(p *Partition, offset, t int64, x float64) Verdict {
	r.t.Helper()
	return r.addFor(p, offset, t, math.MaxInt64/2, x)
}

// addAt adds a record at a wall clock.
func (r *rig) addAt(p *Partition, offset, t, now int64) Verdict {
	r.t.Helper()
	return r.addFor(p, offset, t, now, 1)
}

func (r *rig) addFor(p *Partition, offset, t, now int64, x float64) Verdict {
	r.t.Helper()
	v, err := p.Add(offset, 0, t, now, &Plan{Decoder: r.decoder}, binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)))
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

func (r *rig) close(act Activity) []Result { return r.closeAt(act, math.MaxInt64) }

func (r *rig) closeAt(act Activity, wall int64) (out []Result) {
	for _, w := range r.agent.Close(r.agent.Watermark(act, wall), nil) {
		out = append(out, r.computer.Compute(r.agent, w))
		r.agent.Release(w)
	}
	for _, p := range r.agent.Partitions() {
		p.Check()
	}
	return out
}

func busy(*Partition) int64 { return 0 }

func TestWindowIsFinalWhenTheSlowestPartitionPassed(t *testing.T) {
	r := newRig(t, Settings{Grid: window.TumblingGrid(second), Grace: second, IdleAfter: 5 * second, MaxFutureSkew: second}, 2)
	a, b := r.agent.Assign(0, 0, Fresh(0)), r.agent.Assign(1, 0, Fresh(0))
	r.add(a, 0, 100*second, 1)
	r.add(a, 1, 103*second, 2)
	if got := r.close(busy); got != nil {
		t.Fatalf("partition 1 has had no record, but %d windows are final", len(got))
	}
	r.add(b, 0, 100*second+5, 3)
	r.add(b, 1, 101*second+999_999_999, 3)
	if got := r.close(busy); len(got) != 0 {
		t.Fatalf("the watermark is below 101 s, but %d windows are final", len(got))
	}
	r.add(b, 2, 102*second, 4)
	got := r.close(busy)
	if len(got) != 1 || string(got[0].Key) != "t||100000|1000" || got[0].Count != 2 || got[0].Time != 100*second+second/2 {
		t.Fatalf("got %+v", got)
	}
	if want := []Range{{0, 0, 0, 1}, {1, 0, 0, 1}}; !reflect.DeepEqual(got[0].Ranges, want) {
		t.Errorf("ranges %v, want %v", got[0].Ranges, want)
	}
	if v := r.add(a, 2, 100*second+7, 1); v != Late || a.Counts.Late != 1 {
		t.Errorf("a record of a final window is %v", v)
	}
	if v := r.add(a, 3, 101*second+7, 1); v != Late {
		t.Errorf("a record behind the watermark of its partition is %v", v)
	}
	if v := r.add(a, 4, 102*second, 1); v != Accepted {
		t.Errorf("a record within the grace is %v", v)
	}
}

func TestMissingPartitionHoldsWindows(t *testing.T) {
	r := newRig(t, Settings{Grid: window.TumblingGrid(second), IdleAfter: second}, 2)
	a := r.agent.Assign(0, 0, Fresh(0))
	r.add(a, 0, 100*second, 1)
	r.add(a, 1, 200*second, 1)
	if got := r.close(busy); got != nil {
		t.Fatalf("partition 1 is not assigned, but %d windows are final", len(got))
	}
}

func TestIdle(t *testing.T) {
	r := newRig(t, Settings{Grid: window.TumblingGrid(second), Grace: second, IdleAfter: 5 * second, MaxFutureSkew: second}, 2)
	a := r.agent.Assign(0, 0, Fresh(0))
	b := r.agent.Assign(1, 0, Fresh(0))
	r.add(a, 0, 100*second, 1)
	r.add(b, 0, 90*second, 1)
	// One partition idle: the other one alone decides.
	r.add(a, 1, 103*second, 1)
	got := r.close(func(p *Partition) int64 { return int64(p.ID) * 5 * second })
	if len(got) != 2 || got[0].Start != 90*second || got[1].Start != 100*second {
		t.Fatalf("with partition 1 passed over: %+v", got)
	}
	// Both idle: time moves on from the newest record.
	if got = r.close(func(*Partition) int64 { return 5*second - 1 }); got != nil {
		t.Fatalf("silent for less than idle_after: %+v", got)
	}
	if got = r.close(func(*Partition) int64 { return 5 * second }); len(got) != 1 || r.agent.Final() != 104*second {
		t.Fatalf("all idle: %+v, final %d", got, r.agent.Final())
	}
	// A record of what the clock has closed is late, one behind it is not, and
	// time does not go back.
	if v := r.add(b, 1, 104*second-1, 1); v != Late {
		t.Errorf("of the window that the clock has closed: %v", v)
	}
	if v := r.add(b, 2, 104*second, 1); v != Accepted {
		t.Errorf("of a window that had no record: %v", v)
	}
	if r.close(busy); r.agent.Final() != 104*second {
		t.Errorf("the watermark went back to %d", r.agent.Final())
	}
}

// A producer collects records and sends them every so often, which is less
// often than idle_after: the clock closes what has come, and nothing of the
// next upload is late.
func TestUploads(t *testing.T) {
	for _, c := range []struct{ every, idleAfter int64 }{{30, 5}, {12, 3}, {3600, 5}, {2, 1}} {
		r := newRig(t, Settings{Grid: window.TumblingGrid(second), Grace: second, IdleAfter: c.idleAfter * second, MaxFutureSkew: second}, 1)
		p := r.agent.Assign(0, 0, Fresh(0))
		var out []Result
		o := int64(0)
		for upload := range int64(5) {
			begin := (1000 + upload*c.every) * second
			for i := range c.every * 10 {
				if v := r.add(p, o, begin+i*second/10, 1); v != Accepted {
					t.Fatalf("every %d s: upload %d record %d: verdict %d", c.every, upload, i, v)
				}
				o++
			}
			out = append(out, r.close(busy)...)
			for silent := range c.every { // until the next one
				out = append(out, r.close(func(*Partition) int64 { return silent * second })...)
			}
		}
		out = append(out, r.close(func(*Partition) int64 { return (c.idleAfter + 2) * second })...)
		if n := int64(len(out)); n != 5*c.every || p.Counts.Late != 0 {
			t.Errorf("every %d s: %d windows, want %d; %+v", c.every, n, 5*c.every, p.Counts)
		}
		for i, w := range out {
			if w.Start != (1000+int64(i))*second || w.Count != 10 {
				t.Fatalf("every %d s: window %d: %+v", c.every, i, w)
			}
		}
	}
}

func TestFutureRecordDoesNotMoveTime(t *testing.T) {
	r := newRig(t, Settings{Grid: window.TumblingGrid(second), Grace: 0, IdleAfter: second, MaxFutureSkew: 10 * second}, 1)
	p := r.agent.Assign(0, 0, Fresh(0))
	plan := &Plan{Decoder: r.decoder}
	body := make([]byte, 8)
	now := 100 * second
	for offset, c := range []struct {
		t    int64
		want Verdict
	}{{100 * second, Accepted}, {110*second + 1, Future}, {math.MaxInt64, Future}, {100*second + 5, Accepted}, {110 * second, Accepted}, {-5, Late}} {
		if v, _ := p.Add(int64(offset), 0, c.t, now, plan, body); v != c.want {
			t.Errorf("time %d: verdict %d, want %d", c.t, v, c.want)
		}
	}
	if p.MaxTime() != 110*second || p.Counts.Future != 2 {
		t.Errorf("max time %d, %+v", p.MaxTime(), p.Counts)
	}
	p.Check()
}

// A range that is read again after a restart and lacks a record is noticed,
// also if its last record is gone.
func TestMissingRecordIsNoticed(t *testing.T) {
	for _, missing := range []int64{0, 3, 9} {
		r := newRig(t, Settings{Grid: window.TumblingGrid(100 * second), MaxFutureSkew: second}, 1)
		p := r.agent.Assign(0, 0, Fresh(0))
		for o := range int64(10) {
			r.add(p, o, 1000*second+o, 1)
		}
		low, _, c := p.Low()
		if low != 0 || c.Head != 10 || c.Count != 10 {
			t.Fatalf("low %d, %+v", low, c)
		}
		r = newRig(t, r.set, 1)
		p = r.agent.Assign(0, low, c)
		for o := range int64(12) {
			if o != missing {
				r.add(p, o, 1000*second+o, 1)
			}
		}
		if p.Counts.Mismatches != 1 || !p.panes[0].partial {
			t.Errorf("offset %d is missing: %+v", missing, p.Counts)
		}
	}
}

func TestCheckpoint(t *testing.T) {
	for _, c := range []Checkpoint{
		Fresh(0),
		{Cluster: 1, TopicID: [16]byte{1, 2}, Head: 1 << 40, MaxTime: -5, LowTime: -7, Final: window.Unset, Count: 3, Hash: math.MaxUint64},
		{Head: 300, Refused: []Span{{0, 0}, {2, 5}, {290, 299}}},
		{Clocks: &clocks{believed: window.Unset}},
		{Head: 300, Refused: []Span{{0, 0}, {290, 299}}, Clocks: &clocks{n: 2, seen: 9, elapsed: 8, rhythm: 1, believed: -2, known: true,
			list: [maxClocks]clock{{last: -5, elapsed: 8, records: 3, seen: 9}, {last: 1 << 60, elapsed: 1, records: 1, seen: 2}}}},
		{Stamping: 1 << 63, Doubt: window.Unset},
		{Head: 300, Refused: []Span{{290, 299}}, Stamping: 7, Doubt: anyTime, ahead: choices{{5, 9, 1}, {10, 10, 0}, {299, 299, 2}}, Newest: []Newest{{window.Tumbling(second), 0}}},
		{Doubt: -3},
	} {
		if c.Stamping == 0 && c.Doubt == 0 {
			c.Doubt = window.Unset
		}
		c.trusting = c.Clocks == nil
		text := c.Encode()
		got, err := DecodeCheckpoint(text)
		if err != nil || !reflect.DeepEqual(got, c) || len(text) > 256 {
			t.Errorf("%+v became %+v, %v (%d characters)", c, got, err, len(text))
		}
		for i := range text {
			b := []byte(text)
			b[i] ^= 1
			if _, err := DecodeCheckpoint(string(b)); err == nil {
				t.Errorf("byte %d changed, but it was read", i)
			}
		}
	}
	if _, err := DecodeCheckpoint(""); err == nil {
		t.Error("empty metadata was read")
	}
}

func TestKey(t *testing.T) {
	for _, c := range []struct {
		start, size int64
		want        string
	}{
		{1_700_000_000_000_000_000, second, "s|g|1700000000000|1000"},
		{250_000_000, 250_000_000, "s|g|250|250"},
		{-second, second, "s|g|-1000|1000"},
		{1_500_000, 500_000, "s|g|1.500000|0.500000"},
		{-500_000, 500_000, "s|g|-0.500000|0.500000"},
		{-1_500_000, 500_000, "s|g|-1.500000|0.500000"},
	} {
		if got := string(Key("s", "g", c.start, c.size)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestAddDoesNotAllocate(t *testing.T) {
	if invariants.Enabled {
		t.Skip("what is read is remembered")
	}
	r := newRig(t, Settings{Grid: window.TumblingGrid(second), Grace: 0, MaxFutureSkew: second}, 1)
	p := r.agent.Assign(0, 0, Fresh(0))
	plan := &Plan{Decoder: r.decoder}
	body := make([]byte, 8)
	o, at := int64(0), 1000*second
	turn := func() {
		for range 1000 {
			if _, err := p.Add(o, 0, at, math.MaxInt64/2, plan, body); err != nil {
				t.Fatal(err)
			}
			o++
			at += second / 1000
		}
		for _, w := range r.agent.Close(r.agent.Watermark(busy, math.MaxInt64), nil) {
			r.agent.Release(w)
		}
	}
	for range 5 {
		turn()
	}
	if n := testing.AllocsPerRun(20, turn); n > 8 { // of the window's lists, none of a record
		t.Errorf("%.0f allocations per window of 1000 records", n)
	}
}

func BenchmarkAdd(b *testing.B) {
	r := newRig(b, Settings{Grid: window.TumblingGrid(second), Grace: 0, MaxFutureSkew: second, Confirm: Confirm}, 1)
	p := r.agent.Assign(0, 0, Fresh(0))
	plan := &Plan{Decoder: r.decoder}
	body := make([]byte, 8)
	o, at := int64(0), 1000*second
	for b.Loop() {
		if _, err := p.Add(o, 0, at, math.MaxInt64/2, plan, body); err != nil {
			b.Fatal(err)
		}
		if o++; o%1000 == 0 {
			for _, w := range slices.Clone(r.agent.Close(r.agent.Watermark(busy, math.MaxInt64), nil)) {
				r.agent.Release(w)
			}
		}
		at += second / 1000
	}
}
