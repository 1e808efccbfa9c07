package stats

import (
	"math"
	"math/big"
	"math/bits"
	"unsafe"
)

// PowerSums are the exact sums of the first to fourth powers of samples, from
// which the moments are computed exactly and rounded once. They can be added
// to and merged in any order with the same result. They are the slow but sure
// way to a window's moments, and the bounded state of one that is too large
// for its samples to be kept.
type PowerSums struct {
	order    int
	n        int64
	up, down int64    // samples that are +Inf and -Inf; they are not in sums
	least    int      // all samples are multiples of 2^least
	sums     [4]fixed // of x, x², x³, x⁴; of odd powers only those above 0
	negative [2]fixed // of |x| and |x|³ for x < 0

	r rational
	a [4]big.Int // sums in units of 2^(k·least)
	t [4]big.Int // scratch
}

// NewPowerSums makes sums of the powers up to order, 1 to 4.
func NewPowerSums(order int) *PowerSums {
	p := &PowerSums{order: order}
	for k := 1; k <= order; k++ {
		p.sums[k-1] = newFixed(k)
		if k&1 == 1 {
			p.negative[k/2] = newFixed(k)
		}
	}
	p.Reset()
	return p
}

// Reset makes p one of no samples.
func (p *PowerSums) Reset() {
	p.n, p.up, p.down, p.least = 0, 0, 0, math.MaxInt
	for i := range p.sums[:p.order] {
		p.sums[i].reset()
	}
	for i := range p.negative[:(p.order+1)/2] {
		p.negative[i].reset()
	}
}

// Add adds a sample, which must not be a NaN.
func (p *PowerSums) Add(x float64) {
	switch {
	case x > math.MaxFloat64:
		p.n++
		p.up++
	case x < -math.MaxFloat64:
		p.n++
		p.down++
	default:
		p.add(split(x))
	}
}

// AddInt adds an integer sample exactly.
func (p *PowerSums) AddInt(v int64) { p.add(splitInt(v)) }

func (p *PowerSums) add(m uint64, e int, negative bool) {
	p.n++
	if m == 0 {
		return
	}
	p.least = min(p.least, e)
	shift := uint(e - leastExponent)
	w := [4]uint64{m}
	odd := &p.sums[0]
	if negative {
		odd = &p.negative[0]
	}
	odd.add(&w, shift)
	for k := 2; k <= p.order; k++ {
		// w *= m
		var c uint64
		for i := range w {
			hi, lo := bits.Mul64(w[i], m)
			var carry uint64
			w[i], carry = bits.Add64(lo, c, 0)
			c = hi + carry
		}
		sum := &p.sums[k-1]
		if k == 3 && negative {
			sum = &p.negative[1]
		}
		sum.add(&w, uint(k)*shift)
	}
}

// size is the memory that p takes, in bytes.
func (p *PowerSums) size() int64 {
	n := int64(unsafe.Sizeof(*p))
	for _, f := range [...]*fixed{&p.sums[0], &p.sums[1], &p.sums[2], &p.sums[3], &p.negative[0], &p.negative[1]} {
		n += int64(cap(f.words)) * 8
	}
	return n
}

// Merge adds the samples of o, which must have the same order.
func (p *PowerSums) Merge(o *PowerSums) {
	p.n += o.n
	p.up += o.up
	p.down += o.down
	p.least = min(p.least, o.least)
	for i := range p.sums[:p.order] {
		p.sums[i].merge(&o.sums[i])
	}
	for i := range p.negative[:(p.order+1)/2] {
		p.negative[i].merge(&o.negative[i])
	}
}

// N is the number of samples.
func (p *PowerSums) N() int64 { return p.n }

// infinite is the sum of infinite samples, 0 if there are none.
func (p *PowerSums) infinite() float64 {
	switch {
	case p.up > 0 && p.down > 0:
		return NaN
	case p.up > 0:
		return math.Inf(1)
	case p.down > 0:
		return math.Inf(-1)
	}
	return 0
}

// integers sets p.a to the sums of powers up to order in units of 2^(k·least).
// It is false if there are no samples but zeros.
func (p *PowerSums) integers(order int) bool {
	if p.least == math.MaxInt {
		return false
	}
	for k := 1; k <= order; k++ {
		z := &p.a[k-1]
		p.sums[k-1].integer(z, k, p.least)
		if k&1 == 1 {
			p.negative[k/2].integer(&p.t[0], k, p.least)
			z.Sub(z, &p.t[0])
		}
	}
	return true
}

// Sum and Mean are as the operations of these names.
func (p *PowerSums) Sum() float64 { return p.sumOver(1) }

func (p *PowerSums) Mean() float64 { return p.sumOver(p.n) }

func (p *PowerSums) sumOver(n int64) float64 {
	if p.up+p.down > 0 {
		return p.infinite()
	}
	if !p.integers(1) {
		return 0
	}
	return p.r.ratio(&p.a[0], p.t[1].SetInt64(n), p.least)
}

