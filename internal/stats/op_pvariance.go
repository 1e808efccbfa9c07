package stats

// opPvariance is the population variance, Σ(x-mean)²/n, as an exact rational
// rounded once. No value if a sample is infinite.
//
// Units: the square of those of the samples. Needs one sample, of which it is 0.
// Reference: statistics.pvariance of Python 3.11,
// https://docs.python.org/3.11/library/statistics.html#statistics.pvariance
var opPvariance = definition{
	name:   "pvariance",
	doc:    "population variance (divisor n), exact and rounded once",
	units:  squaredUnits,
	least:  1,
	spread: true,
	order:  2,
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.variance(populationVariance)
	},
}
