package stats

import "math"

// value is an exact number known as hi + lo ± err.
type value struct{ hi, lo, err float64 }

// settle rounds v if that is possible without doubt.
func (v value) settle() (float64, bool) {
	const u = 0x1p-53
	err := 1.01 * (v.err + 3*u*math.Abs(v.lo)) // lo ± err below is rounded itself
	a := v.hi + (v.lo - err)
	b := v.hi + (v.lo + err)
	return a, a == b
}

// over is v/d. d is exact, 1 <= d < 2^53.
//
// q = hi/d has the remainder hi - q·d, which is a double as long as it does
// not underflow; sums and settled results are large enough for that.
func (v value) over(d float64) value {
	const u = 0x1p-53
	q := v.hi / d
	r := math.FMA(-q, d, v.hi)
	lo := (r + v.lo) / d
	// Two roundings, of r + lo and the division.
	return value{q, lo, 1.01*v.err/d + 3*u*math.Abs(lo)}
}

// tiny is a bound below which a result is left to exact arithmetic, lest a
// remainder underflow.
const tiny = 0x1p-800

// total is Σx = n·base + n·centre + Σd.
func (s *sums) total() value {
	const u = 0x1p-53
	t := value{s.hi1, s.lo1, s.err1}
	for _, c := range [...]float64{s.centre, s.base[0], s.base[1]} {
		if c == 0 {
			continue
		}
		p := float64(s.n * c)
		f := math.FMA(s.n, c, -p) // n·c = p + f exactly
		hi, e := twoSum(p, t.hi)
		e += f
		lo := t.lo + e
		t = value{hi, lo, t.err + 1.01*u*(math.Abs(e)+math.Abs(lo))}
	}
	return t
}

func (s *sums) sum() (float64, bool) {
	t := s.total()
	if t.hi == 0 && t.lo == 0 && t.err == 0 {
		return 0, true
	}
	if math.Abs(t.hi) < tiny {
		return 0, false
	}
	return t.settle()
}

func (s *sums) mean() (float64, bool) {
	t := s.total()
	if t.hi == 0 && t.lo == 0 && t.err == 0 {
		return 0, true
	}
	if math.Abs(t.hi) < tiny {
		return 0, false
	}
	return t.over(s.n).settle()
}

// squares is W = n·Σd² - (Σd)² = n·Σ(x - mean)².
//
// With P = n·hi2 and R = hi1², both as a double and the exact error of it:
// W = (P - R) + (low parts). |lo1| <= u|hi1| and |lo2| <= u·hi2, so the low
// parts are below 4uP (R <= P by Cauchy and Schwarz, but for rounding), and
// the ten or so roundings among them are off by less than 40u²P altogether.
// Errors of the sums count n·err2 + 2|Σd|·err1 + err1².
func (s *sums) squares() value {
	p := float64(s.n * s.hi2)
	pe := math.FMA(s.n, s.hi2, -p) + float64(s.n*s.lo2)
	r := float64(s.hi1 * s.hi1)
	re := math.FMA(s.hi1, s.hi1, -r) + float64(s.lo1*(2*s.hi1+s.lo1))
	hi, e := twoSum(p, -r)
	lo := e + (pe - re)
	err := s.n*s.err2 + 2.01*math.Abs(s.hi1)*s.err1 + s.err1*s.err1 + 0x1p-100*p
	return value{hi, lo, 1.01 * err}
}

func (s *sums) meanSquare(d divisor) (value, bool) {
	a, b, c := d.factors(int64(s.n))
	w := s.squares()
	// a·b < 2^53 since n < 2^26. The other factor of meanVariance is divided
	// by on its own.
	v := w.over(float64(a * b))
	if c > 1 {
		hi, lo := twoSum(v.hi, v.lo)
		v = value{hi, lo, v.err}.over(float64(c))
	}
	return v, v.hi > tiny
}

func (s *sums) variance(d divisor) (float64, bool) {
	v, ok := s.meanSquare(d)
	if !ok {
		return 0, false
	}
	return v.settle()
}

func (s *sums) deviation(d divisor) (float64, bool) {
	v, ok := s.meanSquare(d)
	if !ok {
		return 0, false
	}
	return v.root()
}

// rms is the root of Σx²/n, where
//
//	Σx² = Σd² + centre·(2Σd + n·centre) = Σd² + centre·(Σd + Σx).
//
// With a centre all samples are between half of it and twice it, so all terms
// are below 8·Σx². Their low parts are below 8u of that, and the ten or so
// roundings among these together below 2^9u²·Σx².
func (s *sums) rms() (float64, bool) {
	v := value{s.hi2, s.lo2, s.err2}
	if c := s.centre; c != 0 {
		t := s.total()
		y, e := twoSum(s.hi1, t.hi)
		ye := e + (s.lo1 + t.lo)
		p := float64(c * y)
		pe := math.FMA(c, y, -p) + float64(c*ye)
		hi, e := twoSum(s.hi2, p)
		v = value{hi, e + (s.lo2 + pe), s.err2 + 1.01*math.Abs(c)*(s.err1+t.err) + 0x1p-96*hi}
	}
	v = v.over(s.n)
	if !(v.hi > tiny) {
		return 0, false
	}
	return v.root()
}

// root is √(q + z) for v = q + z, where q = hi > tiny and z = lo ± err. With s = √q rounded
// and r = q - s² (a double, like any remainder of a square root),
//
//	√(q + z) = s·√(1 + (r+z)/s²) = s + (r+z)/(2s) - s·((r+z)/s²)²/8 + …
//
// of which the third and all further terms together are below
// s·((r+z)/s²)²/7 as long as |r+z| < s²/2^10.
func (v value) root() (float64, bool) {
	const u = 0x1p-53
	root := math.Sqrt(v.hi)
	r := math.FMA(-root, root, v.hi)
	lo := (r + v.lo) / (2 * root)
	small := (math.Abs(r) + math.Abs(v.lo) + v.err) / v.hi
	if !(small < 0x1p-10) {
		return 0, false
	}
	err := v.err/(1.9*root) + 3*u*math.Abs(lo) + 0.15*root*small*small
	return value{root, lo, err}.settle()
}
