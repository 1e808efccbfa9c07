package stats

// opSlope is the slope of the straight line through the samples over event
// time by least squares, per second: Σ(t-t̄)(x-x̄)/Σ(t-t̄)², exact and rounded
// once. No value if all samples have the same time or one is infinite.
//
// Units: those of the samples per second. Needs two samples.
// Reference: statistics.linear_regression of Python 3.11 (which computes in
// floats), https://docs.python.org/3.11/library/statistics.html#statistics.linear_regression
var opSlope = definition{
	name:   "slope",
	doc:    "slope per second of the least-squares line over event time, exact and rounded once",
	units:  unitsPerSecond,
	least:  2,
	spread: true,
	times:  true,
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.slope()
	},
}
