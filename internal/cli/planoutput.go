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
	"github.com/lsst-sqre/kafka-aggregator/internal/survey"
)

func (pl *plan) write(w io.Writer, format string) error {
	switch format {
	case "text":
		_, err := io.WriteString(w, pl.text())
		return err
	case "json":
		topics := make([]object, len(pl.Agents))
		for i, a := range pl.Agents {
			topics[i] = pl.object(a)
		}
		var rest []object
		for _, p := range pl.Passed {
			rest = append(rest, object{{"topic", p.Topic}, {"reason", p.Reason}})
		}
		var asides []object
		for _, a := range pl.Asides {
			asides = append(asides, object{{"topic", a.Topic}, {"purpose", a.Purpose}, {"exists", a.Exists}})
		}
		return writeJSON(w, object{{"topics", topics}, {"put_aside", asides}, {"not_taken", rest}, {"warnings", pl.warnings()}})
	case "jsonl":
		var out []byte
		for _, a := range pl.Agents {
			out = append(appendJSON(out, pl.object(a)), '\n')
		}
		_, err := w.Write(out)
		return err
	}
	t := &table{columns: []string{"source_topic", "fields", "left_out", "schema", "accepted", "records_in", "records_out", "bytes_out", "reduction", "memory", "warnings", "problem"}}
	for _, a := range pl.Agents {
		l, ok := pl.Loads[a]
		row := []any{a.Topic, len(a.Fields()), len(a.LeftOut()), a.Change(), verdict(a), nil, nil, nil, nil, nil, len(pl.Warnings[a]), a.Problem}
		if ok {
			for i, f := range []float64{l.In.PerSecond, l.Records, l.Records * float64(l.RecordSize), l.Reduction, l.State} {
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

func (pl *plan) object(a *survey.Agent) object {
	fields, left := make([]object, len(a.Fields())), make([]object, len(a.LeftOut()))
	for i, f := range a.Fields() {
		fields[i] = object{{"name", f.Name}, {"path", f.Path}, {"type", f.Type}}
	}
	for i, f := range a.LeftOut() {
		left[i] = object{{"path", f.Path}, {"type", f.Type}, {"reason", f.Reason}}
	}
	o := object{
		{"source_topic", a.Topic}, {"window_seconds", a.Output.Size.Seconds()}, {"advance_seconds", a.Output.Advance.Seconds()}, {"emit_empty", a.Output.EmitEmpty}, {"partitions", a.Partitions}, {"schema_id", a.SchemaID}, {"aggregation", a.Choice.Aggregation.Name},
		{"aggregated_topic", a.Output.Topic}, {"aggregated_topic_exists", a.Exists}, {"aggregated_schema_id", a.CurrentID()},
		{"problem", a.Problem}, {"note", note(a)}, {"event_time", timeObject(a)}, {"fields", fields}, {"left_out", left},
		{"schema", object{{"change", a.Change()}, {"accepted", verdict(a)}, {"reasons", a.Reasons}, {"bytes", a.Stored}, {"warning", a.Oversize}, {"instead", instead(a)}}},
	}
	if t := pl.Outputs[a]; t != nil {
		o = append(o, member{"aggregated_topic_settings", topicObject(t)}, member{"warnings", texts(pl.Warnings[a], warningText)})
	}
	if l, ok := pl.Loads[a]; ok {
		o = append(o, member{"load", object{
			{"records_in_per_second", known(l.In.PerSecond)}, {"measured", l.In.How}, {"records_out_per_second", known(l.Records)},
			{"record_bytes", l.RecordSize}, {"bytes_out_per_second", known(l.Records * float64(l.RecordSize))},
			{"reduction_factor", known(l.Reduction)}, {"memory_bytes", known(l.State)},
		}})
	}
	if text := a.Schema(); pl.schema && text != "" {
		o = append(o, member{"derived_schema", json.RawMessage(text)})
	}
	return o
}

// text is the plan for people.
func (pl *plan) text() string {
	var b strings.Builder
	for _, a := range pl.Agents {
		windows := ""
		if len(a.Choice.AggregatedTopics) > 1 || a.Output.Advance != a.Output.Size || a.Output.EmitEmpty {
			windows = "windows of " + a.Output.Windows() + ", "
		}
		if a.Output.EmitEmpty {
			windows += "empty ones too, "
		}
		fmt.Fprintf(&b, "%s (aggregation %s, %s%s, %s)\n", a.Topic, a.Choice.Aggregation.Name, windows, count(a.Partitions, "partition"), a.SourceSchema())
		line := func(name, format string, args ...any) {
			fmt.Fprintf(&b, "  %-10s %s\n", name, fmt.Sprintf(format, args...))
		}
		if a.Problem != "" {
			line("problem", "%s", a.Problem)
		}
		if len(a.Fields()) > 0 {
			names := make([]string, len(a.Fields()))
			for i, f := range a.Fields() {
				names[i] = f.Path
				if f.Array && strings.Contains(f.Type, "array<") { // else the arrays or maps that it is in stand in the path
					names[i] += "[]"
				}
				if f.Array && f.Pool {
					names[i] += " (pooled)"
				}
			}
			line("fields", "%d: %s", len(names), strings.Join(names, ", "))
		} else if a.Plan != nil {
			line("fields", "%s", note(a))
		}
		for i, f := range a.LeftOut() {
			name := ""
			if i == 0 {
				name = "left out"
			}
			line(name, "%s %s: %s", f.Path, f.Type, f.Reason)
		}
		if text := timeText(a); text != "" {
			line("time", "%s", text)
		}
		if a.Plan != nil {
			line("topic", "%s%s", pl.topicText(a.Output.Topic, a.Exists, a.Choice.Aggregation.Partitions), keeps(pl.Outputs[a]))
			line("schema", "%s", schemaText(a))
			if a.Oversize != "" {
				line("warning", "%s", a.Oversize)
			}
			if l, ok := pl.Loads[a]; ok {
				loadText(l, line, a.Output.Advance)
			}
			for _, w := range pl.Warnings[a] {
				line("warning", "%s", warningText(w))
			}
		}
		if text := a.Schema(); pl.schema && text != "" {
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

func loadText(l survey.Load, line func(name, format string, args ...any), advance time.Duration) {
	size := fmt.Sprintf("%d bytes each", l.RecordSize)
	if !l.Sampled {
		size += " and the elements of arrays"
	}
	if math.IsNaN(l.In.PerSecond) {
		line("input", "rate not known")
		line("output", "at most %s records/s, %s", figure(1/advance.Seconds()), size)
		return
	}
	line("input", "%s records/s, %s", figure(l.In.PerSecond), l.In.How)
	line("output", "%s records/s, %s/s, %s", figure(l.Records), amount(l.Records*float64(l.RecordSize)), size)
	if !math.IsNaN(l.Reduction) {
		line("reduction", "%s", figure(l.Reduction))
	}
	line("memory", "%s for open windows", amount(l.State))
	line("restart", "reads up to %s again, about %s", count(int(math.Ceil(l.In.PerSecond*l.Again.Seconds())), "record"), config.FormatDuration(l.Again))
}

func (pl *plan) summary(b *strings.Builder) {
	reasons := make(map[string]int)
	var order []string
	for _, p := range pl.Passed {
		if reasons[p.Reason]++; reasons[p.Reason] == 1 {
			order = append(order, p.Reason)
		}
	}
	for _, reason := range order {
		var names []string
		for _, p := range pl.Passed {
			if p.Reason == reason {
				names = append(names, p.Topic)
			}
		}
		const most = 8
		more := ""
		if n := len(names); n > most {
			names, more = names[:most], fmt.Sprintf(" and %d more", n-most)
		}
		fmt.Fprintf(b, "not taken, %s: %s%s\n", reason, strings.Join(names, ", "), more)
	}
	for _, a := range pl.Asides {
		fmt.Fprintf(b, "%s: %s\n", a.Purpose, pl.topicText(a.Topic, a.Exists, 1))
	}
	for _, text := range pl.created() {
		fmt.Fprintln(b, text)
	}
	for _, text := range pl.warnings() {
		fmt.Fprintf(b, "warning: %s\n", text)
	}
	in, out, state, unknown := 0.0, 0.0, 0.0, 0
	for _, a := range pl.Agents {
		l, ok := pl.Loads[a]
		switch {
		case !ok:
		case math.IsNaN(l.In.PerSecond):
			if a.First() {
				unknown++
			}
		case a.First():
			in, state = in+l.In.PerSecond, state+l.State
			fallthrough
		default:
			out += l.Records
		}
	}
	fmt.Fprintf(b, "%s: %s records/s in, %s records/s out, %s of memory for open windows", count(pl.Sources(), "topic"), figure(in), figure(out), amount(state))
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
