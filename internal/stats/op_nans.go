package stats

// opNaNs is the number of values of the field in the window that were NaN
// (not a number). A NaN is not a sample.
//
// Units: unitless. Given from zero samples on.
var opNaNs = definition{
	name:    "nans",
	doc:     "number of NaN values",
	units:   noUnits,
	counter: true,
	compute: func(s *sampleSet, _ Operation) float64 {
		s.countMarks()
		return float64(s.nans)
	},
}
