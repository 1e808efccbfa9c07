package stats

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// exact computes statistics with math/big alone, from the definitions.
type exact struct {
	sorted []*big.Rat
}

func newExact(values []float64) *exact {
	x := &exact{}
	for _, v := range values {
		x.sorted = append(x.sorted, new(big.Rat).SetFloat64(v))
	}
	slices.SortFunc(x.sorted, (*big.Rat).Cmp)
	return x
}

func (x *exact) sum() *big.Rat {
	s := new(big.Rat)
	for _, v := range x.sorted {
		s.Add(s, v)
	}
	return s
}

func (x *exact) over(r *big.Rat, n int) *big.Rat {
	return new(big.Rat).Quo(r, big.NewRat(int64(n), 1))
}

// deviations is Σ(x - mean)², n times.
func (x *exact) deviations() *big.Rat {
	mean := x.over(x.sum(), len(x.sorted))
	s := new(big.Rat)
	for _, v := range x.sorted {
		d := new(big.Rat).Sub(v, mean)
		s.Add(s, d.Mul(d, d))
	}
	return s
}

func rounded(r *big.Rat) float64 {
	f, _ := r.Float64()
	return f
}

// isRoot says whether root is √square rounded to nearest, ties to even.
func isRoot(root float64, square *big.Rat) bool {
	if math.IsInf(root, 1) {
		return square.Cmp(new(big.Rat).SetFrac(new(big.Int).Lsh(big.NewInt(1), 2048), big.NewInt(1))) >= 0
	}
	// Square the bounds midway to the neighbours.
	half := func(other float64) *big.Rat {
		m := new(big.Rat).Add(new(big.Rat).SetFloat64(root), new(big.Rat).SetFloat64(other))
		m.Quo(m, big.NewRat(2, 1))
		return m.Mul(m, m)
	}
	if root > 0 && half(math.Nextafter(root, 0)).Cmp(square) > 0 {
		return false
	}
	up := math.Nextafter(root, math.Inf(1))
	return math.IsInf(up, 1) || half(up).Cmp(square) >= 0
}

// check compares the moments and quantiles of one window.
func (x *exact) check(t *testing.T, values []float64) {
	t.Helper()
	n := len(values)
	ops := parseOperations(t, "sum mean min max variance pvariance stdev pstdev stderr rms median q1 p99.9")
	got := make([]float64, len(ops))
	s := NewSummarizer(ops, Options{})
	s.Summarize(got, Real, []Segment{{Values: values}})
	again := make([]float64, len(ops))
	s.Summarize(again, Real, tallied(s, []Segment{{Values: values[:n/3]}, {Values: values[n/3:]}}))
	for i := range ops {
		if math.Float64bits(got[i]) != math.Float64bits(again[i]) {
			t.Errorf("%s = %v, of tallies %v; values %v", ops[i], got[i], again[i], values)
		}
	}
	at := func(i int) float64 { return rounded(x.sorted[i]) }
	ss := x.deviations()
	squares := new(big.Rat)
	for _, v := range x.sorted {
		squares.Add(squares, new(big.Rat).Mul(v, v))
	}
	root := func(i int, square *big.Rat) float64 {
		if !isRoot(got[i], square) {
			t.Errorf("%s = %v is not the root of %v; values %v", ops[i], got[i], square.FloatString(30), values)
		}
		return got[i]
	}
	want := []float64{
		rounded(x.sum()), rounded(x.over(x.sum(), n)), at(0), at(n - 1),
		NaN, rounded(x.over(ss, n)), NaN, root(7, x.over(ss, n)), NaN, root(9, x.over(squares, n)),
		at(n / 2), NaN, NaN,
	}
	if n%2 == 0 {
		want[10] = (at(n/2-1) + at(n/2)) / 2
	}
	if n > 1 {
		want[4] = rounded(x.over(ss, n-1))
		want[6] = root(6, x.over(ss, n-1))
		want[8] = root(8, x.over(ss, (n-1)*n))
		want[11] = x.cut(1, 4)
		want[12] = x.cut(999, 1000)
	}
	for i := range want {
		if math.IsNaN(want[i]) {
			want[i] = NaN // of infinite products
		}
		if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
			t.Errorf("%s = %v, want %v; values %v", ops[i], got[i], want[i], values)
		}
	}
}

// cut is an exclusive quantile, in doubles as Python interpolates.
func (x *exact) cut(i, n int) float64 {
	m := len(x.sorted) + 1
	j := min(max(i*m/n, 1), len(x.sorted)-1)
	delta := i*m - j*n
	a, b := rounded(x.sorted[j-1]), rounded(x.sorted[j])
	a *= float64(n - delta)
	b *= float64(delta)
	return float64(float64(a)+float64(b)) / float64(n)
}

