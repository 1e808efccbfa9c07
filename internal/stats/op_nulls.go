package stats

// opNulls is the number of records of the window in which the field was null.
// A record whose schema has no such field does not count.
//
// Units: unitless. Given from zero samples on.
var opNulls = definition{
	name:    "nulls",
	doc:     "number of null values",
	units:   noUnits,
	counter: true,
	compute: func(s *sampleSet, _ Operation) float64 {
		s.countMarks()
		return float64(s.nulls)
	},
}
