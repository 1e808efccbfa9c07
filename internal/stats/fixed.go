package stats

import (
	"math"
	"math/big"
	"math/bits"
)

// leastExponent is that of the smallest subnormal: every double is an integer
// times 2^leastExponent.
const leastExponent = -1074

// fixed is a sum of non-negative multiples of a unit 2^(k·leastExponent), for
// k-fold products of doubles, as one long integer. Nothing is ever rounded,
// so the order of additions is of no account. It has room for 2^63 summands.
type fixed struct {
	words    []uint64 // little endian
	from, to int      // words outside [from, to) are zero
}

func newFixed(k int) fixed {
	// The largest shift is below k·(1024-leastExponent), and an addition is
	// five words long. Of these the sum itself needs two, of which 64 bits are
	// for the number of summands.
	n := k*(1024-leastExponent)/64 + 6
	return fixed{words: make([]uint64, n), from: n}
}

func (f *fixed) reset() {
	if f.from < f.to {
		clear(f.words[f.from:f.to])
	}
	f.from, f.to = len(f.words), 0
}

// add adds w·2^shift units; w is little endian.
func (f *fixed) add(w *[4]uint64, shift uint) {
	i, s := int(shift/64), shift%64
	// A shift by 64 gives 0, which makes s = 0 right.
	var c uint64
	d := f.words[i : i+5]
	d[0], c = bits.Add64(d[0], w[0]<<s, 0)
	d[1], c = bits.Add64(d[1], w[1]<<s|w[0]>>(64-s), c)
	d[2], c = bits.Add64(d[2], w[2]<<s|w[1]>>(64-s), c)
	d[3], c = bits.Add64(d[3], w[3]<<s|w[2]>>(64-s), c)
	d[4], c = bits.Add64(d[4], w[3]>>(64-s), c)
	f.from = min(f.from, i)
	for i += 5; c != 0; i++ {
		f.words[i], c = bits.Add64(f.words[i], 0, c)
	}
	f.to = max(f.to, i)
}

// merge adds another sum of the same k.
func (f *fixed) merge(o *fixed) {
	if o.from >= o.to {
		return
	}
	var c uint64
	i := o.from
	for ; i < o.to; i++ {
		f.words[i], c = bits.Add64(f.words[i], o.words[i], c)
	}
	for ; c != 0; i++ {
		f.words[i], c = bits.Add64(f.words[i], 0, c)
	}
	f.from, f.to = min(f.from, o.from), max(f.to, i)
}

// mergeTimes adds a multiple of another sum, which may be of a smaller k.
func (f *fixed) mergeTimes(o *fixed, d uint64) {
	if o.from >= o.to {
		return
	}
	var over, c uint64 // of the product, of the sum
	i := o.from
	for ; i < o.to; i++ {
		hi, lo := bits.Mul64(o.words[i], d)
		lo, carry := bits.Add64(lo, over, 0)
		over = hi + carry
		f.words[i], c = bits.Add64(f.words[i], lo, c)
	}
	for ; over != 0 || c != 0; i++ {
		f.words[i], c = bits.Add64(f.words[i], over, c)
		over = 0
	}
	f.from, f.to = min(f.from, o.from), max(f.to, i)
}

// integer sets z to the sum in units of 2^(k·e), which must divide all
// summands.
func (f *fixed) integer(z *big.Int, k, e int) {
	if f.from >= f.to {
		z.SetUint64(0)
		return
	}
	words := z.Bits()[:0] // reuse the memory of z
	for _, w := range f.words[f.from:f.to] {
		words = append(words, big.Word(w))
		if bits.UintSize == 32 {
			words = append(words, big.Word(w>>32))
		}
	}
	z.SetBits(words)
	if shift := k*(e-leastExponent) - 64*f.from; shift >= 0 {
		z.Rsh(z, uint(shift))
	} else {
		z.Lsh(z, uint(-shift))
	}
}

// split returns a finite x as ±m·2^e with m odd, or m = 0.
func split(x float64) (m uint64, e int, negative bool) {
	b := math.Float64bits(x)
	m, e = b&(1<<52-1), int(b>>52&0x7ff)
	if e == 0 {
		e = 1 // subnormal
	} else {
		m |= 1 << 52
	}
	if m == 0 {
		return 0, 0, false
	}
	zeros := bits.TrailingZeros64(m)
	return m >> zeros, e - 1075 + zeros, b>>63 == 1
}

// splitInt is split for an integer.
func splitInt(v int64) (m uint64, e int, negative bool) {
	if v == 0 {
		return 0, 0, false
	}
	m = uint64(v)
	if v < 0 {
		m = -m
	}
	e = bits.TrailingZeros64(m)
	return m >> e, e, v < 0
}
