package stats

import "strings"

// opPercentile is p0.1 to p99.9. Whole percentiles are the cut points of
// Python's statistics.quantiles(data, n=100), those with a decimal of
// quantiles(data, n=1000).
//
// Units: those of the samples. Needs two samples, as in Python.
// Reference: Hyndman and Fan, Sample Quantiles in Statistical Packages,
// The American Statistician 50 (1996) 361, definitions 6 and 7.
var opPercentile = definition{
	name:   "percentile",
	doc:    "%sth percentile, interpolated between the samples",
	units:  sameUnits,
	least:  2,
	spread: true,
	compute: func(s *sampleSet, op Operation) float64 {
		return s.quantile(op.cut)
	},
}

// parsePercentile reads p0.1, p1, p99, p99.9. Only the shortest form of each
// is accepted, so that one percentile has one field name.
func parsePercentile(name string) (cut, bool) {
	digits, ok := strings.CutPrefix(name, "p")
	whole, tenth, fraction := strings.Cut(digits, ".")
	if !ok || len(whole) < 1 || len(whole) > 2 || (whole[0] == '0' && (whole != "0" || !fraction)) {
		return cut{}, false
	}
	i := 0
	for _, r := range whole {
		if r < '0' || r > '9' {
			return cut{}, false
		}
		i = 10*i + int(r-'0')
	}
	if !fraction {
		return cut{i: i, n: 100}, true
	}
	if len(tenth) != 1 || tenth[0] < '1' || tenth[0] > '9' {
		return cut{}, false
	}
	return cut{i: 10*i + int(tenth[0]-'0'), n: 1000}, true
}

func isPercentileLike(name string) bool {
	return len(name) > 1 && name[0] == 'p' && strings.Trim(name[1:], "0123456789.") == ""
}
