package stats

import (
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"testing"
)

func randomBig(r *rand.Rand, bits int) *big.Int {
	z := new(big.Int)
	for range 1 + bits/64 {
		z.Lsh(z, 64)
		z.Add(z, new(big.Int).SetUint64(r.Uint64()))
	}
	return z.Rsh(z, uint(r.IntN(64)))
}

// ratio against the correctly rounded Rat.Float64, also where it is subnormal
// or overflows, and at ties.
func TestRatio(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	var rat rational
	for i := range 20_000 {
		num, den := randomBig(r, r.IntN(300)), randomBig(r, r.IntN(200))
		den.Add(den, big.NewInt(1))
		e := r.IntN(200) - 100
		switch i % 4 {
		case 1: // about the smallest doubles
			e = -1074 - num.BitLen() + den.BitLen() + r.IntN(60) - 3
		case 2:
			e = 1024 - num.BitLen() + den.BitLen() + r.IntN(4) - 2
		case 3: // ties
			num.SetUint64(r.Uint64()>>10 | 1)
			den.SetUint64(1)
			e = r.IntN(60) - 1074 - 30
		}
		if r.IntN(2) == 0 {
			num.Neg(num)
		}
		exact := new(big.Rat).SetFrac(num, den)
		two := new(big.Rat).SetFrac(new(big.Int).Lsh(big.NewInt(1), uint(max(e, 0))), new(big.Int).Lsh(big.NewInt(1), uint(max(-e, 0))))
		want := rounded(exact.Mul(exact, two))
		if got := rat.ratio(num, den, e); got != want {
			t.Fatalf("%v/%v·2^%d = %v, want %v", num, den, e, got, want)
		}
	}
}

func TestRoot128(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 7))
	check := func(hi, lo uint64) {
		x := new(big.Int).SetUint64(hi)
		x.Lsh(x, 64)
		x.Add(x, new(big.Int).SetUint64(lo))
		if want := x.Sqrt(x).Uint64(); root128(hi, lo) != want {
			t.Fatalf("%x %x: %x, want %x", hi, lo, root128(hi, lo), want)
		}
	}
	check(math.MaxUint64, math.MaxUint64)
	check(math.MaxUint64, 0)
	check(1<<60, 0)
	for range 10_000 {
		check(r.Uint64()|1<<60, r.Uint64())
		s := r.Uint64() | 1<<63 // at squares
		hi, lo := bits.Mul64(s, s)
		check(hi, lo)
		lo, borrow := bits.Sub64(lo, 1, 0)
		check(hi-borrow, lo)
	}
}

func TestInt128Over(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 8))
	for range 10_000 {
		a, b := int64(r.Uint64())>>r.IntN(64), int64(r.Uint64())>>r.IntN(64)
		n := 1 + r.IntN(1000)
		x := mul128(a, int64(n)).sub(mul128(b, 7)).add(mul128(a, b>>50))
		exact := new(big.Int).Mul(big.NewInt(a), big.NewInt(int64(n)))
		exact.Sub(exact, new(big.Int).Mul(big.NewInt(b), big.NewInt(7)))
		exact.Add(exact, new(big.Int).Mul(big.NewInt(a), big.NewInt(b>>50)))
		want := rounded(new(big.Rat).SetFrac(exact, big.NewInt(int64(n))))
		if got := x.over(n); got != want {
			t.Fatalf("%v/%d = %v, want %v", exact, n, got, want)
		}
	}
}
