package pipeline

import (
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// Output is what is written of a source topic: the records of one aggregated
// topic, of windows of one size. A topic that has several is one Input that has
// a History and a Plan for each.
type Output struct {
	Source        string // topic
	Topic         string // aggregated
	Size, Advance time.Duration
	EmitEmpty     bool // windows without records have one, too
	Operations    []stats.Operation
	Quantiles     stats.Method
}

// Outputs are what is written of a topic that falls to the aggregation.
func (s *Spec) Outputs(source string, c config.Choice) []Output {
	out := make([]Output, len(s.outputs))
	for i, o := range s.outputs {
		out[i] = Output{Source: source, Topic: c.AggregatedTopics[i], Size: o.Size, Advance: o.Advance, EmitEmpty: o.EmitEmpty, Operations: o.operations, Quantiles: o.options.Quantiles}
	}
	return out
}

// Windows says what windows they are, for people: 1s, or 1m every 10s.
func (o Output) Windows() string {
	if o.Advance == o.Size {
		return config.FormatDuration(o.Size)
	}
	return config.FormatDuration(o.Size) + " every " + config.FormatDuration(o.Advance)
}

// Overlap is in how many windows a record is.
func (o Output) Overlap() int { return int((o.Size + o.Advance - 1) / o.Advance) }

// Subject is under which the versions of the aggregated schema are registered.
func (o Output) Subject() string { return o.Topic + "-value" }

// uses reports whether a version has what the configuration says now, whatever
// its fields.
func (o Output) uses(a *codec.Aggregated) bool {
	return a.Quantiles == o.Quantiles && a.Covers(nil, o.Operations)
}
