package stats

// opSamples is the number of samples of the field in the window: records in
// which it was neither null, nor absent, nor NaN. (The number of records of
// the window is the record's own count.)
//
// Units: unitless. Given from zero samples on.
var opSamples = definition{
	name:    "samples",
	doc:     "number of samples: values that are neither null nor NaN",
	units:   noUnits,
	counter: true,
	compute: func(s *sampleSet, _ Operation) float64 {
		return float64(s.n)
	},
}
