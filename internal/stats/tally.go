package stats

import (
	"math"
	"unsafe"
)

// Tally is what windows that share a segment need not work out again, each for
// itself: how many samples there are, the extremes, the sums, and the samples
// in rough order, from which quantiles are found without looking at most of
// them (see runs). What is computed of tallies is the same to the last bit as
// what is computed of the samples.
type Tally struct {
	lo, hi float64 // smallest and largest sample; +Inf and -Inf if there is none

	// Bucket b has the samples with int((x-lo)·scale) = b. As in picker, that
	// is a monotone function of the sample, whatever is rounded. Their rows are
	// index[index[b]:index[b+1]]; the first buckets+1 numbers are these bounds.
	// In a bucket of more than fewSamples they are in ascending order. Without
	// buckets the samples are not in order at all.
	scale   float64
	index   []uint16
	buckets int32

	n           int32 // samples
	rows        int32 // of the segment that was tallied
	nulls, nans int32

	// The sums of powers of x - centre up to order; 0 if they are not known.
	order  int32
	centre float64
	sums   [2]value
}

// maxTallied is the largest number of rows of which the order is kept, so
// that an index is a 16-bit number.
const maxTallied = math.MaxUint16 - maxBuckets - 1

// Tally makes t the tally of values, for operations that need what needs says.
// They have no residuals. t is good as long as there are no more values.
func (s *Summarizer) Tally(t *Tally, values []float64, needs Needs) {
	t.Reset()
	t.rows, t.n = int32(len(values)), int32(len(values))
	lo, hi := t.lo, t.hi
	for _, x := range values {
		if x >= lo && x <= hi {
			continue
		}
		if x != x {
			t.n--
			continue
		}
		if x < lo {
			lo = x
		}
		if x > hi {
			hi = x
		}
	}
	t.lo, t.hi = lo+0, hi+0 // makes 0 of -0
	samples := values
	if t.n < t.rows {
		nulls, nans := marks(values)
		t.nulls, t.nans = int32(nulls), int32(nans)
		samples = s.set.scratch(len(values))
		copy(samples, values)
		dropNaNs(samples)
		samples = samples[:t.n]
	}
	var sum sums
	if order := min(needs.order, 2); order > 0 && t.n > 0 && sum.compute(samples, t.lo, t.hi, order > 1) {
		t.order, t.centre = int32(order), sum.centre
		t.sums = [2]value{{sum.hi1, sum.lo1, sum.err1}, {sum.hi2, sum.lo2, sum.err2}}
	}
	if needs.quantiles && t.n > 0 && len(values) <= maxTallied {
		t.sort(values, samples, &s.sorter)
	}
}

// marks counts nulls and NaNs of the data.
func marks(values []float64) (nulls, nans int) {
	for _, x := range values {
		switch {
		case x == x || IsAbsent(x):
		case IsNull(x):
			nulls++
		default:
			nans++
		}
	}
	return nulls, nans
}

// Reset makes t one of no segment. The memory stays.
func (t *Tally) Reset() { *t = Tally{lo: math.Inf(1), hi: math.Inf(-1), index: t.index[:0]} }

// Size is the memory that t takes, in bytes.
func (t *Tally) Size() int64 { return int64(unsafe.Sizeof(*t)) + int64(cap(t.index))*2 }

// known reports whether a segment need not be looked at but for its tally.
func (g *Segment) known() bool {
	if len(g.Residuals) > 0 || g.Sketch != nil {
		return false
	}
	return len(g.Values) == 0 || g.Tally != nil && int(g.Tally.rows) == len(g.Values)
}

// loadTallies takes the counts and extremes from the tallies of the segments.
// It is false if one of them has none.
func (s *sampleSet) loadTallies() bool {
	for i := range s.segs {
		if !s.segs[i].known() {
			return false
		}
	}
	s.n, s.nulls, s.nans, s.marked = 0, 0, 0, true
	s.lo, s.hi = math.Inf(1), math.Inf(-1)
	for i := range s.segs {
		if len(s.segs[i].Values) == 0 {
			continue
		}
		t := s.segs[i].Tally
		s.n += int(t.n)
		s.nulls += int(t.nulls)
		s.nans += int(t.nans)
		s.lo, s.hi = min(s.lo, t.lo), max(s.hi, t.hi)
	}
	return true
}
