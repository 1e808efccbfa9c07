package survey

import (
	"math"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
)

// Load is what aggregating a topic costs. Rates are per second.
type Load struct {
	In         cluster.Rate
	Records    float64       // aggregated records/s; NaN: not known
	RecordSize int           // bytes of an aggregated record; arrays count as in the sample
	Sampled    bool          // the lengths of arrays are known, or there are none
	Reduction  float64       // values read for each value written; NaN: not known, or there are none
	State      float64       // bytes of memory for open windows, of all sizes
	Again      time.Duration // of data that is read again after a restart, to rebuild them
}

// Load works out what a topic costs, from the rate of its input and the
// lengths of its arrays, by slot; nil: they are not known.
func (a *Agent) Load(in cluster.Rate, lengths []int) Load {
	sampled := lengths != nil || !a.hasArrays()
	l := Load{In: in, Records: math.NaN(), Reduction: math.NaN(), State: math.NaN(), Sampled: sampled}
	if in.How == "" {
		l.In.PerSecond = math.NaN()
	}
	fields, n := a.Used.Schema.Fields, len(a.Used.Schema.Operations)
	results := codec.Results{Scalars: make([]float64, len(fields)*n), Arrays: make([][]float64, len(fields)*n)}
	for i, f := range fields {
		if f.Array && !f.Pool {
			for op := range n {
				results.Arrays[i*n+op] = make([]float64, a.values(i, lengths))
			}
		}
	}
	open := a.Choice.Aggregation.Longest() + a.Choice.Aggregation.Window.Grace
	l.Again = open
	now := time.Now()
	head := codec.Head{Time: 1, Start: now.UnixMilli(), End: now.UnixMilli(), Size: 1, Count: 100}
	l.RecordSize = len(a.Used.Encoder().Append(nil, head, &results))
	if math.IsNaN(l.In.PerSecond) {
		return l
	}
	l.Records = 1 / a.Output.Advance.Seconds()
	if !a.Output.EmitEmpty || l.In.PerSecond == 0 {
		l.Records = min(l.Records, l.In.PerSecond*float64(a.Output.Overlap()))
	}
	if len(fields) > 0 {
		l.Reduction = l.In.PerSecond / l.Records / float64(n)
	}
	sample := 8.0
	if g, err := a.Choice.Aggregation.Grid(); err == nil && g.Shared() {
		sample = 12 // with its part in a tally
	}
	l.State = l.In.PerSecond * open.Seconds() * sample * float64(a.Values(lengths))
	return l
}

// Values is how many values a record has, from the lengths of its arrays by slot;
// nil: they are not known, and not counted.
func (a *Agent) Values(lengths []int) (n int) {
	for i := range a.Used.Schema.Fields {
		n += a.values(i, lengths)
	}
	return n
}

func (a *Agent) values(slot int, lengths []int) int {
	switch {
	case !a.Used.Schema.Fields[slot].Array:
		return 1
	case lengths == nil:
		return 0
	}
	return lengths[slot]
}
