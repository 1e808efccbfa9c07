package stats

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
)

// tallied are the segments with tallies, as far as they have no residuals.
func tallied(s *Summarizer, segs []Segment) []Segment {
	needs := NeedsOf(s.ops, s.opts)
	out := slices.Clone(segs)
	for i := range out {
		if len(out[i].Residuals) == 0 {
			out[i].Tally = new(Tally)
			s.Tally(out[i].Tally, out[i].Values, needs)
		}
	}
	return out
}

// pieces cuts samples into up to n segments.
func pieces(r *rand.Rand, values []float64, n int) (segs []Segment) {
	for left := n; len(values) > 0; left-- {
		k := len(values)
		if left > 1 {
			k = r.IntN(len(values) + 1)
		}
		seg := Segment{Values: values[:k]}
		for i := range k {
			seg.Times = append(seg.Times, int64(len(segs)*1000+i))
		}
		segs, values = append(segs, seg), values[k:]
	}
	return segs
}

// awkward are nasty samples, or many that are equal, crowd, or drift.
func awkward(r *rand.Rand, n int) []float64 {
	values := nasty(r, n)
	switch r.IntN(10) {
	case 0:
		for i := range values {
			values[i] = math.Round(values[i])
		}
	case 1: // mostly 0, of either sign
		for i := range values {
			if r.IntN(50) > 0 {
				values[i] = math.Copysign(0, values[i])
			}
		}
	case 2:
		values[r.IntN(n)] = math.MaxFloat64
		values[r.IntN(n)] = -math.MaxFloat64
	case 3: // so close that their width underflows
		for i := range values {
			values[i] = math.Float64frombits(uint64(r.IntN(50)))
		}
	case 4: // steps
		for i := range values {
			values[i] = float64(i * 5 / n)
		}
	case 5: // a walk, or a line
		for i := range values[1:] {
			values[i+1] = values[i] + r.Float64() - 0.3
		}
	case 6: // two crowds
		for i := range values {
			values[i] = float64(r.IntN(2)*1e6) + 1e-3*r.NormFloat64()
		}
	case 7:
		values[r.IntN(n)] = math.Inf(2*r.IntN(2) - 1)
	}
	return values
}

// Results of tallies have the same bits as those of the samples.
func TestTalliesChangeNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	var sets []*Summarizer
	for _, names := range []string{defaultOperations, everything, "median", "p0.1 p99.9 iqr range", "sum rms variance stderr", "samples nulls nans first last slope", "mad q1"} {
		for _, opts := range []Options{{MinSampleSize: 2}, {Quantiles: Inclusive, MinSampleSize: 5, SmallSamples: SmallFirstValue}} {
			sets = append(sets, NewSummarizer(parseOperations(t, names), opts))
		}
	}
	windows, looked := 0, 0
	for i := range 3000 {
		n := 1 + r.IntN(60)
		if i%3 == 0 {
			n = 1 + r.IntN(3000)
		}
		var segs []Segment
		kind := Real
		if i%4 == 0 {
			var whole Segment
			if whole, kind = goldenWindow(r.IntN(100_000)); whole.Times == nil {
				whole.Times = make([]int64, len(whole.Values))
			}
			order := r.Perm(len(whole.Values))
			for half := len(order) / 2; len(order) > 0; order = order[half:] {
				half = max(half, 1)
				segs = append(segs, whole.rows(order[:min(half, len(order))]))
				half = min(half, len(order))
			}
		} else {
			segs = pieces(r, awkward(r, n), 1+r.IntN(8))
		}
		if i%5 == 0 {
			for _, seg := range segs {
				for row := range seg.Values {
					if r.IntN(20) == 0 {
						seg.Values[row] = []float64{Null, NaN, Absent}[r.IntN(3)]
					}
				}
			}
		}
		s := sets[r.IntN(len(sets))]
		want, got := make([]float64, len(s.ops)), make([]float64, len(s.ops))
		s.Summarize(want, kind, segs)
		with := append(tallied(s, segs), Segment{})
		s.Summarize(got, kind, with)
		windows++
		if s.set.gathered {
			looked++
		}
		for i, op := range s.ops {
			if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
				t.Fatalf("%s of %d samples in %d segments is %v, and %v without tallies", op, s.set.n, len(segs), got[i], want[i])
			}
		}
	}
	if looked > windows*7/10 { // as it is with few of them, or many quantiles
		t.Errorf("in %d of %d windows all samples were looked at", looked, windows)
	}
}

