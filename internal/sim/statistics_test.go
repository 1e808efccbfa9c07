//go:build synctests

package sim

import (
	"math"
	"math/big"
	"slices"
)

// timed is a sample at an event time.
type timed struct {
	sample
	ms int64
}

// statistics computes all operations the simple way, with fractions. The
// samples come by partition and offset. NaN is no value.
func statistics(list []timed) map[string]float64 {
	var nulls, nans float64
	var xs []timed
	for _, s := range list {
		switch {
		case s.null:
			nulls++
		case s.nan:
			nans++
		default:
			xs = append(xs, s)
		}
	}
	out := map[string]float64{"samples": float64(len(xs)), "nulls": nulls, "nans": nans}
	for _, op := range operations {
		if _, ok := out[op]; !ok {
			out[op] = math.NaN()
		}
	}
	n := len(xs)
	if n == 0 {
		return out
	}
	first, last := xs[0], xs[0]
	for _, x := range xs {
		if x.ms < first.ms {
			first = x
		}
		if x.ms >= last.ms {
			last = x
		}
	}
	out["first"], out["last"] = first.real, last.real
	sorted := slices.Clone(xs)
	slices.SortStableFunc(sorted, func(a, b timed) int { return compare(a.sample, b.sample) })
	out["min"], out["max"] = sorted[0].real, sorted[n-1].real
	a, b := sorted[(n-1)/2], sorted[n/2]
	if a.integer && b.integer {
		half := new(big.Rat).Add(a.exact, b.exact)
		out["median"] = round(half.Quo(half, big.NewRat(2, 1)))
	} else if n%2 == 1 {
		out["median"] = a.real
	} else {
		out["median"] = (a.real + b.real) / 2
	}

	infinite := 0.0 // the sum of the infinite samples
	sum := new(big.Rat)
	for _, x := range xs {
		if x.inf != 0 {
			infinite += x.inf
		} else {
			sum.Add(sum, x.exact)
		}
	}
	if infinite != 0 { // ±Inf, or NaN
		out["sum"], out["mean"] = infinite, infinite
		return out
	}
	out["sum"] = round(sum)
	mean := new(big.Rat).Quo(sum, new(big.Rat).SetInt64(int64(n)))
	out["mean"] = round(mean)
	if n < 2 {
		return out
	}
	squares := new(big.Rat)
	for _, x := range xs {
		d := new(big.Rat).Sub(x.exact, mean)
		squares.Add(squares, d.Mul(d, d))
	}
	squares.Quo(squares, new(big.Rat).SetInt64(int64(n-1)))
	root := new(big.Float).SetPrec(2000).SetRat(squares)
	out["stdev"], _ = root.Sqrt(root).Float64()
	return out
}

func round(r *big.Rat) float64 {
	f, _ := r.Float64()
	return f
}

func compare(a, b sample) int {
	if a.inf != 0 || b.inf != 0 {
		switch {
		case a.real < b.real:
			return -1
		case a.real > b.real:
			return 1
		}
		return 0
	}
	return a.exact.Cmp(b.exact)
}
