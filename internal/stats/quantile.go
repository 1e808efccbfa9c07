package stats

import "slices"

// plan says which of the ascending samples the quantiles need.
type plan struct {
	method Method
	cuts   []cut
	n      int   // number of samples that ranks is for
	ranks  []int // wanted indices of the ascending samples; ascending, each once
}

func (p *plan) init(ops []Operation, method Method) {
	p.method, p.n = method, -1
	for _, op := range ops {
		cuts := op.def.cuts
		if op.def == &opPercentile {
			cuts = []cut{op.cut}
		}
		for _, c := range cuts {
			if !slices.Contains(p.cuts, c) {
				p.cuts = append(p.cuts, c)
			}
		}
	}
	p.ranks = make([]int, 0, 2*len(p.cuts))
}

// resize makes the plan one for n samples.
func (p *plan) resize(n int) {
	if p.n == n {
		return
	}
	p.n, p.ranks = n, p.ranks[:0]
	for _, c := range p.cuts {
		if n < 2 && !c.median {
			continue // has no value
		}
		i, j, _ := p.locate(c)
		p.ranks = append(p.ranks, i)
		if j != i {
			p.ranks = append(p.ranks, j)
		}
	}
	slices.Sort(p.ranks)
	p.ranks = slices.Compact(p.ranks)
}

// locate returns the ranks (from 0) of the two samples between which a cut
// lies and the weight of the second: the cut is (x[i]·(n-delta) + x[j]·delta)/n.
// For the median of an odd number both are the middle one. The arithmetic is
// that of quantiles in Python's statistics; at least two samples, but for the
// median.
func (p *plan) locate(c cut) (i, j, delta int) {
	switch {
	case c.median:
		return (p.n - 1) / 2, p.n / 2, 0
	case p.method == Inclusive:
		m := p.n - 1
		i, delta = c.i*m/c.n, c.i*m%c.n
	default:
		m := p.n + 1
		j := min(max(c.i*m/c.n, 1), p.n-1)
		i, delta = j-1, c.i*m-j*c.n
	}
	return i, i + 1, delta
}

// quantile is the value of a cut. Integers are interpolated exactly and
// rounded once; others in double arithmetic, each step rounded, in the order
// that Python does it. (The conversions keep compilers for other processors
// from fusing the multiplication and the addition.)
func (s *sampleSet) quantile(c cut) float64 {
	if num, n, ok := s.integerQuantile(c); ok {
		return num.over(n)
	}
	i, j, delta := s.locate(c)
	a := s.at(i)
	if c.median {
		if i == j {
			return a
		}
		return (a + s.at(j)) / 2
	}
	return (float64(a*float64(c.n-delta)) + float64(s.at(j)*float64(delta))) / float64(c.n)
}

// integerQuantile is a cut of integers as a fraction. It is false if the
// samples are not integers.
func (s *sampleSet) integerQuantile(c cut) (num int128, n int, ok bool) {
	if s.kind != Integer {
		return int128{}, 0, false
	}
	i, j, delta := s.locate(c)
	a, aok := s.integerAt(i)
	b, bok := s.integerAt(j)
	if !aok || !bok {
		return int128{}, 0, false
	}
	if c.median {
		return a.add(b), 2, true
	}
	return a.times(int64(c.n - delta)).add(b.times(int64(delta))), c.n, true
}

func (s *sampleSet) locate(c cut) (i, j, delta int) {
	s.plan.resize(s.n)
	return s.plan.locate(c)
}

// at is the sample of a planned rank.
func (s *sampleSet) at(rank int) float64 {
	if !s.picked {
		s.picked = true
		s.order = slices.Grow(s.order[:0], len(s.plan.ranks))[:len(s.plan.ranks)]
		switch {
		case s.sketched:
			s.weighted.pick(s.order, s.plan.ranks, s)
		case !s.gathered && s.runs.worth(s.n, len(s.segs), len(s.plan.ranks)) && s.runs.load(s.segs, s.n, s.lo, s.hi):
			s.runs.pick(s.order, s.plan.ranks, &s.picker)
		default:
			s.picker.pick(s.order, s.plan.ranks, s.samples(), s.lo, s.hi)
		}
	}
	if len(s.plan.ranks) > 8 {
		i, _ := slices.BinarySearch(s.plan.ranks, rank)
		return s.order[i]
	}
	i := 0
	for s.plan.ranks[i] != rank {
		i++
	}
	return s.order[i]
}

// integerAt is the exact sample of a planned rank, if that is an integer. From 2^63
// on it is the double that the sample came as.
func (s *sampleSet) integerAt(rank int) (int128, bool) {
	if len(s.ints) > 0 {
		return mul128(s.ints[rank], 1), true
	}
	f := s.at(rank)
	v, ok := joinInt64(f, 0)
	switch {
	case ok && s.shifted:
		return mul128(v+s.base, 1), true
	case ok:
		return mul128(v, 1), true
	case f >= 1<<63 && f < 1<<64:
		return int128{0, uint64(f)}, true
	case f == 1<<64:
		return int128{1, 0}, true
	}
	return int128{}, false
}