// Ordinary samples are found and summed without looking at all of them.
func TestTalliesAreUsed(t *testing.T) {
	ops := parseOperations(t, defaultOperations)
	s := NewSummarizer(ops, Options{MinSampleSize: 2})
	dst := make([]float64, len(ops))
	slow, all := 0, 0
	for _, data := range benchData {
		if data.name == "wide" {
			continue
		}
		for seed := range uint64(50) {
			r := rand.New(rand.NewPCG(seed, 5))
			values := make([]float64, 1000+r.IntN(2000))
			for i := range values {
				values[i] = data.make(r, i)
			}
			var segs []Segment
			for part := range slices.Chunk(values, 100+r.IntN(200)) {
				segs = append(segs, Segment{Values: part})
			}
			s.Summarize(dst, Real, tallied(s, segs))
			all++
			if s.set.gathered {
				slow++
				t.Logf("%s, n=%d", data.name, len(values))
			}
		}
	}
	if slow > all/100 {
		t.Errorf("in %d of %d windows all samples were looked at", slow, all)
	}
}

// A tally of fewer rows is not used, nor one without what is asked for.
func TestOtherTallies(t *testing.T) {
	s := NewSummarizer(parseOperations(t, "max median sum"), Options{MinSampleSize: 2})
	seg := Segment{Values: benchSegments(200, 1, benchData[1].make)[0].Values}
	want, got := make([]float64, 3), make([]float64, 3)
	s.Summarize(want, Real, []Segment{seg})
	for _, c := range []struct {
		name   string
		values []float64
		needs  Needs
	}{
		{"rows that came later", seg.Values[:199], NeedsOf(s.ops, s.opts)},
		{"no quantiles", seg.Values, Needs{order: 1}},
		{"no sums", seg.Values, Needs{quantiles: true}},
		{"nothing", seg.Values, Needs{}},
	} {
		seg.Tally = new(Tally)
		s.Tally(seg.Tally, c.values, c.needs)
		s.Summarize(got, Real, []Segment{seg})
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", c.name, got, want)
		}
	}
	if none := new(Tally); none.Size() > 128 {
		t.Errorf("%d bytes without an index: two cache lines are 128", none.Size())
	}
}

// The rows of a tally are those of all samples, each bucket below the next, and
// crowded ones in order.
func TestTallyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 8))
	var s Summarizer
	var tally Tally // its memory is used again
	for range 2000 {
		values := awkward(r, 1+r.IntN(2000))
		for range r.IntN(4) {
			values[r.IntN(len(values))] = Null
		}
		s.Tally(&tally, values, Needs{quantiles: true})
		if tally.buckets == 0 {
			if tally.n > 0 && tally.hi-tally.lo <= math.MaxFloat64 && tally.hi-tally.lo > 1e-300 {
				t.Fatalf("no buckets from %v to %v", tally.lo, tally.hi)
			}
			continue
		}
		seen := make([]bool, len(values))
		before := math.Inf(-1)
		for b := range int(tally.buckets) {
			rows := tally.index[tally.index[b]:tally.index[b+1]]
			most := before
			for i, row := range rows {
				x := values[row]
				if seen[row] || x != x || x < before || tally.bucket(x) != b {
					t.Fatalf("row %d, %v, is in bucket %d, after %v", row, x, b, before)
				}
				if len(rows) > fewSamples && i > 0 && values[rows[i-1]] > x {
					t.Fatalf("row %d, %v, is after %v in a bucket of %d", row, x, values[rows[i-1]], len(rows))
				}
				seen[row], most = true, max(most, x)
			}
			before = most
		}
		for row, x := range values {
			if seen[row] != (x == x) {
				t.Fatalf("row %d, %v, is in order: %t", row, x, seen[row])
			}
		}
	}
}

