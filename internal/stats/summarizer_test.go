package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
)

var inf = math.Inf(1)

// everything is all operations and a few percentiles.
var everything = strings.Join(Names(), " ") + " p0.1 p5 p99.9"

func summarize(t testing.TB, names string, opts Options, kind Kind, segs ...Segment) map[string]float64 {
	t.Helper()
	ops := parseOperations(t, names)
	dst := make([]float64, len(ops))
	NewSummarizer(ops, opts).Summarize(dst, kind, segs)
	result := map[string]float64{}
	for i, op := range ops {
		result[op.String()] = dst[i]
	}
	return result
}

// Any order of the samples and any split into segments gives the same bits.
func TestOrderAndSplitDoNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	ops := parseOperations(t, everything)
	s := NewSummarizer(ops, Options{MinSampleSize: 2})
	want, got := make([]float64, len(ops)), make([]float64, len(ops))
	for range 600 {
		whole, kind := goldenWindow(4 * r.IntN(25_000)) // every fourth has times
		n := len(whole.Values)
		slices.Sort(whole.Times) // no two are equal: first and last are defined
		for i := range whole.Values {
			if r.IntN(20) == 0 {
				whole.Values[i] = []float64{Null, NaN, Absent}[r.IntN(3)]
			}
		}
		s.Summarize(want, kind, []Segment{whole})

		order := r.Perm(n)
		var segs []Segment
		for len(order) > 0 {
			k := 1 + r.IntN(len(order))
			segs = append(segs, whole.rows(order[:k]), Segment{})
			order = order[k:]
		}
		s.Summarize(got, kind, segs)
		for i, op := range ops {
			if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
				t.Fatalf("%s = %v in another order, %v before", op, got[i], want[i])
			}
		}
	}
}

// rows is a segment of some rows of another.
func (g *Segment) rows(rows []int) Segment {
	var part Segment
	for _, row := range rows {
		for _, rest := range g.Residuals {
			if int(rest.Row) == row {
				part.Residuals = append(part.Residuals, Residual{Row: int32(len(part.Values)), Value: rest.Value})
			}
		}
		part.Values = append(part.Values, g.Values[row])
		part.Times = append(part.Times, g.Times[row])
	}
	return part
}

func TestNoAllocationAfterWarmUp(t *testing.T) {
	if raceDetector || invariants.Enabled {
		t.Skip("the race detector allocates, and the plain way does")
	}
	ops := parseOperations(t, everything)
	s := NewSummarizer(ops, Options{MinSampleSize: 2})
	dst := make([]float64, len(ops))
	for _, data := range benchData {
		segs := benchSegments(1000, 4, data.make)
		s.Summarize(dst, Real, segs)
		if n := testing.AllocsPerRun(20, func() { s.Summarize(dst, Real, segs) }); n > 0 {
			t.Errorf("%s: %v allocations", data.name, n)
		}
	}
	var stamps Segment
	for i := range 100 {
		stamps.appendInt(i, 1_700_000_000_000_000_001+int64(i))
		stamps.Times = append(stamps.Times, int64(i))
	}
	segs := []Segment{stamps}
	s.Summarize(dst, Integer, segs)
	if n := testing.AllocsPerRun(20, func() { s.Summarize(dst, Integer, segs) }); n > 0 {
		t.Errorf("integers: %v allocations", n)
	}
}

