package stats

// opStderr is the standard error of the mean, stdev/√n: the square root of
// the exact rational Σ(x-mean)²/(n(n-1)), rounded once. It is a measure of
// the mean's error only if the samples are independent.
//
// Units: those of the samples. Needs two samples.
// Reference: Bevington and Robinson, Data Reduction and Error Analysis for
// the Physical Sciences, 3rd edition, section 4.1.
var opStderr = definition{
	name:   "stderr",
	doc:    "standard error of the mean, stdev / sqrt(n), exact and rounded once",
	units:  sameUnits,
	least:  2,
	spread: true,
	order:  2,
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.deviation(meanVariance)
	},
}
