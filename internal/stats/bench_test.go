package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

const defaultOperations = "min q1 mean median stdev q3 max"

// benchData are samples of kinds that behave differently in the fast paths.
var benchData = []struct {
	name string
	make func(r *rand.Rand, i int) float64
}{
	{"uniform", func(r *rand.Rand, _ int) float64 { return r.Float64() }},
	{"normal", func(r *rand.Rand, _ int) float64 { return r.NormFloat64() }},
	{"offset", func(r *rand.Rand, _ int) float64 { return 1e6 + 1e-3*r.NormFloat64() }},
	{"float32", func(r *rand.Rand, _ int) float64 { return float64(float32(20 + r.NormFloat64())) }},
	{"sine", func(_ *rand.Rand, i int) float64 { return math.Sin(float64(i) / 100) }},
	{"integers", func(r *rand.Rand, _ int) float64 { return float64(r.IntN(2000) - 1000) }},
	{"duplicates", func(r *rand.Rand, _ int) float64 { return 0.1 * float64(r.IntN(4)) }},
	{"outliers", func(r *rand.Rand, i int) float64 {
		if i%100 == 7 {
			return 1e12
		}
		return r.NormFloat64()
	}},
	{"wide", func(r *rand.Rand, _ int) float64 { return math.Ldexp(r.Float64(), r.IntN(1000)-500) }},
	{"constant", func(*rand.Rand, int) float64 { return 0.1 }},
}

func BenchmarkSummarize(b *testing.B) {
	for _, data := range benchData {
		for _, n := range []int{10, 100, 1000, 100_000} {
			if n != 1000 && data.name != "uniform" {
				continue
			}
			b.Run(fmt.Sprintf("%s/n=%d", data.name, n), func(b *testing.B) {
				benchmark(b, defaultOperations, Real, benchSegments(n, 4, data.make))
			})
		}
	}
	b.Run("timestamps/n=1000", func(b *testing.B) {
		var seg Segment
		for i := range 1000 {
			seg.appendInt(i, 1_700_000_000_000_000_000+int64(i)*1_000_003)
		}
		benchmark(b, defaultOperations, Integer, []Segment{seg})
	})
}

func BenchmarkOperation(b *testing.B) {
	for _, name := range append(Names(), "p99.9") {
		b.Run(name, func(b *testing.B) {
			benchmark(b, name, Real, benchSegments(1000, 4, benchData[1].make))
		})
	}
}

// benchSegments makes segments of n samples in all.
func benchSegments(n, segments int, sample func(*rand.Rand, int) float64) []Segment {
	r := rand.New(rand.NewPCG(1, 2))
	segs := make([]Segment, segments)
	for i := range n {
		s := &segs[i*segments/n]
		s.Values = append(s.Values, sample(r, i))
		s.Times = append(s.Times, int64(i)*1_000_000)
	}
	return segs
}

// benchmark summarizes the samples in several orders by turns, so that branch
// predictors cannot learn them by heart.
func benchmark(b *testing.B, operations string, kind Kind, segs []Segment) {
	n := 0
	for i := range segs {
		n += len(segs[i].Values)
	}
	sets := make([][]Segment, min(32, 1+100_000/n))
	for i := range sets {
		for _, s := range segs {
			if s.Residuals == nil {
				s.Values = shuffled(s.Values, i)
			}
			sets[i] = append(sets[i], s)
		}
	}
	ops := parseOperations(b, operations)
	s := NewSummarizer(ops, Options{MinSampleSize: 2})
	dst := make([]float64, len(ops))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Summarize(dst, kind, sets[i%len(sets)])
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/value")
}

// shuffled is a copy of v in an order given by seed; 0 leaves it as it is.
func shuffled(v []float64, seed int) []float64 {
	w := append([]float64(nil), v...)
	if seed > 0 {
		r := rand.New(rand.NewPCG(uint64(seed), 0))
		r.Shuffle(len(w), func(i, j int) { w[i], w[j] = w[j], w[i] })
	}
	return w
}
