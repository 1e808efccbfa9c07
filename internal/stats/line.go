package stats

import (
	"math"
	"math/big"
	"math/bits"
	"unsafe"
)

// line is the least-squares line of samples over time. The sums are exact
// integers, times counting in ns from any time that is before all samples.
type line struct {
	n        int64
	least    int   // all samples are multiples of 2^least
	undone   bool  // a sample has no time or is infinite: there is no line
	t, tt    fixed // Σt, Σt²
	x, nx    fixed // Σx of x > 0, Σ|x| of x < 0
	tx, ntx  fixed // Σtx of x > 0, Σt|x| of x < 0
	r        rational
	stx, sx  big.Int
	stt, st  big.Int
	num, den big.Int
	big      big.Int
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
		if seg.Sketch != nil && seg.Sketch.n > 0 {
			start = min(start, seg.Sketch.origin)
		}
		for row, x := range seg.Values {
			if x == x {
				start = min(start, seg.Times[row])
			}
		}
	}
	l := &s.line
	l.reset()
	at, rests := int32(0), s.rests
	for i := range s.segs {
		seg := &s.segs[i]
		if seg.Sketch != nil && seg.Sketch.n > 0 {
			l.merge(seg.Sketch.line, uint64(seg.Sketch.origin)-uint64(start))
		}
		for row, v := range seg.Values {
			if v != v {
				continue
			}
			rest := int16(0)
			if len(rests) > 0 && rests[0].Row == at {
				rest, rests = rests[0].Value, rests[1:]
			}
			at++
			l.add(v, rest, uint64(seg.Times[row])-uint64(start), true)
		}
	}
	return l.solve()
}

// add adds the sample v + rest at time t. If its time is not known there is no
// line.
func (l *line) add(v float64, rest int16, t uint64, known bool) {
	if !known || math.IsInf(v, 0) {
		l.undone = true
		return
	}
	m, e, negative := split(v)
	if rest != 0 {
		if exact, ok := joinInt64(v, rest); ok {
			m, e, negative = splitInt(exact)
		}
	}
	l.n++
	hi, lo := bits.Mul64(t, t)
	l.t.add(&[4]uint64{t}, 0)
	l.tt.add(&[4]uint64{lo, hi}, 0)
	if m == 0 {
		return
	}
	l.least = min(l.least, e)
	shift := uint(e - leastExponent)
	hi, lo = bits.Mul64(t, m)
	x, tx := &l.x, &l.tx
	if negative {
		x, tx = &l.nx, &l.ntx
	}
	x.add(&[4]uint64{m}, shift)
	tx.add(&[4]uint64{lo, hi}, shift)
}

// merge adds the samples of o, whose times count from a time that is d later:
// Σ(t+d) = Σt + nd, Σ(t+d)² = Σt² + 2dΣt + nd², Σ(t+d)x = Σtx + dΣx.
func (l *line) merge(o *line, d uint64) {
	l.n += o.n
	l.least = min(l.least, o.least)
	l.undone = l.undone || o.undone
	for i, f := range l.sums() {
		f.merge(o.sums()[i])
	}
	if d == 0 {
		return
	}
	hi, lo := bits.Mul64(d, uint64(o.n))
	l.t.add(&[4]uint64{lo, hi}, 0)
	l.tt.mergeTimes(&o.t, d)
	l.tt.mergeTimes(&o.t, d)
	top, mid := bits.Mul64(hi, d) // nd·d
	carry, low := bits.Mul64(lo, d)
	mid, c := bits.Add64(mid, carry, 0)
	l.tt.add(&[4]uint64{low, mid, top + c}, 0)
	l.tx.mergeTimes(&o.x, d)
	l.ntx.mergeTimes(&o.nx, d)
}

// solve is 10⁹·(nΣtx - ΣtΣx)/(nΣt² - (Σt)²).
func (l *line) solve() float64 {
	if l.undone {
		return NaN
	}
	l.big.SetInt64(l.n)
	l.t.integer(&l.st, 0, 0)
	l.tt.integer(&l.stt, 0, 0)
	l.scratch.Mul(&l.st, &l.st)
	l.den.Mul(&l.stt, &l.big)
	l.den.Sub(&l.den, &l.scratch)
	if l.den.Sign() == 0 {
		return NaN
	}
	if l.least == math.MaxInt {
		return 0 // all samples are 0
	}
	l.tx.integer(&l.stx, 1, l.least)
	l.ntx.integer(&l.scratch, 1, l.least)
	l.stx.Sub(&l.stx, &l.scratch)
	l.x.integer(&l.sx, 1, l.least)
	l.nx.integer(&l.scratch, 1, l.least)
	l.sx.Sub(&l.sx, &l.scratch)

	l.num.Mul(&l.stx, &l.big)
	l.scratch.Mul(&l.st, &l.sx)
	l.num.Sub(&l.num, &l.scratch)
	l.scratch.Mul(&l.num, l.big.SetInt64(1e9))
	return l.r.ratio(&l.scratch, &l.den, l.least)
}

func (l *line) reset() {
	if l.t.words == nil {
		l.t, l.tt, l.x, l.nx = newFixed(1), newFixed(1), newFixed(1), newFixed(1)
		l.tx, l.ntx = newFixed(2), newFixed(2) // a time is shorter than a double
	}
	l.n, l.least, l.undone = 0, math.MaxInt, false
	for _, f := range l.sums() {
		f.reset()
	}
}

// size is the memory that l takes, in bytes.
func (l *line) size() int64 {
	n := int64(unsafe.Sizeof(*l))
	for _, f := range l.sums() {
		n += int64(cap(f.words)) * 8
	}
	return n
}

func (l *line) sums() [6]*fixed {
	return [...]*fixed{&l.t, &l.tt, &l.x, &l.nx, &l.tx, &l.ntx}
}
