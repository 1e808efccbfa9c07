package stats

import (
	"math"
	"slices"
)

// medianDeviation is the median of |x - median|. A quantile sketch cannot tell
// it within a bound: an error in the rank of the median shifts all deviations.
func (s *sampleSet) medianDeviation() float64 {
	if s.sketched {
		return NaN
	}
	values := s.samples()
	if s.kind == Integer && len(s.ints) == 0 && (s.lo < -shiftLimit || s.hi > shiftLimit) {
		s.fillInts()
	}
	if len(s.ints) > 0 {
		return s.integerMedianDeviation()
	}
	i, j, _ := s.locate(middle)
	m := s.at(i)
	if i != j {
		m = (m + s.at(j)) / 2
	}
	if math.IsInf(m, 0) || m != m {
		return NaN
	}
	s.deviations = slices.Grow(s.deviations[:0], s.n)[:s.n]
	lo, hi := math.Inf(1), 0.0
	for i, x := range values {
		d := math.Abs(x - m)
		s.deviations[i] = d
		lo, hi = min(lo, d), max(hi, d)
	}
	var ranks [2]int
	var at [2]float64
	ranks[0], ranks[1] = (s.n-1)/2, s.n/2
	k := 2
	if ranks[0] == ranks[1] {
		k = 1
	}
	s.picker.pick(at[:k], ranks[:k], s.deviations, lo, hi)
	if k == 1 {
		return at[0]
	}
	return (at[0] + at[1]) / 2
}

// integerMedianDeviation walks outwards from the median of the ascending
// integers, always to the nearer side, until it is half through. With a and b
// the middle samples (equal if their number is odd) the deviation of any x is
// (|x-a| + |x-b|)/2, since no sample lies between them.
func (s *sampleSet) integerMedianDeviation() float64 {
	left, right := (s.n-1)/2, s.n/2
	a, b := s.ints[left], s.ints[right]
	twice := func(i int) int128 { // 2·|x-median|
		x := s.ints[i]
		if i <= left {
			return mul128(a, 1).add(mul128(b, 1)).sub(mul128(x, 2))
		}
		return mul128(x, 2).sub(mul128(a, 1)).sub(mul128(b, 1))
	}
	if left == right {
		right++ // the middle sample belongs to the left side
	}
	var below, above int128 // the deviations of ranks (n-1)/2 and n/2
	for rank := 0; rank <= s.n/2; rank++ {
		var d int128
		switch {
		case left < 0:
			d, right = twice(right), right+1
		case right >= s.n || !twice(right).less(twice(left)):
			d, left = twice(left), left-1
		default:
			d, right = twice(right), right+1
		}
		if rank == (s.n-1)/2 {
			below = d
		}
		above = d
	}
	return below.add(above).over(4)
}
