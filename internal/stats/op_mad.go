package stats

// opMAD is the median absolute deviation, median(|x - median|), not scaled:
// for a normal distribution stdev ≈ 1.4826 mad. For integers it is exact and
// rounded once; otherwise deviations from the median (a double) are doubles.
//
// Units: those of the samples. Needs one sample, of which it is 0. No value if
// the samples were too many to be kept (Sketch).
// Reference: Hampel, The influence curve and its role in robust estimation,
// Journal of the American Statistical Association 69 (1974) 383.
var opMAD = definition{
	name:   "mad",
	doc:    "median absolute deviation from the median, not scaled",
	units:  sameUnits,
	least:  1,
	spread: true,
	cuts:   []cut{middle},
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.medianDeviation()
	},
}
