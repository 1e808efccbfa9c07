package stats

// opPstdev is the population standard deviation, √(Σ(x-mean)²/n): the square
// root of the exact rational, rounded once. No value if a sample is infinite.
//
// Units: those of the samples. Needs one sample, of which it is 0.
// Reference: statistics.pstdev of Python 3.11,
// https://docs.python.org/3.11/library/statistics.html#statistics.pstdev
var opPstdev = definition{
	name:   "pstdev",
	doc:    "population standard deviation (divisor n), exact and rounded once",
	units:  sameUnits,
	least:  1,
	spread: true,
	order:  2,
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.deviation(populationVariance)
	},
}
