package pipeline

import (
	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// Output is what is written of a source topic: the records of one aggregated
// topic. A topic that has several, of windows of several sizes, is one Input
// that has a History and a Plan for each.
type Output struct {
	Source     string // topic
	Topic      string // aggregated
	Operations []stats.Operation
	Quantiles  stats.Method
}

// Output is what is written of a topic that falls to the aggregation.
func (s *Spec) Output(source string, c config.Choice) Output {
	return Output{Source: source, Topic: c.AggregatedTopic, Operations: s.operations, Quantiles: s.options.Quantiles}
}

// Subject is under which the versions of the aggregated schema are registered.
func (o Output) Subject() string { return o.Topic + "-value" }

// uses reports whether a version has what the configuration says now, whatever
// its fields.
func (o Output) uses(a *codec.Aggregated) bool {
	return a.Quantiles == o.Quantiles && a.Covers(nil, o.Operations)
}
