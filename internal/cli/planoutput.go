package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

func (pl *plan) write(w io.Writer, format string) error {
	switch format {
	case "text":
		_, err := io.WriteString(w, pl.text())
		return err
	case "json":
		topics := make([]object, len(pl.agents))
		for i, a := range pl.agents {
			topics[i] = pl.object(a)
		}
		var rest []object
		for _, p := range pl.passed {
			rest = append(rest, object{{"topic", p.topic}, {"reason", p.reason}})
		}
		var asides []object
		for _, a := range pl.asides {
			asides = append(asides, object{{"topic", a.topic}, {"purpose", a.purpose}, {"exists", a.exists}})
		}
		return writeJSON(w, object{{"topics", topics}, {"put_aside", asides}, {"not_taken", rest}, {"warnings", pl.clashes(pl.there)}})
	case "jsonl":
		var out []byte
		for _, a := range pl.agents {
			out = append(appendJSON(out, pl.object(a)), '\n')
		}
		_, err := w.Write(out)
		return err
	}
	t := &table{columns: []string{"source_topic", "fields", "left_out", "schema", "accepted", "records_in", "records_out", "bytes_out", "reduction", "memory", "warnings", "problem"}}
	for _, a := range pl.agents {
		l, ok := pl.loads[a]
		row := []any{a.topic, len(a.fields()), len(a.leftOut()), a.change(), a.verdict(), nil, nil, nil, nil, nil, len(pl.warned[a]), a.problem}
		if ok {
			for i, f := range []float64{l.in.PerSecond, l.records, l.records * float64(l.recordSize), l.reduction, l.state} {
				if !math.IsNaN(f) {
					row[5+i] = round(f)
				}
			}
		}
		t.rows = append(t.rows, row)
	}
	return t.write(w, format)
}

// round leaves three significant digits, which is more than a measured rate has.
func round(f float64) float64 {
	if f == 0 || math.IsNaN(f) || math.IsInf(f, 0) {
		return f
	}
	scale := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(f))))
	return math.Round(f*scale) / scale
}

// figure is a number for people, with three significant digits and no exponent.
func figure(f float64) string { return strconv.FormatFloat(round(f), 'f', -1, 64) }

// known is a number for JSON, null if it is not known.
func known(f float64) any {
	if math.IsNaN(f) {
		return nil
	}
	return round(f)
}

func (pl *plan) object(a *agent) object {
	fields, left := make([]object, len(a.fields())), make([]object, len(a.leftOut()))
	for i, f := range a.fields() {
		fields[i] = object{{"name", f.Name}, {"path", f.Path}, {"type", f.Type}}
	}
	for i, f := range a.leftOut() {
		left[i] = object{{"path", f.Path}, {"type", f.Type}, {"reason", f.Reason}}
	}
	o := object{
		{"source_topic", a.topic}, {"window_seconds", a.output.Size.Seconds()}, {"advance_seconds", a.output.Advance.Seconds()}, {"partitions", a.partitions}, {"schema_id", a.schemaID}, {"aggregation", a.choice.Aggregation.Name},
		{"aggregated_topic", a.output.Topic}, {"aggregated_topic_exists", a.exists}, {"aggregated_schema_id", a.currentID()},
		{"problem", a.problem}, {"note", a.note()}, {"fields", fields}, {"left_out", left},
		{"schema", object{{"change", a.change()}, {"accepted", a.verdict()}, {"reasons", a.reasons}, {"bytes", a.stored}, {"warning", a.oversize}, {"instead", a.instead()}}},
	}
	if t := pl.outputs[a]; t != nil {
		o = append(o, member{"aggregated_topic_settings", t.object()}, member{"warnings", pl.warned[a]})
	}
	if l, ok := pl.loads[a]; ok {
		o = append(o, member{"load", object{
			{"records_in_per_second", known(l.in.PerSecond)}, {"measured", l.in.How}, {"records_out_per_second", known(l.records)},
			{"record_bytes", l.recordSize}, {"bytes_out_per_second", known(l.records * float64(l.recordSize))},
			{"reduction_factor", known(l.reduction)}, {"memory_bytes", known(l.state)},
		}})
	}
	if text := a.schemaShown(); pl.schema && text != "" {
		o = append(o, member{"derived_schema", json.RawMessage(text)})
	}
	return o
}

