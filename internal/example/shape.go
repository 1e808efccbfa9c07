package example

import "math"

// shape is how a field's value moves in time. Values depend on the seed, the
// topic, the field and the records before; never on the clock.
type shape struct {
	units, doc string
	next       func(s *state, t float64, r *random) float64
}

// state is what a field remembers between two records.
type state struct {
	level float64 // of a walk, a step
	until float64 // s, when a step ends
	phase float64 // of a wave, in periods
	scale float64 // period of a wave in s, or the size of a change
}

// shapes are given to the fields in turn.
var shapes = [...]shape{
	{"m", "a sine wave of amplitude 1 with a little noise", sine},
	{"K", "Gaussian noise around 20 with a standard deviation of 0.5", noise},
	{"V", "a random walk", walk},
	{"Pa", "steps of random height and length", step},
	{"deg", "a sawtooth from 0 to 360", sawtooth},
	{"Hz", "a large constant with small noise: 1e6 plus or minus 1e-3", offset},
	{"A", "mostly zero, with rare spikes", spikes},
}

func shapeOf(field int) shape { return shapes[field%len(shapes)] }

func sine(s *state, t float64, r *random) float64 {
	return math.Sin(2*math.Pi*s.fraction(t)) + 0.01*r.uniform()
}

func noise(_ *state, _ float64, r *random) float64 { return 20 + 0.5*r.gaussian() }

func walk(s *state, _ float64, r *random) float64 {
	// The pull towards 0 keeps the walk within about ±50 for ever.
	s.level += r.uniform() - 2e-4*s.level
	return s.level
}

func step(s *state, t float64, r *random) float64 {
	if t >= s.until || t < s.until-10*s.scale {
		s.level = 101325 + 500*r.uniform()
		s.until = t + s.scale*(1+r.uniform())/2
	}
	return s.level
}

func sawtooth(s *state, t float64, _ *random) float64 {
	return 360 * s.fraction(t)
}

// fraction is how much of its period a wave has gone through at t, in [0, 1).
func (s *state) fraction(t float64) float64 {
	p := t/s.scale + s.phase
	return p - math.Floor(p)
}

func offset(_ *state, _ float64, r *random) float64 { return 1e6 + 1e-3*r.uniform() }

func spikes(_ *state, _ float64, r *random) float64 {
	if r.next()>>54 == 0 { // one in 1024
		return 100 * r.uniform()
	}
	return 0
}
