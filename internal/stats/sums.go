package stats

import "math"

// sums are Σd and Σd² of the deviations d = x - centre of all samples, each
// as an unevaluated sum hi + lo of two doubles with a bound of its error.
//
// From them a result is computed as hi + lo ± bound. If both ends of that
// interval round to the same double then so does the exact result (rounding
// is monotone), and it is the correctly rounded one. Otherwise the caller falls
// back on PowerSums. That is rare: the intervals are about 2^-30 of the space
// between two doubles, so it takes a sum that is exactly midway between two,
// or that cancels almost wholly. This is Ziv's strategy: A. Ziv, Fast
// evaluation of elementary mathematical functions with correctly rounded last
// bit, ACM TOMS 17 (1991) 410.
//
// In the comments u = 2^-53: a rounded operation is off by at most u times
// its result. Bounds are themselves computed with rounding; factors like 1.01
// make up for that and for terms of higher order.
type sums struct {
	n      float64
	base   [2]float64 // of integers that are shifted by base[0] + base[1]: for total
	centre float64
	hi1    float64 // Σd = hi1 + lo1 ± err1
	lo1    float64
	err1   float64
	hi2    float64 // Σd² = hi2 + lo2 ± err2
	lo2    float64
	err2   float64
}

// block is the number of samples that are summed before the result is moved
// to the total. Longer ones would have coarser rounding errors to add.
const block = 512

// Magnitudes between which no step underflows or overflows.
const (
	smallest = 0x1p-300
	largest  = 0x1p+400
)

// compute sums the values, of which lo is the smallest and hi the largest.
// It is false if the magnitudes are out of range.
func (s *sums) compute(values []float64, lo, hi float64, squares bool) bool {
	magnitude := max(hi, -lo)
	if magnitude == 0 {
		*s = sums{n: float64(len(values))}
		return true
	}
	if !(magnitude >= smallest && magnitude <= largest) || len(values) > 1<<25 {
		return false
	}
	*s = sums{n: float64(len(values))}
	reach := magnitude // |d| <= reach
	if alike(lo, hi) {
		// The difference of any two samples is exact: d is, and so is reach.
		s.centre, reach = values[0], hi-lo
		if reach == 0 {
			return true
		}
	}
	a1, a2 := 0.0, 0.0 // sums of the magnitudes of what was added to lo1, lo2
	blocks := 0.0
	for len(values) > 0 {
		part := values[:min(block, len(values))]
		values = values[len(part):]
		var b blockSums
		if squares {
			b.addSquares(part, s.centre, reach)
		} else {
			b.add(part, s.centre, reach)
		}
		var e float64
		s.hi1, e = twoSum(s.hi1, b.hi1)
		s.lo1 += e + b.lo1
		a1 += math.Abs(e) + b.abs1
		s.hi2, e = twoSum(s.hi2, b.hi2)
		s.lo2 += e + b.lo2
		a2 += math.Abs(e) + b.abs2
		blocks++
	}
	// In a block of m samples there are m additions to lo1 (2m to lo2, the
	// inner one of which is off by u times its own result), and two more for
	// each block. Each is off by at most u times the sum of the magnitudes.
	const u = 0x1p-53
	steps := min(s.n, block) + 2*blocks + 4
	s.err1 = 1.01 * u * steps * a1
	// Squares below 2^-1022 are rounded to 2^-1074; there, much too large a
	// bound for that is still far below everything of importance.
	s.err2 = 1.01*u*(steps+1)*a2 + s.n*0x1p-1000
	s.hi1, s.lo1 = twoSum(s.hi1, s.lo1)
	s.hi2, s.lo2 = twoSum(s.hi2, s.lo2)
	return true
}

// alike reports whether all samples are within a factor of 2 of each other, so
// that the difference of any two is exact (Sterbenz).
func alike(lo, hi float64) bool { return lo > 0 && hi <= 2*lo || hi < 0 && lo >= 2*hi }

// twoSum returns a + b rounded and the error of that, exactly (Knuth).
func twoSum(a, b float64) (sum, err float64) {
	sum = a + b
	t := sum - a
	return sum, (a - (sum - t)) + (b - t)
}

// blockSums are the sums of one block.
type blockSums struct {
	hi1, lo1, abs1 float64 // Σd = hi1 + lo1; abs1 is Σ|e| of the errors that lo1 is the sum of
	hi2, lo2, abs2 float64
}

// above returns a power of two between x and 2x. x is normal.
func above(x float64) float64 {
	return math.Float64frombits(math.Float64bits(x)&^(1<<52-1) + 1<<52)
}

// add sums the deviations; addSquares also their squares.
//
// The running sum starts at a number so large that no sample exceeds it, for
// then the error of an addition s + d = t is d - (t - s) exactly (Dekker's
// fast two-sum). For Σd it is 1.5·2^k with 2^k four times what the block can
// add up to: the sum stays in [2^k, 2^(k+1)], so subtracting the start at
// the end is exact. For Σd² it is a power of two that no square exceeds; the
// start is a multiple of the last bit of all later sums, and their difference
// to it is smaller than they are, so again the subtraction is exact.
func (b *blockSums) add(values []float64, centre, reach float64) {
	start := 1.5 * above(4*reach*float64(len(values)))
	s, lo, abs := start, 0.0, 0.0
	for _, x := range values {
		d := x - centre
		t := s + d
		e := d - (t - s)
		s = t
		lo += e
		abs += math.Abs(e)
	}
	b.hi1, b.lo1, b.abs1 = s-start, lo, abs
}

func (b *blockSums) addSquares(values []float64, centre, reach float64) {
	start1 := 1.5 * above(4*reach*float64(len(values)))
	start2 := above(reach) * above(reach)
	s1, lo1, abs1 := start1, 0.0, 0.0
	s2, lo2, abs2 := start2, 0.0, 0.0
	for _, x := range values {
		d := x - centre
		t1 := s1 + d
		e1 := d - (t1 - s1)
		s1 = t1
		lo1 += e1
		abs1 += math.Abs(e1)

		p := float64(d * d)
		f := math.FMA(d, d, -p) // d² = p + f exactly
		t2 := s2 + p
		e2 := (p - (t2 - s2)) + f
		s2 = t2
		lo2 += e2
		abs2 += math.Abs(e2)
	}
	b.hi1, b.lo1, b.abs1 = s1-start1, lo1, abs1
	b.hi2, b.lo2, b.abs2 = s2-start2, lo2, abs2
}
