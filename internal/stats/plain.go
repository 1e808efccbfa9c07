package stats

import (
	"cmp"
	"math"
	"math/big"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
)

// The plain way to some of the statistics: sort all samples, add fractions.
// With the build tag invariants, results are compared with it.

// plainSums is in how many calls of Summarize the sums are compared once.
// Fractions take a hundred times longer than the rest.
const plainSums = 16

// sample is one as it was read: its value is f + rest exactly.
type sample struct {
	f    float64
	rest int16
}

func (x sample) rat() *big.Rat {
	r := new(big.Rat).SetFloat64(x.f)
	return r.Add(r, new(big.Rat).SetInt64(int64(x.rest)))
}

// verify computes results again in the plain way, from segments without
// sketches.
func (s *Summarizer) verify(dst []float64, kind Kind, segs []Segment) {
	var sorted []sample
	for i := range segs {
		rests := segs[i].Residuals
		for row, f := range segs[i].Values {
			if invariants.IsFreed(f) {
				invariants.Violated("a sample (row %d of %d) is memory that was given back", row, len(segs[i].Values))
			}
			x := sample{f: f + 0}
			if len(rests) > 0 && int(rests[0].Row) == row {
				x.rest, rests = rests[0].Value, rests[1:]
			}
			if f == f {
				sorted = append(sorted, x)
			}
		}
		if len(rests) > 0 {
			invariants.Violated("%d of %d residuals belong to no row or are out of order; rows %d", len(rests), len(segs[i].Residuals), len(segs[i].Values))
		}
	}
	n := len(sorted)
	if n < max(2, s.opts.MinSampleSize) {
		return
	}
	slices.SortFunc(sorted, func(a, b sample) int { return cmp.Or(cmp.Compare(a.f, b.f), cmp.Compare(a.rest, b.rest)) })
	s.calls++
	var sum *big.Rat
	if s.calls%plainSums == 1 && !math.IsInf(sorted[0].f, 0) && !math.IsInf(sorted[n-1].f, 0) {
		sum = new(big.Rat)
		for _, x := range sorted {
			sum.Add(sum, x.rat())
		}
	}
	for i, op := range s.ops {
		var want float64
		switch name := op.def.name; {
		case name == "samples":
			want = float64(n)
		case name == "min":
			want = sorted[0].f
		case name == "max":
			want = sorted[n-1].f
		case len(op.def.cuts) == 1 && name != "mad":
			want = plainCut(sorted, kind, op.def.cuts[0], s.opts.Quantiles)
		case op.def == &opPercentile:
			want = plainCut(sorted, kind, op.cut, s.opts.Quantiles)
		case sum == nil:
			continue
		case name == "sum":
			want, _ = sum.Float64()
		case name == "mean":
			want, _ = new(big.Rat).Quo(sum, big.NewRat(int64(n), 1)).Float64()
		case name == "variance":
			mean := new(big.Rat).Quo(sum, big.NewRat(int64(n), 1))
			squares := new(big.Rat)
			for _, x := range sorted {
				d := x.rat()
				d.Sub(d, mean)
				squares.Add(squares, d.Mul(d, d))
			}
			want, _ = squares.Quo(squares, big.NewRat(int64(n-1), 1)).Float64()
		default:
			continue
		}
		if got := dst[i]; math.Float64bits(got) != math.Float64bits(want) && !(got != got && want != want) {
			invariants.Violated("%s of %d samples from %v to %v is %v, and %v in the plain way", op, n, sorted[0].f, sorted[n-1].f, got, want)
		}
	}
}

// plainCut is a cut of ascending samples: a fraction of integers, and for
// others the double arithmetic of Python's statistics.
func plainCut(sorted []sample, kind Kind, c cut, method Method) float64 {
	n := len(sorted)
	i, j, weight, parts := (n-1)/2, n/2, 1, 2
	if !c.median {
		parts = c.n
		m := n + 1
		if method == Inclusive {
			m = n - 1
			i = c.i * m / c.n
			weight = c.i * m % c.n
		} else {
			i = min(max(c.i*m/c.n, 1), n-1) - 1
			weight = c.i*m - (i+1)*c.n
		}
		j = i + 1
	}
	if kind == Integer {
		x, y := sorted[i], sorted[j]
		if _, ok := joinInt64(sorted[n-1].f, sorted[n-1].rest); !ok {
			x.rest, y.rest = 0, 0 // with samples beyond 64 bits, all are taken as doubles
		}
		a, b := x.rat(), y.rat()
		a.Mul(a, big.NewRat(int64(parts-weight), 1))
		b.Mul(b, big.NewRat(int64(weight), 1))
		v, _ := a.Add(a, b).Quo(a, big.NewRat(int64(parts), 1)).Float64()
		return v
	}
	a, b := sorted[i].f, sorted[j].f
	switch {
	case c.median && i == j:
		return a
	case c.median:
		return (a + b) / 2
	}
	return (float64(a*float64(parts-weight)) + float64(b*float64(weight))) / float64(parts)
}
