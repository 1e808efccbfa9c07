package stats

import "math"

// merge makes s the sums of the samples of tallied segments: n of them, of
// which lo is the smallest and hi the largest. The sums of a segment are of
// deviations from another centre, δ above the common one:
//
//	Σ(d+δ)  = Σd + nδ
//	Σ(d+δ)² = Σd² + δ(2Σd + nδ)
//
// The common centre is chosen as compute does. Either it is 0, and δ a centre;
// or all samples are within a factor of 2, and so are the centres, which are
// samples: δ is exact. It is false if a tally has no such sums, or n or the
// magnitudes are out of range.
func (s *sums) merge(segs []Segment, n int, lo, hi float64, order int) bool {
	magnitude := max(hi, -lo)
	if magnitude != 0 && !(magnitude >= smallest && magnitude <= largest) || n > 1<<25 {
		return false
	}
	*s = sums{n: float64(n)}
	first, same := true, magnitude != 0 && alike(lo, hi)
	var d1, d2 value
	for i := range segs {
		t := segs[i].Tally
		if len(segs[i].Values) == 0 || t.n == 0 {
			continue
		}
		if int(t.order) < order {
			return false
		}
		if first && same {
			s.centre = t.centre
		}
		first = false
		p1, p2 := t.sums[0], t.sums[1]
		if delta := t.centre - s.centre; delta != 0 {
			moved := value{delta, 0, 0}.times(float64(t.n))
			p2 = p2.plus(p1.plus(p1).plus(moved).times(delta))
			p1 = p1.plus(moved)
		}
		d1, d2 = d1.plus(p1), d2.plus(p2)
	}
	// Below 2^-1022 products are rounded to 2^-1074; see compute.
	s.err1, s.err2 = 1.01*d1.err, 1.01*d2.err+s.n*0x1p-1000
	s.hi1, s.lo1 = twoSum(d1.hi, d1.lo)
	s.hi2, s.lo2 = twoSum(d2.hi, d2.lo)
	return true
}

// plus is v + w.
func (v value) plus(w value) value {
	const u = 0x1p-53
	hi, e := twoSum(v.hi, w.hi)
	rest := v.lo + w.lo
	lo := e + rest
	return value{hi, lo, v.err + w.err + 1.01*u*(math.Abs(rest)+math.Abs(lo))}
}

// times is v·c. c is exact.
func (v value) times(c float64) value {
	const u = 0x1p-53
	p := float64(v.hi * c)
	e := math.FMA(v.hi, c, -p) // v.hi·c = p + e exactly
	rest := float64(v.lo * c)
	lo := e + rest
	return value{p, lo, v.err*math.Abs(c) + 1.01*u*(math.Abs(rest)+math.Abs(lo))}
}
