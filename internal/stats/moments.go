package stats

import "math"

// moments are what sum, mean, variance and the like share.
type moments struct {
	order  int // highest power that an operation needs
	exact  *PowerSums
	filled bool // exact has the samples
}

func (m *moments) init(ops []Operation) {
	for _, op := range ops {
		m.order = max(m.order, op.def.order)
	}
}

func (m *moments) reset() { m.filled = false }

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
	rests := s.rests
	for i, x := range s.values {
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

func (s *sampleSet) infinite() bool {
	return s.lo < -math.MaxFloat64 || s.hi > math.MaxFloat64
}

func (s *sampleSet) sum() float64  { return s.powers().Sum() }
func (s *sampleSet) mean() float64 { return s.powers().Mean() }
func (s *sampleSet) rms() float64  { return s.powers().RMS() }

func (s *sampleSet) variance(d spread) float64  { return s.powers().variance(d) }
func (s *sampleSet) deviation(d spread) float64 { return s.powers().deviation(d) }

func (s *sampleSet) skewness() float64 { return s.powers().Skewness() }
func (s *sampleSet) kurtosis() float64 { return s.powers().Kurtosis() }
