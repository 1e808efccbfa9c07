package cli

import (
	"fmt"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/estimate"
)

// benchText is the answer for people.
func benchText(e *estimate.Estimate, unknown int) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")) }
	row("TOPICS", "VALUES", "HZ", "WINDOW", "SAMPLES", "DECODE", "COLLECT", "STATISTICS", "ENCODE", "CORES")
	row("", "of a record", "", "", "of a window", "ns/value", "ns/value", "ns/value", "ns/result", "")
	var records, values, out float64
	for _, p := range e.Parts {
		each := func(d time.Duration, n float64) string { return figure(float64(d) / n) }
		n, results := float64(p.Values), float64(p.Values*len(p.Aggregation.Operations))
		row(figure(p.Topics), fmt.Sprint(p.Values), figure(p.Rate), p.Aggregation.Window.Size.String(), fmt.Sprint(p.Samples()),
			each(p.Decode, n), each(p.Collect, n), each(p.Compute-p.Encode, n*float64(p.Samples())), each(p.Encode, results), coreText(p.Cores()))
		records, values, out = records+p.Records(), values+p.ValuesIn(), out+p.Windows()
	}
	w.Flush()
	fmt.Fprintf(&b, "\nload      %s records/s and %s values/s in, %s records/s out\n", figure(records), figure(values), figure(out))
	fmt.Fprintf(&b, "computing %s of a core\n", coreText(e.Computing()))
	if e.Ran != nil {
		fmt.Fprintf(&b, "Kafka     %s of a core, %s µs a record: ", coreText(e.Kafka), figure(e.Kafka/records*1e6))
		fmt.Fprintf(&b, "a worker with %s of the load took %s of a core and %s over %v\n", percent(1/e.Factor), coreText(e.Ran.Cores), amount(e.Ran.Memory), e.Ran.Took.Round(time.Second))
		fmt.Fprintf(&b, "memory    about %s\n", amount(e.Memory))
	} else {
		fmt.Fprintf(&b, "Kafka     not measured (--duration 0s), and it is most of the cost of live topics\n")
	}
	if e.Ran != nil && e.Ran.Topics < e.Ran.All {
		fmt.Fprintf(&b, "partial   the worker had results of %d of %s when it was measured (--limit): Kafka and memory are at least this\n", e.Ran.Topics, count(e.Ran.All, "topic"))
	}
	if unknown > 0 {
		fmt.Fprintf(&b, "left out  %s whose rate is not known\n", count(unknown, "topic"))
	}
	if e.Ran != nil {
		benchAnswer(e, &b)
	}
	return b.String()
}

// benchAnswer is for the whole load.
func benchAnswer(e *estimate.Estimate, b *strings.Builder) {
	fmt.Fprintf(b, "answer    %s of a core like those of this machine (it has %d): %s of one core, each at most %s busy\n", coreText(e.Cores()), runtime.NumCPU(), count(e.Workers(), "worker"), percent(e.Busy))
	if h := e.Hottest(); h > e.Busy {
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

// benchObject is the answer for programs.
func benchObject(e *estimate.Estimate, unknown int) object {
	var classes []object
	var records, values, out float64
	for _, p := range e.Parts {
		classes = append(classes, object{
			{"topics", round(p.Topics)}, {"values", p.Values}, {"hz", round(p.Rate)}, {"window_seconds", p.Aggregation.Window.Size.Seconds()},
			{"samples", p.Samples()}, {"operations", p.Aggregation.Operations},
			{"decode_ns_per_record", p.Decode.Nanoseconds()}, {"collect_ns_per_record", p.Collect.Nanoseconds()},
			{"statistics_ns_per_window", (p.Compute - p.Encode).Nanoseconds()}, {"encode_ns_per_window", p.Encode.Nanoseconds()},
			{"cores", object{{"decode", round(p.DecodeCores())}, {"collect", round(p.CollectCores())}, {"statistics", round(p.StatisticsCores())}, {"encode", round(p.EncodeCores())}}},
		})
		records, values, out = records+p.Records(), values+p.ValuesIn(), out+p.Windows()
	}
	o := object{
		{"classes", classes}, {"records_per_second", round(records)}, {"values_per_second", round(values)}, {"records_out_per_second", round(out)},
		{"topics_without_rate", unknown},
	}
	if e.Ran == nil {
		return append(o, member{"trial", nil})
	}
	return append(o, member{"trial", object{
		{"share_of_load", round(1 / e.Factor)}, {"seconds", round(e.Ran.Took.Seconds())}, {"cores", round(e.Ran.Cores)}, {"memory_bytes", round(e.Ran.Memory)},
		{"topics", e.Ran.All}, {"topics_with_results", e.Ran.Topics},
	}}, member{"kafka_cores", round(e.Kafka)}, member{"memory_bytes", round(e.Memory)},
		member{"cores", round(e.Cores())}, member{"cores_of_hottest_topic", round(e.Hottest())}, member{"busy", e.Busy}, member{"workers", e.Workers()})
}
