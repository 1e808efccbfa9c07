package cli

import (
	"math"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
)

// load is what aggregating a topic costs.
type load struct {
	in         rate
	records    float64       // aggregated records/s; NaN: not known
	recordSize int           // bytes of an aggregated record; arrays count as in the sample
	sampled    bool          // the lengths of arrays are known, or there are none
	reduction  float64       // values read for each value written; NaN: not known, or there are none
	state      float64       // bytes of memory for open windows, of all sizes
	again      time.Duration // of data that is read again after a restart, to rebuild them
}

// load works out what a topic costs, from the rate of its input and the
// lengths of its arrays, by slot; nil: they are not known.
func (a *agent) load(in rate, lengths []int) load {
	sampled := lengths != nil || !a.hasArrays()
	l := load{in: in, records: math.NaN(), reduction: math.NaN(), state: math.NaN(), sampled: sampled}
	if in.how == "" {
		l.in.perSecond = math.NaN()
	}
	fields, n := a.used.Schema.Fields, len(a.used.Schema.Operations)
	results := codec.Results{Scalars: make([]float64, len(fields)*n), Arrays: make([][]float64, len(fields)*n)}
	values := 0 // of one record
	for i, f := range fields {
		length := 1
		if f.Array {
			length = 0
			if sampled {
				length = lengths[i]
			}
			if !f.Pool {
				for op := range n {
					results.Arrays[i*n+op] = make([]float64, length)
				}
			}
		}
		values += length
	}
	open := a.choice.Aggregation.Longest() + a.choice.Aggregation.Window.Grace
	l.again = open
	now := time.Now()
	head := codec.Head{Time: 1, Start: now.UnixMilli(), End: now.UnixMilli(), Size: 1, Count: 100}
	l.recordSize = len(a.used.Encoder().Append(nil, head, &results))
	if math.IsNaN(l.in.perSecond) {
		return l
	}
	l.records = min(1/a.output.Advance.Seconds(), l.in.perSecond*float64(a.output.Overlap()))
	if len(fields) > 0 {
		l.reduction = l.in.perSecond / l.records / float64(n)
	}
	sample := 8.0
	if g, err := a.choice.Aggregation.Grid(); err == nil && g.Shared() {
		sample = 12 // with its part in a tally
	}
	l.state = l.in.perSecond * open.Seconds() * sample * float64(values)
	return l
}
