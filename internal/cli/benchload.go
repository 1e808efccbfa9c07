package cli

import (
	"cmp"
	"math"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/example"
)

// ofFirstWindows is the aggregation with the first of its windows only: those are
// measured.
func ofFirstWindows(a *config.Aggregation) *config.Aggregation {
	only, first := *a, a.Outputs()[0]
	only.Window.Size, only.Operations, only.MinSampleSize, only.Windows = first.Size, first.Operations, first.MinSampleSize, nil
	return &only
}

// loadClass is a number of topics with like loads.
type loadClass struct {
	topics      float64 // not whole where a part of a load stands for all of it
	values      int     // of a record
	hz          float64 // records/s of each topic
	aggregation *config.Aggregation
}

// records and valuesIn are per second, of all topics of the class.
func (c loadClass) records() float64  { return c.topics * c.hz }
func (c loadClass) valuesIn() float64 { return c.records() * float64(c.values) }

// windows is how many windows of all its topics become final in a second.
func (c loadClass) windows() float64 {
	return c.topics * min(c.hz, 1/c.aggregation.Window.Size.Seconds())
}

// samples is how many records a window has.
func (c loadClass) samples() int {
	return max(1, int(math.Round(c.hz*c.aggregation.Window.Size.Seconds())))
}

// gather puts topics together whose rates are within a factor of 4 and whose
// records are within a factor of 2 in size. Records/s stay what they were.
func gather(classes []loadClass) []loadClass {
	type key struct {
		aggregation  *config.Aggregation
		values, rate int
	}
	sums := map[key]*loadClass{}
	total := map[key]float64{} // values/s
	var order []key
	for _, c := range classes {
		k := key{c.aggregation, int(math.Log2(float64(c.values))), int(math.Floor(math.Log2(c.hz) / 2))}
		s := sums[k]
		if s == nil {
			s = &loadClass{aggregation: c.aggregation}
			sums[k], order = s, append(order, k)
		}
		total[k] += c.valuesIn()
		s.hz += c.records() // for now
		s.topics += c.topics
	}
	var out []loadClass
	for _, k := range order {
		s := sums[k]
		s.values = int(math.Ceil(total[k] / s.hz))
		s.hz /= s.topics
		out = append(out, *s)
	}
	slices.SortStableFunc(out, func(a, b loadClass) int { return -cmp.Compare(a.valuesIn(), b.valuesIn()) })
	return out
}

// What the broker inside this process can take besides the worker.
const (
	trialTopics  = 100
	trialRecords = 10_000    // per second
	trialValues  = 1_000_000 // per second
	trialResults = 3_000     // of a window: its schema has less than a megabyte
)

// slowest is the rate, in records/s, to which no class is slowed down that is
// faster: a trial of topics that have a record a minute would take minutes. They
// are a small part of any load.
const slowest = 1

// cut is as much of the load as can be run here: all classes, with fewer
// topics each, and with lower rates where one topic is too much already.
func cut(classes []loadClass) []loadClass {
	var topics, records, values float64
	for _, c := range classes {
		topics, records, values = topics+c.topics, records+c.records(), values+c.valuesIn()
	}
	share := min(1, trialTopics/topics, trialRecords/records, trialValues/values)
	var out []loadClass
	for _, c := range classes {
		wanted := share * c.records()
		c.topics = min(max(1, math.Round(share*c.topics)), trialTopics)
		c.hz = min(c.hz, max(slowest, wanted/c.topics))
		c.values = min(c.values, example.MaxFields, max(1, trialResults/len(c.aggregation.Operations)))
		out = append(out, c)
	}
	return out
}
