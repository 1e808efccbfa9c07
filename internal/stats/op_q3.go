package stats

// opQ3 is the upper quartile, the third of the three cut points of Python's
// statistics.quantiles(data, n=4). By the exclusive definition it may lie
// outside the samples if there are only two.
//
// Units: those of the samples. Needs two samples, as in Python.
// Reference: Hyndman and Fan, Sample Quantiles in Statistical Packages,
// The American Statistician 50 (1996) 361, definitions 6 and 7.
var opQ3 = definition{
	name:   "q3",
	doc:    "upper quartile, interpolated between the samples",
	units:  sameUnits,
	least:  2,
	spread: true,
	cuts:   []cut{upper},
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.quantile(upper)
	},
}

var upper = cut{i: 3, n: 4}
