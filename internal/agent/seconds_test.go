package agent

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

// The middle of a window is the double nearest to it: the text with the fewest
// digits that means it says where it is.
func TestSeconds(t *testing.T) {
	for ns, want := range map[int64]float64{
		0: 0, 5e5: 0.0005, -1450940918350000000: -1450940918.35, 1450940918350000000: 1450940918.35, 946684800500000000: 946684800.5, 1: 1e-9,
	} {
		if got := seconds(ns); got != want {
			t.Errorf("%d ns: %v, want %v", ns, got, want)
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 10000 {
		us := rng.Int64N(8e15) - 4e15
		if want, _ := big.NewRat(us, 1e6).Float64(); seconds(us*1e3) != want {
			t.Errorf("%d us: %v, want %v", us, seconds(us*1e3), want)
		}
	}
}
