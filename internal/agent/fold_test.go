package agent

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

func operations(t testing.TB, names string) (ops []stats.Operation) {
	t.Helper()
	for _, name := range strings.Fields(names) {
		op, err := stats.ParseOperation(name)
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op)
	}
	return ops
}

// foldFields are one of each kind of field.
var foldFields = []codec.Field{
	{Name: "real"}, {Name: "long", Kind: stats.Integer}, {Name: "array", Array: true},
	{Name: "pool", Array: true, Pool: true}, {Name: "longs", Array: true, Kind: stats.Integer},
	{Name: "long_pool", Array: true, Pool: true, Kind: stats.Integer}, {Name: "new"},
}

func foldLayout(limit int, ops []stats.Operation) *layout {
	a := New("t", Settings{Grid: window.TumblingGrid(second), ExactLimit: limit, Needs: stats.NeedsOf(ops, stats.Options{})})
	a.AddVersion(0, Version{Schema: &codec.Aggregated{Fields: foldFields}})
	return &a.layout
}

// foldRow is a random record, of which old ones lack the last field.
func foldRow(r *rand.Rand, old bool) *codec.Row {
	row := &codec.Row{Scalars: make([]float64, len(foldFields)), Arrays: make([][]float64, len(foldFields))}
	value := func() float64 {
		switch r.IntN(12) {
		case 0:
			return stats.Null
		case 1:
			return stats.NaN
		}
		return 1e6 + 1e-3*r.NormFloat64()
	}
	long := func(slot, element int) float64 {
		f, rest := stats.SplitInt64(1<<60 + r.Int64N(1<<50))
		row.Rests = append(row.Rests, codec.Rest{Slot: int32(slot), Element: int32(element), Value: rest})
		return f
	}
	for slot, f := range foldFields {
		switch {
		case f.Array && r.IntN(8) == 0:
			row.Scalars[slot] = stats.Null
		case f.Array && r.IntN(20) == 0:
			row.Scalars[slot] = stats.Absent
		case f.Array:
			row.Arrays[slot] = make([]float64, r.IntN(2+r.IntN(6)))
			for e := range row.Arrays[slot] {
				if row.Arrays[slot][e] = value(); f.Kind == stats.Integer {
					row.Arrays[slot][e] = long(slot, e)
				}
			}
		case f.Kind == stats.Integer:
			row.Scalars[slot] = long(slot, 0)
		default:
			row.Scalars[slot] = value()
		}
	}
	if old {
		row.Scalars, row.Arrays = row.Scalars[:len(foldFields)-1], row.Arrays[:len(foldFields)-1]
	}
	return row
}

// Panes that were folded give the same results as panes that keep their
// records, but for mad and quantiles; and these too before samples are dropped.
func TestFold(t *testing.T) {
	exact := "samples nulls nans sum min max mean stdev variance range rms stderr skewness kurtosis first last slope"
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		names := exact
		reals := seed%2 == 0 // the sketch has no residuals, so quantiles of such longs are approximate
		if reals {
			names += " q1 median q3 iqr p99.9"
		}
		ops := operations(t, names)
		small, large := foldLayout(1+r.IntN(60), ops), foldLayout(0, ops)
		var folded, kept []*pane
		for part := range 1 + r.IntN(3) {
			f, k := &pane{start: 1000, seed: uint64(part)}, &pane{start: 1000}
			n := 1 + r.IntN(300)
			for i := range n {
				row := foldRow(r, i < n/2)
				at := 1000 + r.Int64N(second)
				f.add(row, int64(i), at, small)
				k.add(row, int64(i), at, large)
			}
			if f.count() != int64(n) || n > small.limit && f.folded == 0 {
				t.Fatalf("%d records, limit %d: %d folded, %d rows", n, small.limit, f.folded, f.rows)
			}
			folded, kept = append(folded, f), append(kept, k)
		}
		c, d := NewComputer(ops, stats.Options{MinSampleSize: 2}), NewComputer(ops, stats.Options{MinSampleSize: 2})
		var a Approximation
		c.fields(foldFields, upTo(len(foldFields)), folded, &a)
		d.fields(foldFields, upTo(len(foldFields)), kept, &Approximation{})
		if a.Any() {
			t.Errorf("seed %d: %s, though no sample was dropped", seed, a.String())
		}
		for slot, f := range foldFields {
			for i, op := range ops {
				if f.Kind == stats.Integer && i >= 17 {
					continue
				}
				at := slot*len(ops) + i
				got, want := c.results.Arrays[at], d.results.Arrays[at]
				if !f.Array || f.Pool {
					got, want = c.results.Scalars[at:at+1], d.results.Scalars[at:at+1]
				}
				if !slices.EqualFunc(got, want, func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }) {
					t.Fatalf("seed %d: %s_%s = %v, want %v", seed, op, f.Name, got, want)
				}
			}
		}
	}
}