// RMS is the root mean square.
func (p *PowerSums) RMS() float64 {
	if p.up+p.down > 0 {
		return math.Inf(1)
	}
	if !p.integers(2) {
		return 0
	}
	return p.r.root(&p.a[1], p.t[1].SetInt64(p.n), 2*p.least)
}

// divisor is what the sum of squared deviations Σ(x-mean)² is divided by.
type divisor uint8

const (
	sampleVariance     divisor = iota // n-1
	populationVariance                // n
	meanVariance                      // n(n-1), the variance of the mean
)

// factors are those of n times the divisor: of what n·Σ(x-mean)² is divided by.
func (d divisor) factors(n int64) (a, b, c int64) {
	switch d {
	case sampleVariance:
		return n, n - 1, 1
	case populationVariance:
		return n, n, 1
	default:
		return n, n, n - 1
	}
}

// variance and deviation (its root) have no value if a sample is infinite.
// At least two samples, one for populationVariance.
func (p *PowerSums) variance(d divisor) float64 {
	if p.up+p.down > 0 {
		return NaN
	}
	if !p.integers(2) {
		return 0
	}
	num, den := p.squares(), p.denominator(d)
	return p.r.ratio(num, den, 2*p.least)
}

func (p *PowerSums) deviation(d divisor) float64 {
	if p.up+p.down > 0 {
		return NaN
	}
	if !p.integers(2) {
		return 0
	}
	num, den := p.squares(), p.denominator(d)
	return p.r.root(num, den, 2*p.least)
}

// squares returns n·Σx² - (Σx)² = n·Σ(x-mean)² in p.t[0], in units of 2^(2·least).
func (p *PowerSums) squares() *big.Int {
	z, square := &p.t[0], &p.t[1]
	square.Mul(&p.a[0], &p.a[0])
	z.Mul(&p.a[1], p.t[2].SetInt64(p.n))
	return z.Sub(z, square)
}

// denominator returns the product of d.factors in p.t[1].
func (p *PowerSums) denominator(d divisor) *big.Int {
	x, y, z := d.factors(p.n)
	den := p.t[1].SetInt64(x)
	den.Mul(den, p.t[2].SetInt64(y))
	return den.Mul(den, p.t[2].SetInt64(z))
}

// Skewness is g1 = m3/m2^1.5. With the central moments as fractions,
// m2 = K2/n² and m3 = K3/n³ (in units of a power of two that cancels), it is
// K3/K2^1.5 = ±√(K3²/K2³).
func (p *PowerSums) Skewness() float64 {
	if p.up+p.down > 0 || !p.integers(3) {
		return NaN
	}
	n := p.t[3].SetInt64(p.n)
	s1, s2, s3 := &p.a[0], &p.a[1], &p.a[2]
	// K3 = n²Σx³ - 3nΣxΣx² + 2(Σx)³ = n(nΣx³ - 3ΣxΣx²) + 2(Σx)³
	k3, t := s3, &p.t[2] // s3 is not needed again
	k3.Mul(s3, n)
	t.Mul(s1, s2)
	k3.Sub(k3, p.t[0].Mul(t, p.t[1].SetInt64(3)))
	p.t[0].Mul(k3, n)
	t.Mul(s1, s1)
	p.t[1].Mul(t, s1)
	p.t[1].Lsh(&p.t[1], 1)
	k3.Add(&p.t[0], &p.t[1])
	negative := k3.Sign() < 0

	k2 := p.squares()
	if k2.Sign() == 0 {
		return NaN
	}
	p.t[1].Mul(k2, k2)
	p.t[2].Mul(&p.t[1], k2)
	p.t[1].Mul(k3, k3)
	g := p.r.root(&p.t[1], &p.t[2], 0)
	if negative {
		return -g
	}
	return g
}

// Kurtosis is g2 = m4/m2² - 3 = (K4 - 3·K2²)/K2², where m4 = K4/n⁴.
func (p *PowerSums) Kurtosis() float64 {
	if p.up+p.down > 0 || !p.integers(4) {
		return NaN
	}
	n := p.t[3].SetInt64(p.n)
	s1, s2, s3, s4 := &p.a[0], &p.a[1], &p.a[2], &p.a[3]
	// K4 = n³Σx⁴ - 4n²ΣxΣx³ + 6n(Σx)²Σx² - 3(Σx)⁴, by Horner in n.
	k4, t, u := &p.r.num, &p.t[0], &p.t[1]
	k4.Mul(s4, n)
	t.Mul(s1, s3)
	k4.Sub(k4, t.Lsh(t, 2))
	t.Mul(k4, n)
	u.Mul(s1, s1) // (Σx)²
	s3.Mul(u, s2) // Σx³ is not needed again
	k4.Mul(s3, p.t[2].SetInt64(6))
	t.Add(t, k4)
	k4.Mul(t, n)
	t.Mul(u, u)
	s4.Mul(t, p.t[2].SetInt64(3))
	s4.Sub(k4, s4)

	k2 := p.squares()
	if k2.Sign() == 0 {
		return NaN
	}
	square := s3.Mul(k2, k2)
	p.t[1].Mul(square, p.t[2].SetInt64(3))
	return p.r.ratio(s4.Sub(s4, &p.t[1]), square, 0)
}