func FuzzSummarize(f *testing.F) {
	add := func(values ...float64) {
		var b []byte
		for _, v := range values {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
		f.Add(b)
	}
	add(1e30, 1, -1e30)
	add(5e-324, 0, 0)
	add(1, math.Nextafter(1, 2))
	add(math.MaxFloat64, math.MaxFloat64, -math.MaxFloat64)
	add(1e9, 1e9+0x1p-20, 1e9-0x1p-20, 1e9)
	add(1e-160, 3e-160, 1e-170)
	add(0.1, 0.1, 0.1, 0.1)
	f.Fuzz(func(t *testing.T, b []byte) {
		var values []float64
		for ; len(b) >= 8 && len(values) < 200; b = b[8:] {
			v := math.Float64frombits(binary.LittleEndian.Uint64(b))
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				values = append(values, v+0)
			}
		}
		if len(values) > 0 {
			newExact(values).check(t, values)
		}
	})
}

// nasty are samples on which rounding errors show.
func nasty(r *rand.Rand, n int) []float64 {
	shape := r.IntN(9)
	offset := math.Ldexp(r.Float64(), r.IntN(60)-20)
	values := make([]float64, n)
	for i := range values {
		switch shape {
		case 0:
			values[i] = r.NormFloat64()
		case 1:
			values[i] = offset + math.Ldexp(r.NormFloat64(), -r.IntN(40))
		case 2: // within a factor of two
			values[i] = -1 - r.Float64()
		case 3: // many exponents
			values[i] = math.Ldexp(r.NormFloat64(), r.IntN(200)-100)
		case 4: // a few last bits
			values[i] = 1 + float64(r.IntN(5))*0x1p-52
		case 5: // cancels but for a little
			values[i] = offset
			if i%2 == 1 {
				values[i] = -offset
			}
			if i == 0 {
				values[i] += 0x1p-60
			}
		case 6: // one outlier
			values[i] = r.Float64()
			if i == n/2 {
				values[i] = 1e25
			}
		case 7: // at the ends of what the fast path takes
			values[i] = math.Ldexp(r.NormFloat64(), -301+r.IntN(4))
		case 8:
			values[i] = math.Ldexp(r.NormFloat64(), 398+r.IntN(4))
		}
	}
	return values
}

func TestAgainstBig(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	for i := range 3000 {
		n := 1 + r.IntN(12)
		if i%50 == 0 {
			n = 1 + r.IntN(1200) // more than one block
		}
		values := nasty(r, n)
		newExact(values).check(t, values)
		if t.Failed() {
			break
		}
	}
}

// The fast path is right if its error bounds are.
func TestBoundsHold(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	tested := 0
	for i := range 1500 {
		n := 2 + r.IntN(40)
		if i%20 == 0 {
			n = 2 + r.IntN(1500)
		}
		values := nasty(r, n)
		var s sums
		if lo, hi := slices.Min(values), slices.Max(values); !s.compute(values, lo, hi, true) || lo == hi {
			continue
		}
		tested++
		x := newExact(values)
		w := x.deviations()
		w.Mul(w, big.NewRat(int64(n), 1))
		within(t, "total", s.total(), x.sum())
		within(t, "mean", s.total().over(s.n), x.over(x.sum(), n))
		within(t, "squares", s.squares(), w)
		for d, n := range map[divisor]int{sampleVariance: n * (n - 1), populationVariance: n * n, meanVariance: n * n * (n - 1)} {
			if v, ok := s.meanSquare(d); ok {
				within(t, "mean square", v, x.over(w, n))
			}
		}
	}
	if tested < 500 {
		t.Errorf("only %d windows were of the fast path", tested)
	}
}

func within(t *testing.T, what string, v value, want *big.Rat) {
	t.Helper()
	d := new(big.Rat).SetFloat64(v.hi)
	d.Add(d, new(big.Rat).SetFloat64(v.lo))
	d.Sub(d, want)
	if d.Abs(d).Cmp(new(big.Rat).SetFloat64(v.err)) > 0 {
		t.Errorf("%s: %v ± %v is off by %v", what, v.hi, v.err, d.FloatString(400))
	}
}

// Ordinary samples must not end up in exact arithmetic, which is slow.
func TestFastPathIsTaken(t *testing.T) {
	ops := parseOperations(t, "min q1 mean median stdev q3 max sum variance rms stderr")
	s := NewSummarizer(ops, Options{MinSampleSize: 2})
	dst := make([]float64, len(ops))
	slow, all := 0, 0
	for _, data := range benchData {
		if data.name == "wide" {
			continue
		}
		for seed := range uint64(100) {
			r := rand.New(rand.NewPCG(seed, 5))
			values := make([]float64, 2+r.IntN(1500))
			for i := range values {
				values[i] = data.make(r, i)
			}
			s.Summarize(dst, Real, []Segment{{Values: values}})
			all++
			if s.set.moments.filled {
				slow++
				t.Logf("%s, n=%d", data.name, len(values))
			}
		}
	}
	if slow > all/200 {
		t.Errorf("%d of %d windows took the slow path", slow, all)
	}
}
