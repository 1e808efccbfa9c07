package stats

// opSum is the exact sum, rounded once to a double: Python's math.fsum, or
// sum of integers. A sum beyond the largest double is infinite (math.fsum
// raises an error). Infinite samples: their sum, no value if of both signs.
//
// Units: those of the samples. Given from one sample on.
// Reference: https://docs.python.org/3.11/library/math.html#math.fsum
var opSum = definition{
	name:  "sum",
	doc:   "exact sum, rounded once",
	units: sameUnits,
	least: 1,
	order: 1,
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.sum()
	},
}
