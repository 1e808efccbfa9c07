package stats

import "math"

// sampleSet is the samples of one field in one window, gathered from the
// segments, and what operations share: each result is computed when the first
// operation asks for it.
type sampleSet struct {
	kind   Kind
	segs   []Segment
	values []float64 // the samples, see samples
	n      int
	lo, hi float64 // smallest and largest of values; see smallest and largest

	// Of integers that no double holds; see integers.go.
	rests   []Residual
	ints    []int64
	shifted bool
	base    int64

	// Of segments with tallies; see tally.go.
	gathered bool // values are there; if not, all segments have tallies
	runs     runs

	// Of samples that are not all in values; see sketched.go.
	sketched  bool
	rankError float64
	weighted  weighted

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

// load takes the segments, gathers the samples if they are needed, and forgets
// what was computed of the last ones.
func (s *sampleSet) load(kind Kind, segs []Segment) {
	s.kind, s.segs = kind, segs
	s.marked, s.picked = false, false
	s.moments.reset()
	s.rests, s.ints, s.shifted = s.rests[:0], s.ints[:0], false
	s.sketched, s.rankError = false, 0
	if s.gathered = !s.loadTallies(); !s.gathered {
		return
	}

	residuals := false
	for i := range segs {
		residuals = residuals || len(segs[i].Residuals) > 0
		s.sketched = s.sketched || segs[i].Sketch != nil && segs[i].Sketch.n > 0
	}
	s.gather()
	if residuals {
		s.gatherResiduals()
		if !s.sketched && s.kind == Integer && len(s.rests) > 0 && !s.shift() {
			s.fillInts()
		}
	}
	if s.sketched {
		s.loadSketches()
	}
}

// samples are all that are not in sketches: no NaN, no -0, residuals left out,
// in segment and row order.
func (s *sampleSet) samples() []float64 {
	if !s.gathered {
		s.gather()
	}
	return s.values
}

// gather copies the samples to values.
func (s *sampleSet) gather() {
	s.gathered = true
	total := 0
	for i := range s.segs {
		total += len(s.segs[i].Values)
	}
	buf := s.scratch(total)
	n := 0
	lo, hi := math.Inf(1), math.Inf(-1)
	for i := range s.segs {
		rows := s.segs[i].Values
		part := buf[n:][:len(rows)]
		nans := 0
		for row, x := range rows {
			x += 0 // makes 0 of -0
			part[row] = x
			if x < lo {
				lo = x
			}
			if x > hi {
				hi = x
			}
			if x != x {
				nans++
			}
		}
		n += len(rows)
		if nans > 0 {
			n -= nans
			dropNaNs(part)
		}
	}
	s.values, s.n, s.lo, s.hi = buf[:n], n, lo, hi
}

// scratch is memory for n samples, that of values.
func (s *sampleSet) scratch(n int) []float64 {
	if cap(s.values) < n {
		s.values = make([]float64, n+n/4)
	}
	return s.values[:n]
}

// dropNaNs moves the samples to the front.
func dropNaNs(v []float64) {
	n := 0
	for _, x := range v {
		v[n] = x
		if x == x {
			n++
		}
	}
}

// countMarks counts nulls and NaNs. Rows without a sample that are neither
// are absent.
func (s *sampleSet) countMarks() {
	if s.marked {
		return
	}
	s.marked, s.nulls, s.nans = true, 0, 0
	for i := range s.segs {
		if k := s.segs[i].Sketch; k != nil {
			s.nulls += int(k.nulls)
			s.nans += int(k.nans)
		}
		nulls, nans := marks(s.segs[i].Values)
		s.nulls += nulls
		s.nans += nans
	}
}

// first and last are the samples of the earliest and the latest time.
func (s *sampleSet) first() float64 {
	v, earliest, found := NaN, int64(0), false
	for i := range s.segs {
		seg := &s.segs[i]
		if k := seg.Sketch; k != nil && k.n > 0 && (!found || k.first.time < earliest) {
			v, earliest, found = k.first.value, k.first.time, true
		}
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
		if k := seg.Sketch; k != nil && k.n > 0 && (!found || k.last.time >= latest) {
			v, latest, found = k.last.value, k.last.time, true
		}
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
