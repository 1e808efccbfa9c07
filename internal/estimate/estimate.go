// Package estimate answers what a load costs on a machine like this one: cores,
// memory, workers. It measures the computation for values of the load's shape, and a
// worker in a process of its own on an embedded broker, and reckons from both.
package estimate

import "math"

// Part is a class of topics and what its computation costs.
type Part struct {
	Class
	Units
}

// DecodeCores, CollectCores, StatisticsCores and EncodeCores are how many cores each
// step takes, for all topics of the class; Cores is their sum.
func (p Part) DecodeCores() float64 { return p.Records() * p.Decode.Seconds() }

// CollectCores: see DecodeCores.
func (p Part) CollectCores() float64 { return p.Records() * p.Collect.Seconds() }

// StatisticsCores: see DecodeCores.
func (p Part) StatisticsCores() float64 {
	return p.Windows() * (p.Compute - p.Encode).Seconds()
}

// EncodeCores: see DecodeCores.
func (p Part) EncodeCores() float64 { return p.Windows() * p.Encode.Seconds() }

// Cores: see DecodeCores.
func (p Part) Cores() float64 {
	return p.DecodeCores() + p.CollectCores() + p.StatisticsCores() + p.EncodeCores()
}

// state is the memory of open windows: 8 bytes a value, twice because columns
// grow by doubling and the last windows' memory is kept for the next.
func (p Part) state() float64 {
	w := p.Aggregation.Window
	return 2 * p.ValuesIn() * (w.Size + w.Grace).Seconds() * 8
}

// Estimate is the answer.
type Estimate struct {
	Parts []Part
	Busy  float64 // how much of a core a worker may use on average

	Ran    *Ran    // the worker that was measured; nil: there was none, and what follows is 0
	Factor float64 // records/s of the load for each of the trial
	Kafka  float64 // cores that talking to Kafka takes
	Memory float64 // bytes of all workers together
}

// take works out the cost of talking to Kafka from the run of a worker.
func (e *Estimate) take(trial []Class, r Ran) {
	e.Ran = &r
	var all, here, computed, state float64
	var topics, topicsHere float64
	for i, p := range e.Parts {
		t := Part{Class: trial[i], Units: p.Units}
		// The trial's records may have fewer values and its windows fewer samples.
		less := float64(t.Values) / float64(p.Values)
		computed += less * (t.DecodeCores() + t.CollectCores() + t.EncodeCores())
		computed += less * t.StatisticsCores() * min(1, float64(t.Samples())/float64(p.Samples()))
		all, here = all+p.Records(), here+t.Records()
		topics, topicsHere = topics+p.Topics, topicsHere+t.Topics
		state += t.state()
	}
	e.Factor = all / here
	e.Kafka = max(0, r.Cores-computed) * e.Factor
	// The program itself, what a topic takes, and open windows.
	rest := max(0, r.Memory-state-programMemory)
	e.Memory = programMemory + rest*topics/topicsHere
	for _, p := range e.Parts {
		e.Memory += p.state()
	}
}

// programMemory is about what a worker takes that has nothing to do.
const programMemory = 20 << 20

// Computing is how many cores the computation takes.
func (e *Estimate) Computing() float64 {
	sum := 0.0
	for _, p := range e.Parts {
		sum += p.Cores()
	}
	return sum
}

// Cores of all workers together.
func (e *Estimate) Cores() float64 { return e.Computing() + e.Kafka }

// Workers of one core each, as if topics could be shared out evenly.
func (e *Estimate) Workers() int {
	return max(1, int(math.Ceil(e.Cores()/e.Busy)))
}

// Hottest is the largest part of a core that one topic takes.
func (e *Estimate) Hottest() float64 {
	most, records := 0.0, 0.0
	for _, p := range e.Parts {
		records += p.Records()
	}
	for _, p := range e.Parts {
		most = max(most, p.Cores()/p.Topics+e.Kafka*p.Rate/records)
	}
	return most
}