func TestRunsAgainstSort(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 9))
	var s Summarizer
	var runs runs
	found := 0
	for i := range 3000 {
		n := 1 + r.IntN(300)
		if i%50 == 0 {
			n = 1 + r.IntN(20_000)
		}
		values := awkward(r, n)
		segs := pieces(r, values, 1+r.IntN(30))
		for i := range segs {
			segs[i].Tally = new(Tally)
			s.Tally(segs[i].Tally, segs[i].Values, Needs{quantiles: true})
		}
		var ranks []int
		for range 1 + r.IntN(8) {
			rank := r.IntN(n)
			ranks = append(ranks, rank, min(rank+r.IntN(2), n-1))
		}
		slices.Sort(ranks)
		ranks = slices.Compact(ranks)
		if !runs.load(segs, n, slices.Min(values), slices.Max(values)) {
			continue
		}
		found++
		got := make([]float64, len(ranks))
		runs.pick(got, ranks, &s.set.picker)
		slices.Sort(values)
		for i, rank := range ranks {
			if got[i] != values[rank] || got[i] == 0 && math.Signbit(got[i]) {
				t.Fatalf("rank %d of %d is %v, want %v", rank, n, got[i], values[rank])
			}
		}
	}
	if found < 1500 {
		t.Errorf("%d windows were in order", found)
	}
}

// Sums that are merged have right bounds, too.
func TestBoundsOfMergedSumsHold(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 2))
	tested := 0
	for i := range 2000 {
		n := 2 + r.IntN(40)
		if i%20 == 0 {
			n = 2 + r.IntN(1500)
		}
		values := nasty(r, n)
		if i%3 == 0 { // some segments have a centre of their own, some have not
			at := r.Float64() * 100
			for i := range values {
				if at += r.NormFloat64(); r.IntN(10) == 0 {
					at *= 2 * r.Float64()
				}
				values[i] = at
			}
		}
		var set Summarizer
		segs := pieces(r, values, 1+r.IntN(6))
		for i := range segs {
			segs[i].Tally = new(Tally)
			set.Tally(segs[i].Tally, segs[i].Values, Needs{order: 2})
		}
		var s sums
		if lo, hi := slices.Min(values), slices.Max(values); !s.merge(segs, n, lo, hi, 2) || lo == hi {
			continue
		}
		tested++
		x := newExact(values)
		w := x.deviations()
		w.Mul(w, big.NewRat(int64(n), 1))
		within(t, "total", s.total(), x.sum())
		within(t, "mean", s.total().over(s.n), x.over(x.sum(), n))
		within(t, "squares", s.squares(), w)
		if v, ok := s.meanSquare(sampleVariance); ok {
			within(t, "mean square", v, x.over(w, n*(n-1)))
		}
	}
	if tested < 700 {
		t.Errorf("only %d windows were of the fast path", tested)
	}
}

func TestTalliesDoNotAllocate(t *testing.T) {
	if raceDetector || invariants.Enabled {
		t.Skip("the race detector allocates, and the plain way does")
	}
	s := NewSummarizer(parseOperations(t, defaultOperations), Options{MinSampleSize: 2})
	dst := make([]float64, len(s.ops))
	needs := NeedsOf(s.ops, s.opts)
	for _, data := range benchData {
		segs := tallied(s, benchSegments(1000, 4, data.make))
		s.Summarize(dst, Real, segs)
		if n := testing.AllocsPerRun(20, func() {
			for i := range segs {
				s.Tally(segs[i].Tally, segs[i].Values, needs)
			}
			s.Summarize(dst, Real, segs)
		}); n > 0 {
			t.Errorf("%s: %v allocations", data.name, n)
		}
	}
}
