package stats

// opMean is the arithmetic mean: the exact sum divided by the number of
// samples, rounded once. Infinite samples: as for the sum.
//
// Units: those of the samples. Given from one sample on.
// Reference: statistics.mean of Python 3.11,
// https://docs.python.org/3.11/library/statistics.html#statistics.mean
var opMean = definition{
	name:  "mean",
	doc:   "arithmetic mean, exact and rounded once",
	units: sameUnits,
	least: 1,
	order: 1,
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.mean()
	},
}
