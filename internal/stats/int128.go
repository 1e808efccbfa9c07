package stats

import "math/bits"

// int128 is a signed integer, two's complement.
type int128 struct {
	hi int64
	lo uint64
}

func mul128(a, b int64) int128 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	h := int64(hi)
	if a < 0 {
		h -= b
	}
	if b < 0 {
		h -= a
	}
	return int128{h, lo}
}

// times is a·n. |a| <= 2^64, |n| < 2^31.
func (a int128) times(n int64) int128 {
	if a.hi == int64(a.lo)>>63 {
		return mul128(int64(a.lo), n)
	}
	m := uint64(n)
	if n < 0 {
		m = -m
	}
	hi, lo := bits.Mul64(a.lo, m)
	product := int128{int64(hi + uint64(a.hi)*m), lo}
	if n < 0 {
		return int128{}.sub(product)
	}
	return product
}

func (a int128) add(b int128) int128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	return int128{a.hi + b.hi + int64(carry), lo}
}

func (a int128) sub(b int128) int128 {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	return int128{a.hi - b.hi - int64(borrow), lo}
}

func (a int128) less(b int128) bool {
	return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo
}

// over is a/n, rounded. 0 < n < 2^31.
func (a int128) over(n int) float64 {
	hi, lo, negative := uint64(a.hi), a.lo, a.hi < 0
	if negative {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	var v float64
	switch {
	case hi == 0 && lo < 1<<53:
		v = float64(lo) / float64(n) // both exact
	default:
		// Shift up so that the quotient has at least 96 bits, and keep 64.
		up := bits.LeadingZeros64(hi)
		if hi == 0 {
			up = 64 + bits.LeadingZeros64(lo)
		}
		hi, lo = shiftLeft(hi, lo, uint(up))
		q1, r := bits.Div64(0, hi, uint64(n))
		q0, r := bits.Div64(r, lo, uint64(n))
		down := uint(bits.LeadingZeros64(q1))
		top, rest := shiftLeft(q1, q0, down)
		if rest|r != 0 {
			top |= 1
		}
		v = roundBits(top, 64-int(down)-up)
	}
	if negative {
		return -v
	}
	return v
}

func shiftLeft(hi, lo uint64, n uint) (uint64, uint64) {
	if n >= 64 {
		return lo << (n - 64), 0
	}
	return hi<<n | lo>>(64-n), lo << n
}
