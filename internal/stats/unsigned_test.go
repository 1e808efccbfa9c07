package stats

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// Integers from 2^63 on come as the nearest doubles, without a residual. They may
// stand beside smaller ones that have residuals; moments are still exact for what
// came, and order statistics are those of the doubles.
func TestIntegersBeyondInt64(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ops := parseOperations(t, "sum mean variance min max median q1 p99.9 range")
	for range 300 {
		n := 1 + r.IntN(40)
		seg := Segment{}
		x := &exact{}
		doubles := make([]float64, 0, n)
		for i := range n {
			v := r.Uint64() >> r.IntN(3)
			f, rest := float64(v), int16(0)
			if v < 1<<63 {
				f, rest = SplitInt64(int64(v))
			}
			if rest != 0 {
				seg.Residuals = append(seg.Residuals, Residual{Row: int32(i), Value: rest})
			}
			seg.Values = append(seg.Values, f)
			doubles = append(doubles, f)
			value := new(big.Rat).SetFloat64(f)
			x.sorted = append(x.sorted, value.Add(value, big.NewRat(int64(rest), 1)))
		}
		got := make([]float64, len(ops))
		NewSummarizer(ops, Options{}).Summarize(got, Integer, []Segment{seg})
		want := []float64{rounded(x.sum()), rounded(x.over(x.sum(), n))}
		if n > 1 {
			want = append(want, rounded(x.over(x.deviations(), n-1)))
		} else {
			want = append(want, NaN)
		}
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, f := range doubles {
			lo, hi = min(lo, f), max(hi, f)
		}
		want = append(want, lo, hi)
		for i, w := range want {
			if math.Float64bits(got[i]) != math.Float64bits(w) {
				t.Fatalf("%s = %v, want %v of %v", ops[i], got[i], w, seg)
			}
		}
		// Quantiles are those of the doubles, exactly, where one is beyond 2^63; and of
		// the integers where none is.
		if n < 2 {
			continue
		}
		of := x
		if hi > 1<<63 {
			of = newExact(doubles)
		}
		slices.SortFunc(of.sorted, (*big.Rat).Cmp)
		for i, w := range []*big.Rat{of.between(n, 1, 2), of.between(n, 1, 4), of.between(n, 999, 1000)} {
			if got, want := got[5+i], rounded(w); math.Float64bits(got) != math.Float64bits(want) {
				t.Fatalf("%s = %v, want %v of %v", ops[5+i], got, want, seg)
			}
		}
	}
}

// between is the exclusive cut point i of k.
func (x *exact) between(n, i, k int) *big.Rat {
	j := min(max(i*(n+1)/k, 1), n-1)
	delta := int64(i*(n+1) - j*k)
	a := new(big.Rat).Mul(x.sorted[j-1], big.NewRat(int64(k)-delta, 1))
	b := new(big.Rat).Mul(x.sorted[j], big.NewRat(delta, 1))
	return a.Add(a, b).Quo(a, big.NewRat(int64(k), 1))
}
