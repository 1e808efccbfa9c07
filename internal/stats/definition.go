package stats

// definition is what an operation's own file declares. To add an operation,
// copy the file of one like it and name it in the list of table.go.
type definition struct {
	name string

	// doc is one sentence of definition; it stands in the schema of the
	// aggregated topic.
	doc string

	// units turns the units of the samples into those of the result.
	units func(source string) string

	// least is the fewest samples for which the statistic is defined.
	least int

	// spread marks what describes spread or shape: no value below
	// Options.MinSampleSize.
	spread bool

	// counter marks the counts: given from zero samples on, and never
	// replaced by the first value.
	counter bool

	// times is true if the statistic looks at event times.
	times bool

	// order is the highest power of the samples of which the sum is needed.
	order int

	// cuts are the quantiles that the statistic is made of; a percentile's
	// own cut is in its Operation.
	cuts []cut

	// compute is called with at least one sample (a counter: with any
	// number) and returns NaN for no value.
	compute func(s *sampleSet, op Operation) float64
}

// cut is the i-th of the n-1 cut points that divide the samples into n equal
// parts. The median is a cut of its own, since Python's median and the second
// of its quartiles may differ in the last bit.
type cut struct {
	i, n   int
	median bool
}

func sameUnits(source string) string { return source }

func squaredUnits(source string) string {
	if source == "" || source == unitless {
		return source
	}
	for _, r := range source {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return "(" + source + ")2"
		}
	}
	return source + "2"
}

func unitsPerSecond(source string) string {
	switch source {
	case "":
		return ""
	case unitless:
		return "1/s"
	}
	return source + "/s"
}

func noUnits(string) string { return unitless }

// unitless is the word of the Sasquatch convention for a number without units.
const unitless = "unitless"
