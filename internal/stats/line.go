package stats

import (
	"math"
	"math/big"
	"math/bits"
)

// line is the least-squares line of samples over time. The sums are exact
// integers, times counting from the first in ns.
type line struct {
	t, tt    fixed // Σt, Σt²
	x, nx    fixed // Σx of x > 0, Σ|x| of x < 0
	tx, ntx  fixed // Σtx of x > 0, Σt|x| of x < 0
	r        rational
	stx, sx  big.Int
	stt, st  big.Int
	num, den big.Int
	n        big.Int
	scratch  big.Int
}

func (s *sampleSet) slope() float64 {
	if math.IsInf(s.lo, 0) || math.IsInf(s.hi, 0) {
		return NaN
	}
	start := int64(math.MaxInt64)
	for i := range s.segs {
		seg := &s.segs[i]
		if seg.Times == nil && len(seg.Values) > 0 {
			return NaN
		}
		for row, x := range seg.Values {
			if x == x {
				start = min(start, seg.Times[row])
			}
		}
	}
	l := &s.line
	l.reset()
	least := math.MaxInt
	at, rests := int32(0), s.rests
	for i := range s.segs {
		seg := &s.segs[i]
		for row, v := range seg.Values {
			if v != v {
				continue
			}
			m, e, negative := split(v)
			if len(rests) > 0 && rests[0].Row == at {
				if exact, ok := joinInt64(v, rests[0].Value); ok {
					m, e, negative = splitInt(exact)
				}
				rests = rests[1:]
			}
			at++
			t := uint64(seg.Times[row]) - uint64(start)
			hi, lo := bits.Mul64(t, t)
			l.t.add(&[4]uint64{t}, 0)
			l.tt.add(&[4]uint64{lo, hi}, 0)
			if m == 0 {
				continue
			}
			least = min(least, e)
			shift := uint(e - leastExponent)
			hi, lo = bits.Mul64(t, m)
			x, tx := &l.x, &l.tx
			if negative {
				x, tx = &l.nx, &l.ntx
			}
			x.add(&[4]uint64{m}, shift)
			tx.add(&[4]uint64{lo, hi}, shift)
		}
	}
	return l.solve(s.n, least)
}

// solve is 10⁹·(nΣtx - ΣtΣx)/(nΣt² - (Σt)²).
func (l *line) solve(n, least int) float64 {
	l.n.SetInt64(int64(n))
	l.t.integer(&l.st, 0, 0)
	l.tt.integer(&l.stt, 0, 0)
	l.scratch.Mul(&l.st, &l.st)
	l.den.Mul(&l.stt, &l.n)
	l.den.Sub(&l.den, &l.scratch)
	if l.den.Sign() == 0 {
		return NaN
	}
	if least == math.MaxInt {
		return 0 // all samples are 0
	}
	l.tx.integer(&l.stx, 1, least)
	l.ntx.integer(&l.scratch, 1, least)
	l.stx.Sub(&l.stx, &l.scratch)
	l.x.integer(&l.sx, 1, least)
	l.nx.integer(&l.scratch, 1, least)
	l.sx.Sub(&l.sx, &l.scratch)

	l.num.Mul(&l.stx, &l.n)
	l.scratch.Mul(&l.st, &l.sx)
	l.num.Sub(&l.num, &l.scratch)
	l.scratch.Mul(&l.num, l.n.SetInt64(1e9))
	return l.r.ratio(&l.scratch, &l.den, least)
}

func (l *line) reset() {
	if l.t.words == nil {
		l.t, l.tt, l.x, l.nx = newFixed(1), newFixed(1), newFixed(1), newFixed(1)
		l.tx, l.ntx = newFixed(2), newFixed(2) // a time is shorter than a double
	}
	for _, f := range [...]*fixed{&l.t, &l.tt, &l.x, &l.nx, &l.tx, &l.ntx} {
		f.reset()
	}
}
