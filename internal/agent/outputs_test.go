package agent

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Two outputs of a topic have operations of their own, and versions of their
// schemas that got the fields in another order: each has the right values.
func TestOutputsWithOtherFields(t *testing.T) {
	source := mustParse(`{"type":"record","name":"r","fields":[{"name":"x","type":"double"},{"name":"y","type":"double"}]}`)
	fields, _, err := codec.Project(source, codec.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	gone := codec.Field{Name: "z", Path: "z", Type: "double", Kind: fields[0].Kind}
	a := New("t", Settings{Grid: grid(window.Tumbling(second), window.Shape{Size: 4 * second, Advance: 2 * second}), MaxFutureSkew: second})
	var computers []*Computer
	var schemas []*codec.Aggregated
	for output, c := range []struct {
		ops    []string
		fields []codec.Field
	}{{[]string{"sum"}, fields}, {[]string{"min", "max"}, []codec.Field{gone, fields[1], fields[0]}}} {
		var ops []stats.Operation
		for _, name := range c.ops {
			op, err := stats.ParseOperation(name)
			if err != nil {
				t.Fatal(err)
			}
			ops = append(ops, op)
		}
		schema, err := codec.Derive("t-aggregated", "t", nil, c.fields, ops, stats.Exclusive)
		if err != nil {
			t.Fatal(err)
		}
		a.AddVersion(output, Version{Schema: schema, SchemaID: 7 + output, Encoder: codec.NewEncoder(schema, 7+output, upTo(len(c.fields)), len(ops))})
		computers, schemas = append(computers, NewComputer(ops, stats.Options{MinSampleSize: 2})), append(schemas, schema)
	}
	a.SetPartitions(1, false)
	decoder, err := codec.NewDecoder(source, codec.Selection{}, schemas[0])
	if err != nil {
		t.Fatal(err)
	}
	p := a.Assign(0, 0, Fresh(0))
	for o := range int64(9) {
		body := binary.LittleEndian.AppendUint64(nil, math.Float64bits(float64(o)))
		body = binary.LittleEndian.AppendUint64(body, math.Float64bits(float64(-10*o)))
		if v, err := p.Add(o, 0, 1000*second+o*second, 2000*second, &Plan{Decoder: decoder, Versions: []int{0, 0}}, body); v != Accepted || err != nil {
			t.Fatal(v, err)
		}
	}
	type row struct {
		output     int
		start, end int64
		values     map[string]any
	}
	var got []row
	for _, w := range a.Close(a.Watermark(busy, math.MaxInt64), nil) {
		r := computers[w.Output].Compute(a, w)
		a.Release(w)
		var values map[string]any
		if _, err := avro.MustParse(schemas[w.Output].Text).Decode(r.Value[5:], &values); err != nil {
			t.Fatal(err)
		}
		got = append(got, row{r.Output, r.Start/second - 1000, r.End/second - 1000, values})
	}
	var want []row
	for end := int64(1); end <= 8; end++ { // in order of their ends
		x := float64(end - 1)
		want = append(want, row{0, end - 1, end, map[string]any{"sum_x": x, "sum_y": -10 * x, "count": int64(1)}})
		if end%2 == 0 {
			first := float64(max(0, end-4))
			want = append(want, row{1, end - 4, end, map[string]any{"min_x": first, "max_x": x, "min_y": -10 * x, "max_y": -10 * first, "min_z": nil, "count": int64(min(4, end))}})
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d windows, want %d: %v", len(got), len(want), got)
	}
	for i, w := range want {
		g := got[i]
		if g.output != w.output || g.start != w.start || g.end != w.end {
			t.Errorf("window %d: %+v, want %+v", i, g, w)
		}
		for name, v := range w.values {
			if g.values[name] != v && !(v == 0.0 && g.values[name] == 0.0) {
				t.Errorf("window [%d, %d): %s is %v, want %v", w.start, w.end, name, g.values[name], v)
			}
		}
	}
	p.Check()
}

// Open windows are counted once, whatever slices and partitions have records of
// them.
func TestOpen(t *testing.T) {
	a := New("t", Settings{Grid: grid(window.Tumbling(second), window.Shape{Size: 4 * second, Advance: 2 * second})})
	a.SetPartitions(2, false)
	p, q := a.Assign(0, 0, Fresh(0)), a.Assign(1, 0, Fresh(0))
	for _, at := range []int64{1000, 1001, 1007} {
		p.open(at*second, at*second)
	}
	q.open(1001*second, 1001*second)
	// Seconds 1000, 1001 and 1007; and of 4 s those from 998, 1000, 1004 and 1006.
	if n := a.Open(); n != 7 {
		t.Errorf("%d open windows, want 7", n)
	}
	a.final = 1003 * second // the first two seconds are out, and the window from 998
	if n := a.Open(); n != 4 {
		t.Errorf("%d open windows, want 4", n)
	}
}

// What was committed by windows of one size is read by those of another: windows
// that need records from below the offset are marked, and no other.
func TestOtherWindows(t *testing.T) {
	for _, c := range []struct {
		name     string
		was, is  window.Grid
		partial  []int64 // starts, in s
		whole    []int64
		windowed int64 // size of those
	}{
		{"1 s, then 10 s", window.TumblingGrid(second), window.TumblingGrid(10 * second), []int64{1010}, []int64{1020, 1030}, 10},
		{"10 s, then 1 s", window.TumblingGrid(10 * second), window.TumblingGrid(second), nil, []int64{1010, 1011, 1029}, 1},
		{"a longer one is added", window.TumblingGrid(second), grid(window.Tumbling(second), window.Tumbling(10*second)), []int64{1010}, []int64{1020, 1030}, 10},
		{"it overlaps", window.TumblingGrid(10 * second), grid(window.Shape{Size: 20 * second, Advance: 10 * second}), []int64{1000}, []int64{1010}, 20},
		{"the same", window.TumblingGrid(10 * second), window.TumblingGrid(10 * second), nil, []int64{1010, 1020}, 10},
	} {
		r := newRig(t, Settings{Grid: c.was, IdleAfter: second, MaxFutureSkew: second}, 1)
		p := r.agent.Assign(0, 0, Fresh(0))
		o := int64(0)
		fill := func(r *rig, p *Partition, from, to int64) {
			for at := from; at < to; at++ {
				if p.Position() > o {
					t.Fatal("position")
				}
				r.add(p, o, at*second, 1)
				o++
			}
		}
		fill(r, p, 1000, 1015)
		r.close(busy)
		low, _, cp := p.Low()
		again := newRig(t, Settings{Grid: c.is, IdleAfter: second, MaxFutureSkew: second}, 1)
		q := again.agent.Assign(0, low, cp)
		for o = low; o < 15; o++ {
			again.add(q, o, (1000+o)*second, 1)
		}
		fill(again, q, 1015, 1045)
		got := map[int64]bool{}
		for _, w := range again.close(busy) {
			if w.End-w.Start == c.windowed*second {
				got[w.Start/second] = w.Partial
			}
		}
		for _, start := range c.partial {
			if partial, ok := got[start]; !ok || !partial {
				t.Errorf("%s: the window at %d: there %v, partial %v", c.name, start, ok, partial)
			}
		}
		for _, start := range c.whole {
			if partial, ok := got[start]; !ok || partial {
				t.Errorf("%s: the window at %d: there %v, partial %v", c.name, start, ok, partial)
			}
		}
		if (q.PartialUpTo() != window.Unset) != (len(c.partial) > 0) {
			t.Errorf("%s: partial up to %d", c.name, q.PartialUpTo())
		}
	}
}
