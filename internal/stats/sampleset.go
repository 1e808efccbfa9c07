package stats

import (
	"math"
	"slices"
)

// sampleSet is the samples of one field in one window, gathered from the
// segments, and what operations share: each result is computed when the first
// operation asks for it.
type sampleSet struct {
	kind   Kind
	segs   []Segment
	values []float64 // the samples: no NaN, no -0, residuals left out; in segment and row order
	n      int
	lo, hi float64 // smallest and largest of values

	// Of 64-bit integers that no double holds. rests has the residuals, Row
	// being the index in values. ints has all samples exactly, ascending; it
	// is empty if there are no residuals or not all samples are integers.
	rests []Residual
	ints  []int64

	marked      bool // nulls and nans are counted
	nulls, nans int
	moments     moments
	line        line
	plan        plan
	picker      picker
	order       []float64 // values at plan.ranks of the ascending samples
	picked      bool
	deviations  []float64 // scratch of medianDeviation
}

func (s *sampleSet) init(ops []Operation, method Method) {
	s.plan.init(ops, method)
	s.moments.init(ops)
}

// load gathers the samples and forgets what was computed of the last ones.
func (s *sampleSet) load(kind Kind, segs []Segment) {
	s.kind, s.segs = kind, segs
	s.marked, s.picked = false, false
	s.moments.reset()
	s.rests, s.ints = s.rests[:0], s.ints[:0]

	total, residuals := 0, false
	for i := range segs {
		total += len(segs[i].Values)
		residuals = residuals || len(segs[i].Residuals) > 0
	}
	if cap(s.values) < total {
		s.values = make([]float64, total+total/4)
	}
	s.gather(s.values[:total])
	if residuals {
		s.gatherResiduals()
	}
}

// gather copies the samples to buf, which has room for every row.
func (s *sampleSet) gather(buf []float64) {
	n := 0
	lo, hi := math.Inf(1), math.Inf(-1)
	for i := range s.segs {
		for _, x := range s.segs[i].Values {
			x += 0 // makes 0 of -0
			buf[n] = x
			if x < lo {
				lo = x
			}
			if x > hi {
				hi = x
			}
			if x == x {
				n++
			}
		}
	}
	s.values, s.n, s.lo, s.hi = buf[:n], n, lo, hi
}

// gatherResiduals finds the place in values of each residual, and the exact
// integers.
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
	if s.kind == Integer && len(s.rests) > 0 {
		s.fillInts()
	}
}

// fillInts makes ints of values and rests.
func (s *sampleSet) fillInts() {
	rests := s.rests
	for i, x := range s.values {
		rest := int16(0)
		if len(rests) > 0 && int(rests[0].Row) == i {
			rest, rests = rests[0].Value, rests[1:]
		}
		v, ok := joinInt64(x, rest)
		if !ok { // not from a decoder of ours
			s.ints = s.ints[:0]
			return
		}
		s.ints = append(s.ints, v)
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

// countMarks counts nulls and NaNs. Rows without a sample that are neither
// are absent.
func (s *sampleSet) countMarks() {
	if s.marked {
		return
	}
	s.marked, s.nulls, s.nans = true, 0, 0
	for i := range s.segs {
		for _, x := range s.segs[i].Values {
			switch {
			case x == x || IsAbsent(x):
			case IsNull(x):
				s.nulls++
			default:
				s.nans++
			}
		}
	}
}

// first and last are the samples of the earliest and the latest time.
func (s *sampleSet) first() float64 {
	v, earliest, found := NaN, int64(0), false
	for i := range s.segs {
		seg := &s.segs[i]
		for row, x := range seg.Values {
			if x != x {
				continue
			}
			t := seg.time(row)
			if !found || t < earliest {
				v, earliest, found = x+0, t, true
			}
		}
	}
	return v
}

func (s *sampleSet) last() float64 {
	v, latest, found := NaN, int64(0), false
	for i := range s.segs {
		seg := &s.segs[i]
		for row, x := range seg.Values {
			if x != x {
				continue
			}
			t := seg.time(row)
			if !found || t >= latest {
				v, latest, found = x+0, t, true
			}
		}
	}
	return v
}

// time is the event time of a row, 0 if the segment has none.
func (g *Segment) time(row int) int64 {
	if g.Times == nil {
		return 0
	}
	return g.Times[row]
}
