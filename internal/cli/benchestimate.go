package cli

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// part is a class of topics and what its computation costs.
type part struct {
	loadClass
	units
}

func (p part) decodeCores() float64  { return p.records() * p.decode.Seconds() }
func (p part) collectCores() float64 { return p.records() * p.collect.Seconds() }
func (p part) statisticsCores() float64 {
	return p.windows() * (p.compute - p.encode).Seconds()
}
func (p part) encodeCores() float64 { return p.windows() * p.encode.Seconds() }
func (p part) cores() float64 {
	return p.decodeCores() + p.collectCores() + p.statisticsCores() + p.encodeCores()
}

// state is the memory of open windows: 8 bytes a value, twice because columns
// grow by doubling and the last windows' memory is kept for the next.
func (p part) state() float64 {
	w := p.aggregation.Window
	return 2 * p.valuesIn() * (w.Size + w.Grace).Seconds() * 8
}

// estimate is the answer.
type estimate struct {
	parts   []part
	unknown int // topics without a rate
	busy    float64

	measured bool
	ran      ran
	factor   float64 // records/s of the load for each of the trial
	kafka    float64 // cores; 0 if not measured
	memory   float64 // bytes, likewise
}

// take works out the cost of talking to Kafka from the run of a worker.
func (e *estimate) take(trial []loadClass, r ran) {
	e.measured, e.ran = true, r
	var all, here, computed, state float64
	var topics, topicsHere float64
	for i, p := range e.parts {
		t := part{loadClass: trial[i], units: p.units}
		// The trial's records may have fewer values and its windows fewer samples.
		less := float64(t.values) / float64(p.values)
		computed += less * (t.decodeCores() + t.collectCores() + t.encodeCores())
		computed += less * t.statisticsCores() * min(1, float64(t.samples())/float64(p.samples()))
		all, here = all+p.records(), here+t.records()
		topics, topicsHere = topics+p.topics, topicsHere+t.topics
		state += t.state()
	}
	e.factor = all / here
	e.kafka = max(0, r.cores-computed) * e.factor
	// The program itself, what a topic takes, and open windows.
	rest := max(0, r.memory-state-programMemory)
	e.memory = programMemory + rest*topics/topicsHere
	for _, p := range e.parts {
		e.memory += p.state()
	}
}

// programMemory is about what a worker takes that has nothing to do.
const programMemory = 20 << 20

// computing is how many cores the computation takes.
func (e *estimate) computing() float64 {
	sum := 0.0
	for _, p := range e.parts {
		sum += p.cores()
	}
	return sum
}

// cores of all workers together.
func (e *estimate) cores() float64 { return e.computing() + e.kafka }

// workers of one core each, as if topics could be shared out evenly.
func (e *estimate) workers() int {
	return max(1, int(math.Ceil(e.cores()/e.busy)))
}

// hottest is the largest part of a core that one topic takes.
func (e *estimate) hottest() float64 {
	most, records := 0.0, 0.0
	for _, p := range e.parts {
		records += p.records()
	}
	for _, p := range e.parts {
		most = max(most, p.cores()/p.topics+e.kafka*p.hz/records)
	}
	return most
}

