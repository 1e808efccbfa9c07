package stats

// opIQR is the interquartile range, q3 - q1. For integers it is exact and
// rounded once; otherwise it is the difference of the two quartiles as
// doubles.
//
// Units: those of the samples. Needs two samples.
var opIQR = definition{
	name:   "iqr",
	doc:    "interquartile range, q3 - q1",
	units:  sameUnits,
	least:  2,
	spread: true,
	cuts:   []cut{lower, upper},
	compute: func(s *sampleSet, _ Operation) float64 {
		if a, n, ok := s.integerQuantile(lower); ok {
			if b, _, ok := s.integerQuantile(upper); ok {
				return b.sub(a).over(n)
			}
		}
		return s.quantile(upper) - s.quantile(lower)
	},
}
