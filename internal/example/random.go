package example

import "math"

// random is splitmix64: 8 bytes of state, so that each topic can have its own,
// and quick enough to be no part of a benchmark.
type random struct{ state uint64 }

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// uniform is in [-1, 1).
func (r *random) uniform() float64 { return float64(int64(r.next())>>11) / (1 << 52) }

// gaussian has mean 0 and standard deviation 1 (Box-Muller).
func (r *random) gaussian() float64 {
	u := float64(r.next()>>11+1) / (1 << 53) // in (0, 1]
	return math.Sqrt(-2*math.Log(u)) * math.Cos(math.Pi*r.uniform())
}
