package stats

// opSkewness is g1 = m3/m2^(3/2), where mk = Σ(x-mean)^k/n: the population
// form, without correction for bias, as scipy.stats.skew gives by default.
// It is computed exactly and rounded once. No value if all samples are equal
// or one is infinite.
//
// Units: unitless. Needs two different samples.
// Reference: Joanes and Gill, Comparing measures of sample skewness and
// kurtosis, The Statistician 47 (1998) 183.
var opSkewness = definition{
	name:   "skewness",
	doc:    "skewness g1 = m3 / m2^1.5 of the population, exact and rounded once",
	units:  noUnits,
	least:  1,
	spread: true,
	order:  3,
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.skewness()
	},
}