func TestMarks(t *testing.T) {
	segs := []Segment{
		{Values: []float64{Null, 1, NaN, Absent, inf}},
		{Values: []float64{math.NaN(), Null, Null, 3}},
	}
	got := summarize(t, "samples nulls nans min max sum", Options{MinSampleSize: 2}, Real, segs...)
	for name, want := range map[string]float64{"samples": 3, "nulls": 3, "nans": 2, "min": 1, "max": inf, "sum": inf} {
		if got[name] != want {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
}

// counters never are without a value.
var counters = map[string]bool{"samples": true, "nulls": true, "nans": true}

func TestNoSamples(t *testing.T) {
	for _, small := range []SmallSamples{SmallNull, SmallFirstValue} {
		got := summarize(t, everything, Options{MinSampleSize: 2, SmallSamples: small}, Real, Segment{Values: []float64{Null, Absent}})
		for name, v := range got {
			if counters[name] == math.IsNaN(v) {
				t.Errorf("%s = %v", name, v)
			}
		}
	}
}

func TestOneSample(t *testing.T) {
	seg := Segment{Values: []float64{-2.5}, Times: []int64{3}}
	value := map[string]float64{
		"samples": 1, "nulls": 0, "nans": 0, "sum": -2.5, "min": -2.5, "max": -2.5,
		"mean": -2.5, "median": -2.5, "rms": 2.5, "first": -2.5, "last": -2.5,
	}
	spread := map[string]float64{"pstdev": 0, "pvariance": 0, "range": 0, "mad": 0}
	for name, got := range summarize(t, everything, Options{MinSampleSize: 2}, Real, seg) {
		if want, ok := value[name]; ok && got != want || !ok && !math.IsNaN(got) {
			t.Errorf("%s = %v", name, got)
		}
	}
	for name, got := range summarize(t, everything, Options{MinSampleSize: 1}, Real, seg) {
		want, ok := value[name]
		if !ok {
			want, ok = spread[name]
		}
		if ok && got != want || !ok && !math.IsNaN(got) {
			t.Errorf("with a minimum of 1: %s = %v", name, got)
		}
	}
}

func TestMinSampleSize(t *testing.T) {
	seg := Segment{Values: []float64{1, 2, 4}, Times: []int64{1, 2, 3}}
	given := "samples nulls nans sum min max mean median rms first last"
	for name, got := range summarize(t, everything, Options{MinSampleSize: 4}, Real, seg) {
		if slices.Contains(strings.Fields(given), name) == math.IsNaN(got) {
			t.Errorf("%s = %v with fewer samples than the minimum", name, got)
		}
	}
	for name, got := range summarize(t, everything, Options{MinSampleSize: 3}, Real, seg) {
		if math.IsNaN(got) {
			t.Errorf("%s has no value with as many samples as the minimum", name)
		}
	}
}

// The predecessor's rule: the first value stands for every statistic.
func TestSmallFirstValue(t *testing.T) {
	opts := Options{MinSampleSize: 4, SmallSamples: SmallFirstValue}
	segs := []Segment{
		{Values: []float64{Null, 7, 5}, Times: []int64{0, 20, 10}},
		{Values: []float64{6}, Times: []int64{10}},
	}
	for name, got := range summarize(t, everything, opts, Real, segs...) {
		want := 5.0
		switch name {
		case "samples":
			want = 3
		case "nulls":
			want = 1
		case "nans":
			want = 0
		}
		if got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
}

func TestFirstAndLast(t *testing.T) {
	segs := []Segment{
		{Values: []float64{1, 2, Null, NaN}, Times: []int64{5, 5, 1, 99}},
		{Values: []float64{3, 4}, Times: []int64{7, 7}},
		{Values: []float64{6}, Times: []int64{5}},
	}
	got := summarize(t, "first last", Options{}, Real, segs...)
	if got["first"] != 1 || got["last"] != 4 {
		t.Errorf("first and last by time are %v", got)
	}
	for i := range segs {
		segs[i].Times = nil
	}
	got = summarize(t, "first last slope", Options{}, Real, segs...)
	if got["first"] != 1 || got["last"] != 6 || !math.IsNaN(got["slope"]) {
		t.Errorf("without times: %v", got)
	}
}

func TestSlope(t *testing.T) {
	// 2.5 per second on a large offset of time and value.
	var seg Segment
	for i := range 100 {
		seg.Times = append(seg.Times, 1_700_000_000_000_000_000+int64(i)*250_000_000)
		seg.Values = append(seg.Values, 1e9+0.625*float64(i))
	}
	if got := summarize(t, "slope", Options{}, Real, seg)["slope"]; got != 2.5 {
		t.Errorf("slope = %v", got)
	}
	for i := range seg.Times {
		seg.Times[i] = 1
	}
	if got := summarize(t, "slope", Options{}, Real, seg)["slope"]; !math.IsNaN(got) {
		t.Errorf("slope at one time = %v", got)
	}
	// The ends of time do not overflow.
	seg = Segment{Values: []float64{0, math.MaxFloat64}, Times: []int64{math.MinInt64, math.MaxInt64}}
	if got := summarize(t, "slope", Options{}, Real, seg)["slope"]; got != math.MaxFloat64/math.MaxUint64*1e9 {
		t.Errorf("slope over all time = %v", got)
	}
}

// -0 is 0, and the samples stay as they were.
func TestNegativeZero(t *testing.T) {
	zero := math.Copysign(0, -1)
	seg := Segment{Values: []float64{zero, zero, zero}, Times: []int64{1, 2, 3}}
	for name, v := range summarize(t, everything, Options{}, Real, seg) {
		if math.Signbit(v) {
			t.Errorf("%s = -0", name)
		}
	}
	if !math.Signbit(seg.Values[1]) {
		t.Error("the segment was changed")
	}
}

// A sum may be of longs and doubles; then only quantiles are of doubles.
func TestResidualsOfReals(t *testing.T) {
	var seg Segment
	seg.appendInt(0, 1<<53+1)
	seg.appendInt(1, 1<<53+1)
	seg.Values = append(seg.Values, -0.5)
	got := summarize(t, "sum max mean", Options{}, Real, seg)
	if got["sum"] != 1<<54+2 || got["max"] != 1<<53 || got["mean"] != (1<<54+2)/3.0 {
		t.Errorf("got %v", got)
	}
}

// Residuals that SplitInt64 could not have made must do no harm.
func TestWrongResiduals(t *testing.T) {
	if invariants.Enabled {
		t.Skip("it finds them")
	}
	seg := Segment{Values: []float64{0.5, inf, 1e300, NaN}, Times: make([]int64, 4)}
	for row := range 4 {
		seg.Residuals = append(seg.Residuals, Residual{Row: int32(row), Value: 3})
	}
	seg.Residuals = append(seg.Residuals, Residual{Row: 99, Value: 1})
	got := summarize(t, everything, Options{}, Integer, seg)
	if got["samples"] != 3 || got["max"] != inf || got["min"] != 0.5 {
		t.Errorf("got %v", got)
	}
}

func TestSplitInt64(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	check := func(v int64) {
		f, rest := SplitInt64(v)
		if back, ok := joinInt64(f, rest); !ok || back != v || f != float64(v) || rest < -512 || rest > 512 {
			t.Errorf("%d: %v %d %d %v", v, f, rest, back, ok)
		}
	}
	for _, v := range []int64{0, 1, -1, math.MaxInt64, math.MinInt64, math.MaxInt64 - 511, math.MaxInt64 - 512, math.MinInt64 + 1, 1<<53 + 1} {
		check(v)
	}
	for range 10_000 {
		check(int64(r.Uint64()) >> r.IntN(64))
	}
}