// A pooled array has many samples in few records.
func TestFoldPool(t *testing.T) {
	l := foldLayout(5000, operations(t, "mean median"))
	p, r := &pane{start: 1000}, rand.New(rand.NewPCG(1, 1))
	for n := range 100 {
		row := foldRow(r, false)
		row.Arrays[3] = make([]float64, 900)
		p.add(row, 0, 1000, l)
		if kept := len(p.arrays[3].values); kept > l.limit {
			t.Fatalf("%d elements are kept of %d records", kept, n)
		}
	}
	if p.folded != 0 || p.sketch(3, 0) == nil || p.sketch(0, 0) != nil {
		t.Error("not only the pooled array was folded")
	}
}

// newFoldRig is a rig with other operations, of partitions that are assigned.
func newFoldRig(t testing.TB, limit, partitions int, names string) *rig {
	t.Helper()
	ops := operations(t, names)
	r := newRig(t, Settings{Grid: window.TumblingGrid(second), MaxFutureSkew: second, ExactLimit: limit, Needs: stats.NeedsOf(ops, stats.Options{})}, partitions)
	fields, _, err := codec.Project(source, codec.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	schema, err := codec.Derive("t-aggregated", "t", nil, fields, ops, stats.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	r.computer = NewComputer(ops, stats.Options{MinSampleSize: 2})
	r.agent = New("t", r.set)
	for output := range r.set.Grid.Shapes {
		r.agent.AddVersion(output, Version{Schema: schema, SchemaID: 7, Encoder: codec.NewEncoder(schema, 7, []int{0}, len(ops))})
	}
	r.agent.SetPartitions(partitions, false)
	for id := range partitions {
		r.agent.Assign(int32(id), 0, Fresh(0))
	}
	return r
}

// feed adds n records of one window to each partition, as many at a time as
// batch says, and one that makes the window final. It returns the window.
func (r *rig) feed(n []int, batch func() int) Result {
	r.t.Helper()
	for more := true; more; {
		more = false
		for i, p := range r.agent.Partitions() {
			for k := batch(); k > 0 && p.Position() < int64(n[i]); k-- {
				o := p.Position()
				x := 1e6 + 1e-3*math.Sin(float64(o*o+int64(i)))
				if v := r.add(p, o, 1000*second+o*(second/int64(n[i])), x); v != Accepted {
					r.t.Fatalf("verdict %d", v)
				}
			}
			more = more || p.Position() < int64(n[i])
		}
	}
	for _, p := range r.agent.Partitions() {
		r.add(p, p.Position(), 1002*second, 0)
	}
	got := r.close(busy)
	if len(got) != 1 {
		r.t.Fatalf("%d windows", len(got))
	}
	return got[0]
}

const foldOps = "min p5 median p99.9 max mean stdev skewness first last slope"

// The limit is the last number of records with an exact result, and a window
// is approximate if one of its partitions has more.
func TestExactLimit(t *testing.T) {
	const limit = 30_000
	all := func() int { return 1 << 30 }
	for _, c := range []struct {
		n           []int
		approximate bool
	}{
		{[]int{limit}, false},
		{[]int{limit, 5, limit}, false},
		{[]int{limit + 1}, true},
		{[]int{limit, 2 * limit, 3}, true},
	} {
		exact := newFoldRig(t, 0, len(c.n), foldOps).feed(c.n, all)
		got := newFoldRig(t, limit, len(c.n), foldOps).feed(c.n, all)
		if got.Approximation.Any() != c.approximate || bytes.Equal(got.Value, exact.Value) == c.approximate {
			t.Errorf("%v records: %s", c.n, got.Approximation.String())
		}
		if got.Count != exact.Count || fmt.Sprint(got.Ranges) != fmt.Sprint(exact.Ranges) {
			t.Errorf("%v records: count %d, ranges %v", c.n, got.Count, got.Ranges)
		}
	}
}

// However the records come in batches, the bytes are the same.
func TestFoldDoesNotDependOnBatches(t *testing.T) {
	n := []int{40_000, 25_000, 100}
	want := newFoldRig(t, 20_000, len(n), foldOps).feed(n, func() int { return 1 << 30 })
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 0))
		rig := newFoldRig(t, 20_000, len(n), foldOps)
		got := rig.feed(n, func() int { return r.IntN(3000) })
		if !bytes.Equal(got.Value, want.Value) || got.Approximation.String() != want.Approximation.String() {
			t.Errorf("seed %d: other bytes", seed)
		}
	}
	if text := want.Approximation.String(); !strings.HasPrefix(text, "quantiles rank_error=0.000") || !strings.HasSuffix(text, " fields=all") {
		t.Error(text)
	}
}

