package stats

import (
	"math"
	"math/big"
	"math/bits"
)

// Every exact result is rounded here, once, to the nearest double, ties to
// even, also in the subnormal range; beyond the largest double it is infinite.

// roundBits returns q·2^e as a double. q has at least 62 bits, the lowest of
// which is set if anything was cut off below it ("sticky"): it lies at least
// 8 places below the last bit of a double, so it can decide a tie but not be
// mistaken for one.
func roundBits(q uint64, e int) float64 {
	if bits.Len64(q)+e-53 >= -1074 {
		// float64(q) rounds to nearest even; Ldexp is then exact or overflows.
		return math.Ldexp(float64(q), e)
	}
	// Subnormal: fewer bits are kept, so the rounding must be done here.
	drop := uint(-1074 - e)
	if drop > 64 {
		return 0
	}
	var kept, rest uint64 // rest: what is cut off, its first bit in the highest place
	if drop == 64 {
		rest = q
	} else {
		kept, rest = q>>drop, q<<(64-drop)
	}
	const half = 1 << 63
	if rest > half || rest == half && kept&1 == 1 {
		kept++
	}
	return math.Ldexp(float64(kept), -1074)
}

// rational holds the memory of exact divisions.
type rational struct {
	num, den, quo, rem big.Int
}

// ratio is num/den·2^e, rounded. den > 0.
func (r *rational) ratio(num, den *big.Int, e int) float64 {
	if num.Sign() == 0 {
		return 0
	}
	// A quotient of 63 or 64 bits.
	shift := 63 - (num.BitLen() - den.BitLen())
	sticky := r.divide(num, den, shift)
	v := roundBits(r.quo.Uint64()|sticky, e-shift)
	if num.Sign() < 0 {
		return math.Copysign(v, -1)
	}
	return v
}

// root is √(num/den·2^e), rounded. num >= 0, den > 0.
func (r *rational) root(num, den *big.Int, e int) float64 {
	if num.Sign() == 0 {
		return 0
	}
	// A radicand of 126 to 128 bits with an even exponent, so a root of 63 or 64.
	shift := 126 - (num.BitLen() - den.BitLen())
	if (e-shift)&1 != 0 {
		shift++
	}
	sticky := r.divide(num, den, shift)
	lo := r.rem.And(&r.quo, maxUint64).Uint64() // rem has been used
	hi := r.rem.Rsh(&r.quo, 64).Uint64()
	s := root128(hi, lo)
	if h, l := bits.Mul64(s, s); h != hi || l != lo {
		sticky = 1
	}
	return roundBits(s|sticky, (e-shift)/2)
}

var maxUint64 = new(big.Int).SetUint64(math.MaxUint64)

// divide sets r.quo to |num|·2^shift/den and returns 1 if a remainder was left.
func (r *rational) divide(num, den *big.Int, shift int) (sticky uint64) {
	r.num.Abs(num)
	if shift >= 0 {
		r.num.Lsh(&r.num, uint(shift))
	} else {
		r.den.Lsh(den, uint(-shift))
		den = &r.den
	}
	r.quo.QuoRem(&r.num, den, &r.rem)
	if r.rem.Sign() != 0 {
		return 1
	}
	return 0
}

// root128 is the integer square root of hi·2^64 + lo, hi >= 2^60.
func root128(hi, lo uint64) uint64 {
	// The estimate is good to 2^-52. One step of Newton's method doubles the
	// bits, the rest is counted off.
	f := math.Sqrt(float64(hi)*0x1p64 + float64(lo))
	s := uint64(math.MaxUint64)
	if f < 0x1p64 {
		s = uint64(f)
	}
	if hi < s {
		q, _ := bits.Div64(hi, lo, s)
		sum, carry := bits.Add64(s, q, 0)
		s = sum>>1 | carry<<63
	}
	for {
		h, l := bits.Mul64(s, s)
		if h > hi || h == hi && l > lo {
			s--
			continue
		}
		// s² <= x. Is (s+1)² = s² + 2s + 1 too?
		l, borrow := bits.Sub64(lo, l, 0)
		h, _ = bits.Sub64(hi, h, borrow)
		if s == math.MaxUint64 || h < s>>63 || h == s>>63 && l <= s<<1 {
			return s
		}
		s++
	}
}
