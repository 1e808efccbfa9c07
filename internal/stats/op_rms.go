package stats

// opRMS is the root mean square, √(Σx²/n): the square root of the exact
// rational, rounded once. +Inf if a sample is infinite.
//
// Units: those of the samples. Given from one sample on.
var opRMS = definition{
	name:  "rms",
	doc:   "root mean square, exact and rounded once",
	units: sameUnits,
	least: 1,
	order: 2,
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.rms()
	},
}
