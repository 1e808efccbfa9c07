package stats

// opMin is the smallest sample.
//
// Units: those of the samples. Given from one sample on.
var opMin = definition{
	name:  "min",
	doc:   "smallest sample",
	units: sameUnits,
	least: 1,
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.smallest()
	},
}
