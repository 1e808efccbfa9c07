package stats

import (
	"math"
	"slices"
)

// A double holds integers up to 2^53 and some of the larger ones; the others
// come with residuals. Time stamps in ns are such integers, of which those of
// one window are close together: they are replaced by their differences to the
// first of them, which doubles do hold (sampleSet.shifted), and all that is
// said of other samples goes for these. If they are too far apart they are
// sorted as integers (sampleSet.ints), and their moments summed exactly.
// In both cases sampleSet.rests has the residuals, Row being the index in
// values.

// shiftLimit is the largest difference of integers that are shifted. Twice
// their deviation from a median is then still exact in a double.
const shiftLimit = 1 << 51

// gatherResiduals finds the place in values of each residual.
func (s *sampleSet) gatherResiduals() {
	at := int32(0)
	for i := range s.segs {
		seg := &s.segs[i]
		rests := seg.Residuals
		for row, x := range seg.Values {
			for len(rests) > 0 && int(rests[0].Row) < row {
				rests = rests[1:]
			}
			if x != x {
				continue
			}
			if len(rests) > 0 && int(rests[0].Row) == row && rests[0].Value != 0 {
				s.rests = append(s.rests, Residual{Row: at, Value: rests[0].Value})
			}
			at++
		}
	}
}

// exactly calls f with every sample as an integer. It is false if one is not;
// that was not stored by SplitInt64.
func (s *sampleSet) exactly(f func(i int, v int64)) bool {
	rests := s.rests
	for i, x := range s.values {
		rest := int16(0)
		if len(rests) > 0 && int(rests[0].Row) == i {
			rest, rests = rests[0].Value, rests[1:]
		}
		v, ok := joinInt64(x, rest)
		if !ok {
			return false
		}
		f(i, v)
	}
	return true
}

// shift replaces values by their differences to the first, if these are small.
func (s *sampleSet) shift() bool {
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	base := int64(0)
	if !s.exactly(func(i int, v int64) {
		if i == 0 {
			base = v
		}
		lo, hi = min(lo, v), max(hi, v)
	}) || uint64(hi)-uint64(lo) > shiftLimit {
		return false
	}
	s.exactly(func(i int, v int64) { s.values[i] = float64(v - base) })
	s.shifted, s.base, s.lo, s.hi = true, base, float64(lo-base), float64(hi-base)
	return true
}

// fillInts makes ints of values and rests.
func (s *sampleSet) fillInts() {
	if !s.exactly(func(_ int, v int64) { s.ints = append(s.ints, v) }) {
		s.ints = s.ints[:0]
	}
	slices.Sort(s.ints)
}

// joinInt64 is the inverse of SplitInt64. It is false if f + rest is no int64.
func joinInt64(f float64, rest int16) (int64, bool) {
	switch {
	case f == 1<<63 && rest < 0:
		return math.MaxInt64 + (int64(rest) + 1), true
	case f >= -1<<63 && f < 1<<63 && f == math.Trunc(f):
		return int64(f) + int64(rest), true
	}
	return 0, false
}

// whole is true if values are all samples, or shifted ones, without residuals.
func (s *sampleSet) whole() bool { return (len(s.rests) == 0 || s.shifted) && !s.sketched }

// smallest and largest are the extreme samples as doubles.
func (s *sampleSet) smallest() float64 { return s.unshifted(s.lo) }
func (s *sampleSet) largest() float64  { return s.unshifted(s.hi) }

func (s *sampleSet) unshifted(v float64) float64 {
	if s.shifted {
		return float64(s.base + int64(v))
	}
	return v
}
