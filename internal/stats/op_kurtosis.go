package stats

// opKurtosis is the excess kurtosis g2 = m4/m2² - 3, where mk = Σ(x-mean)^k/n:
// the population form, without correction for bias, 0 for a normal
// distribution, as scipy.stats.kurtosis gives by default. It is computed
// exactly and rounded once. No value if all samples are equal or one is
// infinite.
//
// Units: unitless. Needs two different samples.
// Reference: Joanes and Gill, Comparing measures of sample skewness and
// kurtosis, The Statistician 47 (1998) 183.
var opKurtosis = definition{
	name:   "kurtosis",
	doc:    "excess kurtosis g2 = m4 / m2^2 - 3 of the population, exact and rounded once",
	units:  noUnits,
	least:  1,
	spread: true,
	order:  4,
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.kurtosis()
	},
}
