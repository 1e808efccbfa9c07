package stats

// opQ1 is the lower quartile, the first of the three cut points of Python's
// statistics.quantiles(data, n=4). By the exclusive definition it may lie
// outside the samples if there are only two.
//
// Units: those of the samples. Needs two samples, as in Python.
// Reference: Hyndman and Fan, Sample Quantiles in Statistical Packages,
// The American Statistician 50 (1996) 361, definitions 6 and 7.
var opQ1 = definition{
	name:   "q1",
	doc:    "lower quartile, interpolated between the samples",
	units:  sameUnits,
	least:  2,
	spread: true,
	cuts:   []cut{lower},
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.quantile(lower)
	},
}

var lower = cut{i: 1, n: 4}