// largeWindow is what a field of a window may take at most: rows up to the
// limit, in a block that has been doubled from one of half its size, then the
// sketch and its rows.
func largeWindow(limit int) int64 {
	return int64(limit)*8*3/2 + stats.MaxSketch + foldRows*8
}

// Five million records of one window take no more memory than that.
func TestLargeWindow(t *testing.T) {
	const limit = 100_000
	n := 5_000_000
	if raceDetector {
		n = 500_000
	}
	r := newFoldRig(t, limit, 1, foldOps)
	p := r.agent.Partitions()[0]
	plan, body := &Plan{Decoder: r.decoder}, make([]byte, 8)
	largest := int64(0)
	turn := func(n int) {
		for range n {
			o := p.Position()
			binary.LittleEndian.PutUint64(body, math.Float64bits(1e6+1e-3*float64(o*7919%10007)))
			if v, _ := p.Add(o, 0, 1000*second+o*100, math.MaxInt64/2, plan, body); v != Accepted {
				t.Fatalf("verdict %d", v)
			}
			if o%1000 == 0 {
				largest = max(largest, p.Memory())
			}
		}
	}
	turn(2 * limit)
	after := p.Memory()
	var before, then runtime.MemStats
	runtime.ReadMemStats(&before)
	turn(n - 2*limit)
	runtime.ReadMemStats(&then)
	// A field, and the times and offsets of the rows.
	if bound := largeWindow(limit) + 2*int64(limit)*8*3/2; largest > bound {
		t.Errorf("%d bytes, at most %d", largest, bound)
	}
	if bound := stats.MaxSketch + int64(foldRows*8*3); p.Memory() > bound || p.Memory() != after {
		t.Errorf("after the limit %d bytes, in the end %d, at most %d", after, p.Memory(), bound)
	}
	if allocations := int(then.Mallocs - before.Mallocs); allocations > n/foldRows && !invariants.Enabled {
		t.Errorf("%d allocations for %d records", allocations, n)
	}
	r.add(p, int64(n), 1002*second, 0)
	if got := r.close(busy); len(got) != 1 || got[0].Count != int64(n) || !got[0].Approximation.Any() {
		t.Errorf("%d windows", len(got))
	}
}

func TestApproximationText(t *testing.T) {
	for _, c := range []struct {
		approximate, exact string
		want               string
	}{
		{"a", "", "quantiles rank_error=0.00124 fields=all"},
		{"a b", "c d", "quantiles rank_error=0.00124 fields=a,b"},
		{"a b c", "d e", "quantiles rank_error=0.00124 fields=all except=d,e"},
	} {
		var a Approximation
		for _, f := range strings.Fields(c.approximate) {
			a.add(f, 0.001230001)
		}
		for _, f := range strings.Fields(c.exact) {
			a.add(f, 0)
		}
		if a.String() != c.want {
			t.Errorf("got %q, want %q", a.String(), c.want)
		}
	}
}

func BenchmarkAddFolded(b *testing.B) {
	for _, names := range []string{"min q1 mean median stdev q3 max", "mean"} {
		b.Run(names, func(b *testing.B) {
			r := newFoldRig(b, 100_000, 1, names)
			p := r.agent.Partitions()[0]
			plan, body := &Plan{Decoder: r.decoder}, make([]byte, 8)
			noise := rand.New(rand.NewPCG(1, 1))
			b.ReportAllocs()
			for b.Loop() {
				binary.LittleEndian.PutUint64(body, math.Float64bits(1e6+1e-3*noise.Float64()))
				if _, err := p.Add(p.Position(), 0, 1000*second+p.Position()%second, math.MaxInt64/2, plan, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
