package stats

// opFirst is the sample of the earliest event time; among equal times the first by
// source partition and offset.
//
// Units: those of the samples. Given from one sample on.
var opFirst = definition{
	name:  "first",
	doc:   "first sample by event time",
	units: sameUnits,
	least: 1,
	times: true,
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.first()
	},
}
