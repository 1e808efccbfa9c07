package stats

// opRange is the largest sample minus the smallest, rounded once.
//
// Units: those of the samples. Needs one sample, of which it is 0. No value
// if all samples are infinite and of one sign.
var opRange = definition{
	name:   "range",
	doc:    "largest minus smallest sample",
	units:  sameUnits,
	least:  1,
	spread: true,
	compute: func(s *sampleSet, _ Operation) float64 {
		if s.sketched {
			return s.sketchedRange()
		}
		if len(s.ints) > 0 {
			// The difference of two int64 fits an uint64.
			return float64(uint64(s.ints[len(s.ints)-1]) - uint64(s.ints[0]))
		}
		return s.hi - s.lo
	},
}
