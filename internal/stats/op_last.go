package stats

// opLast is the sample of the latest event time; among equal times the last by
// source partition and offset.
//
// Units: those of the samples. Given from one sample on.
var opLast = definition{
	name:  "last",
	doc:   "last sample by event time",
	units: sameUnits,
	least: 1,
	times: true,
	compute: func(s *sampleSet, _ Operation) float64 {
		return s.last()
	},
}
