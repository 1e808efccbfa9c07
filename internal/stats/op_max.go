package stats

// opMax is the largest sample.
//
// Units: those of the samples. Given from one sample on.
var opMax = definition{
	name:  "max",
	doc:   "largest sample",
	units: sameUnits,
	least: 1,
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.largest()
	},
}