// text is the plan for people.
func (pl *plan) text() string {
	var b strings.Builder
	for _, a := range pl.agents {
		windows := ""
		if len(a.choice.AggregatedTopics) > 1 || a.output.Advance != a.output.Size {
			windows = "windows of " + a.output.Windows() + ", "
		}
		fmt.Fprintf(&b, "%s (aggregation %s, %s%s, schema %d)\n", a.topic, a.choice.Aggregation.Name, windows, count(a.partitions, "partition"), a.schemaID)
		line := func(name, format string, args ...any) {
			fmt.Fprintf(&b, "  %-10s %s\n", name, fmt.Sprintf(format, args...))
		}
		if a.problem != "" {
			line("problem", "%s", a.problem)
		}
		if len(a.fields()) > 0 {
			names := make([]string, len(a.fields()))
			for i, f := range a.fields() {
				if names[i] = f.Path; f.Array && f.Pool {
					names[i] += "[] (pooled)"
				} else if f.Array {
					names[i] += "[]"
				}
			}
			line("fields", "%d: %s", len(names), strings.Join(names, ", "))
		} else if a.plan != nil {
			line("fields", "%s", a.note())
		}
		for i, f := range a.leftOut() {
			name := ""
			if i == 0 {
				name = "left out"
			}
			line(name, "%s %s: %s", f.Path, f.Type, f.Reason)
		}
		if a.plan != nil {
			line("topic", "%s%s", pl.topicText(a.output.Topic, a.exists, a.choice.Aggregation.Partitions), pl.outputs[a].keeps())
			line("schema", "%s", a.schemaText())
			if a.oversize != "" {
				line("warning", "%s", a.oversize)
			}
			if l, ok := pl.loads[a]; ok {
				l.text(line, a.output.Advance)
			}
			for _, w := range pl.warned[a] {
				line("warning", "%s", w)
			}
		}
		if text := a.schemaShown(); pl.schema && text != "" {
			if indented, err := indent(text); err == nil {
				text = indented
			}
			b.WriteString(text + "\n")
		}
		b.WriteByte('\n')
	}
	pl.summary(&b)
	return b.String()
}

func (l load) text(line func(name, format string, args ...any), advance time.Duration) {
	size := fmt.Sprintf("%d bytes each", l.recordSize)
	if !l.sampled {
		size += " and the elements of arrays"
	}
	if math.IsNaN(l.in.PerSecond) {
		line("input", "rate not known")
		line("output", "at most %s records/s, %s", figure(1/advance.Seconds()), size)
		return
	}
	line("input", "%s records/s, %s", figure(l.in.PerSecond), l.in.How)
	line("output", "%s records/s, %s/s, %s", figure(l.records), amount(l.records*float64(l.recordSize)), size)
	if !math.IsNaN(l.reduction) {
		line("reduction", "%s", figure(l.reduction))
	}
	line("memory", "%s for open windows", amount(l.state))
	line("restart", "reads up to %s again, about %s", count(int(math.Ceil(l.in.PerSecond*l.again.Seconds())), "record"), config.FormatDuration(l.again))
}

func (pl *plan) summary(b *strings.Builder) {
	reasons := make(map[string]int)
	var order []string
	for _, p := range pl.passed {
		if reasons[p.reason]++; reasons[p.reason] == 1 {
			order = append(order, p.reason)
		}
	}
	for _, reason := range order {
		var names []string
		for _, p := range pl.passed {
			if p.reason == reason {
				names = append(names, p.topic)
			}
		}
		const most = 8
		more := ""
		if n := len(names); n > most {
			names, more = names[:most], fmt.Sprintf(" and %d more", n-most)
		}
		fmt.Fprintf(b, "not taken, %s: %s%s\n", reason, strings.Join(names, ", "), more)
	}
	for _, a := range pl.asides {
		fmt.Fprintf(b, "%s: %s\n", a.purpose, pl.topicText(a.topic, a.exists, 1))
	}
	for _, text := range pl.created() {
		fmt.Fprintln(b, text)
	}
	for _, text := range pl.clashes(pl.there) {
		fmt.Fprintf(b, "warning: %s\n", text)
	}
	in, out, state, unknown := 0.0, 0.0, 0.0, 0
	for _, a := range pl.agents {
		l, ok := pl.loads[a]
		switch {
		case !ok:
		case math.IsNaN(l.in.PerSecond):
			if a.first() {
				unknown++
			}
		case a.first():
			in, state = in+l.in.PerSecond, state+l.state
			fallthrough
		default:
			out += l.records
		}
	}
	fmt.Fprintf(b, "%s: %s records/s in, %s records/s out, %s of memory for open windows", count(pl.sources(), "topic"), figure(in), figure(out), amount(state))
	if unknown > 0 {
		fmt.Fprintf(b, "; rate of %d not known", unknown)
	}
	b.WriteByte('\n')
}

func indent(text string) (string, error) {
	var b strings.Builder
	err := writeJSON(&b, json.RawMessage(text))
	return strings.TrimSuffix(b.String(), "\n"), err
}

// amount is a number of bytes for people.
func amount(bytes float64) string {
	for _, unit := range []string{"B", "KiB", "MiB", "GiB"} {
		if bytes < 1024 {
			return figure(bytes) + " " + unit
		}
		bytes /= 1024
	}
	return figure(bytes) + " TiB"
}
