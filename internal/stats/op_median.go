package stats

// opMedian is the middle sample in ascending order, or half the sum of the
// two middle ones. It is the same for both definitions of quantiles.
//
// Units: those of the samples. Given from one sample on.
// Reference: statistics.median of Python 3.11,
// https://docs.python.org/3.11/library/statistics.html#statistics.median
var opMedian = definition{
	name:  "median",
	doc:   "median",
	units: sameUnits,
	least: 1,
	cuts:  []cut{middle},
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.quantile(middle)
	},
}

var middle = cut{median: true}
