package stats

// opStdev is the sample standard deviation, √(Σ(x-mean)²/(n-1)): the square
// root of the exact rational, rounded once. No value if a sample is infinite.
//
// Units: those of the samples. Needs two samples.
// Reference: statistics.stdev of Python 3.11,
// https://docs.python.org/3.11/library/statistics.html#statistics.stdev
var opStdev = definition{
	name:   "stdev",
	doc:    "sample standard deviation (divisor n-1), exact and rounded once",
	units:  sameUnits,
	least:  2,
	spread: true,
	order:  2,
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.deviation(sampleVariance)
	},
}