func (e *estimate) text() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")) }
	row("TOPICS", "VALUES", "HZ", "WINDOW", "SAMPLES", "DECODE", "COLLECT", "STATISTICS", "ENCODE", "CORES")
	row("", "of a record", "", "", "of a window", "ns/value", "ns/value", "ns/value", "ns/result", "")
	var records, values, out float64
	for _, p := range e.parts {
		each := func(d time.Duration, n float64) string { return figure(float64(d) / n) }
		n, results := float64(p.values), float64(p.values*len(p.aggregation.Operations))
		row(figure(p.topics), fmt.Sprint(p.values), figure(p.hz), p.aggregation.Window.Size.String(), fmt.Sprint(p.samples()),
			each(p.decode, n), each(p.collect, n), each(p.compute-p.encode, n*float64(p.samples())), each(p.encode, results), coreText(p.cores()))
		records, values, out = records+p.records(), values+p.valuesIn(), out+p.windows()
	}
	w.Flush()
	fmt.Fprintf(&b, "\nload      %s records/s and %s values/s in, %s records/s out\n", figure(records), figure(values), figure(out))
	fmt.Fprintf(&b, "computing %s of a core\n", coreText(e.computing()))
	if e.measured {
		fmt.Fprintf(&b, "Kafka     %s of a core, %s µs a record: ", coreText(e.kafka), figure(e.kafka/records*1e6))
		fmt.Fprintf(&b, "a worker with %s of the load took %s of a core and %s over %v\n", percent(1/e.factor), coreText(e.ran.cores), amount(e.ran.memory), e.ran.took.Round(time.Second))
		fmt.Fprintf(&b, "memory    about %s\n", amount(e.memory))
	} else {
		fmt.Fprintf(&b, "Kafka     not measured (--duration 0s), and it is most of the cost of live topics\n")
	}
	if e.measured && e.ran.topics < e.ran.all {
		fmt.Fprintf(&b, "partial   the worker had results of %d of %s when it was measured (--limit): Kafka and memory are at least this\n", e.ran.topics, count(e.ran.all, "topic"))
	}
	if e.unknown > 0 {
		fmt.Fprintf(&b, "left out  %s whose rate is not known\n", count(e.unknown, "topic"))
	}
	if e.measured {
		e.answer(&b)
	}
	return b.String()
}

// answer is for the whole load.
func (e *estimate) answer(b *strings.Builder) {
	fmt.Fprintf(b, "answer    %s of a core like those of this machine (it has %d): %s of one core, each at most %s busy\n", coreText(e.cores()), runtime.NumCPU(), count(e.workers(), "worker"), percent(e.busy))
	if h := e.hottest(); h > e.busy {
		fmt.Fprintf(b, "warning   one topic alone takes %s of a core: its worker needs more than one, or the topic is split over several (max_workers_per_topic), which costs more in all\n", coreText(h))
	}
}

func coreText(cores float64) string {
	if cores > 0 && cores < 0.001 {
		return "less than 0.001"
	}
	return figure(cores)
}

func percent(f float64) string { return figure(100*f) + " %" }

func (e *estimate) object() object {
	var classes []object
	var records, values, out float64
	for _, p := range e.parts {
		classes = append(classes, object{
			{"topics", round(p.topics)}, {"values", p.values}, {"hz", round(p.hz)}, {"window_seconds", p.aggregation.Window.Size.Seconds()},
			{"samples", p.samples()}, {"operations", p.aggregation.Operations},
			{"decode_ns_per_record", p.decode.Nanoseconds()}, {"collect_ns_per_record", p.collect.Nanoseconds()},
			{"statistics_ns_per_window", (p.compute - p.encode).Nanoseconds()}, {"encode_ns_per_window", p.encode.Nanoseconds()},
			{"cores", object{{"decode", round(p.decodeCores())}, {"collect", round(p.collectCores())}, {"statistics", round(p.statisticsCores())}, {"encode", round(p.encodeCores())}}},
		})
		records, values, out = records+p.records(), values+p.valuesIn(), out+p.windows()
	}
	o := object{
		{"classes", classes}, {"records_per_second", round(records)}, {"values_per_second", round(values)}, {"records_out_per_second", round(out)},
		{"topics_without_rate", e.unknown},
	}
	if !e.measured {
		return append(o, member{"trial", nil})
	}
	return append(o, member{"trial", object{
		{"share_of_load", round(1 / e.factor)}, {"seconds", round(e.ran.took.Seconds())}, {"cores", round(e.ran.cores)}, {"memory_bytes", round(e.ran.memory)},
		{"topics", e.ran.all}, {"topics_with_results", e.ran.topics},
	}}, member{"kafka_cores", round(e.kafka)}, member{"memory_bytes", round(e.memory)},
		member{"cores", round(e.cores())}, member{"cores_of_hottest_topic", round(e.hottest())}, member{"busy", e.busy}, member{"workers", e.workers()})
}
