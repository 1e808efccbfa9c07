package estimate

import (
	"math"

	"github.com/lsst-sqre/kafka-aggregator/internal/example"
)

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
func cut(classes []Class) []Class {
	var topics, records, values float64
	for _, c := range classes {
		topics, records, values = topics+c.Topics, records+c.Records(), values+c.ValuesIn()
	}
	share := min(1, trialTopics/topics, trialRecords/records, trialValues/values)
	var out []Class
	for _, c := range classes {
		wanted := share * c.Records()
		c.Topics = min(max(1, math.Round(share*c.Topics)), trialTopics)
		c.Rate = min(c.Rate, max(slowest, wanted/c.Topics))
		c.Values = min(c.Values, example.MaxFields, max(1, trialResults/len(c.Aggregation.Operations)))
		out = append(out, c)
	}
	return out
}
