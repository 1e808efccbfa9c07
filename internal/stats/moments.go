package stats

import "math"

// moments are what sum, mean, variance and the like share: the sums of the
// samples and of their squares, in the fastest of several ways that is good
// enough. The result is the same bits whichever was taken.
type moments struct {
	order int // highest power that an operation needs

	tried  bool // sums was tried
	usable bool // and can be used
	sums   sums

	exact  *PowerSums
	filled bool // exact has the samples
}

func (m *moments) init(ops []Operation) {
	for _, op := range ops {
		m.order = max(m.order, op.def.order)
	}
}

func (m *moments) reset() { m.tried, m.usable, m.filled = false, false, false }

// powers are the exact power sums of the samples.
func (s *sampleSet) powers() *PowerSums {
	m := &s.moments
	if m.filled {
		return m.exact
	}
	if m.exact == nil {
		m.exact = NewPowerSums(m.order)
	}
	m.filled = true
	m.exact.Reset()
	if s.sketched {
		for i := range s.segs {
			if k := s.segs[i].Sketch; k != nil && k.sums != nil {
				m.exact.Merge(k.sums)
			}
		}
	}
	values := s.samples()
	if s.shifted {
		for _, d := range values {
			m.exact.AddInt(s.base + int64(d))
		}
		return m.exact
	}
	rests := s.rests
	for i, x := range values {
		if len(rests) > 0 && int(rests[0].Row) == i {
			v, ok := joinInt64(x, rests[0].Value)
			rests = rests[1:]
			if ok {
				m.exact.AddInt(v)
				continue
			}
		}
		m.exact.Add(x)
	}
	return m.exact
}

// fast returns the sums in double-double arithmetic, or nil if the samples
// are not such that these can be trusted.
func (s *sampleSet) fast() *sums {
	m := &s.moments
	if !m.tried {
		m.tried = true
		m.usable = !s.gathered && m.sums.merge(s.segs, s.n, s.lo, s.hi, min(m.order, 2)) ||
			s.whole() && m.sums.compute(s.samples(), s.lo, s.hi, m.order > 1)
		if s.shifted {
			f, rest := SplitInt64(s.base)
			m.sums.base = [2]float64{f, float64(rest)}
		}
	}
	if !m.usable {
		return nil
	}
	return &m.sums
}

func (s *sampleSet) sum() float64 {
	if f := s.fast(); f != nil {
		if v, ok := f.sum(); ok {
			return v
		}
	}
	return s.powers().Sum()
}

func (s *sampleSet) mean() float64 {
	if s.lo == s.hi && s.whole() {
		return s.smallest()
	}
	if f := s.fast(); f != nil {
		if v, ok := f.mean(); ok {
			return v
		}
	}
	return s.powers().Mean()
}

// variance and deviation have no value if a sample is infinite.
func (s *sampleSet) variance(d divisor) float64 {
	if s.equal() {
		return 0
	}
	if f := s.fast(); f != nil {
		if v, ok := f.variance(d); ok {
			return v
		}
	}
	return s.powers().variance(d)
}

func (s *sampleSet) deviation(d divisor) float64 {
	if s.equal() {
		return 0
	}
	if f := s.fast(); f != nil {
		if v, ok := f.deviation(d); ok {
			return v
		}
	}
	return s.powers().deviation(d)
}

// equal is true if all samples are finite and equal.
func (s *sampleSet) equal() bool {
	return s.lo == s.hi && s.whole() && !math.IsInf(s.lo, 0)
}

func (s *sampleSet) rms() float64 {
	if f := s.fast(); f != nil && !s.shifted {
		if v, ok := f.rms(); ok {
			return v
		}
	}
	return s.powers().RMS()
}

func (s *sampleSet) skewness() float64 { return s.powers().Skewness() }
func (s *sampleSet) kurtosis() float64 { return s.powers().Kurtosis() }
