package stats

// opVariance is the sample variance, Σ(x-mean)²/(n-1), as an exact rational
// rounded once. No value if a sample is infinite.
//
// Units: the square of those of the samples. Needs two samples.
// Reference: statistics.variance of Python 3.11,
// https://docs.python.org/3.11/library/statistics.html#statistics.variance
var opVariance = definition{
	name:   "variance",
	doc:    "sample variance (divisor n-1), exact and rounded once",
	units:  squaredUnits,
	least:  2,
	spread: true,
	order:  2,
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.variance(sampleVariance)
	},
}
