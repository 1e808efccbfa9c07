package cli

import (
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"
)

// readable is a text as it is, and other bytes in hexadecimal; nil for none.
func readable(b []byte) any {
	switch {
	case b == nil:
		return nil
	case utf8.Valid(b):
		return string(b)
	}
	return "0x" + hex.EncodeToString(b)
}

// record is a decoded Kafka record.
type record struct {
	partition int32
	offset    int64
	time      time.Time
	event     time.Time // by that
	from      string    // field that the time of the record is from, or kafka; "": there is none to be looked for
	key       any
	headers   []object
	framing   string
	schema    string          // by which the record names it; empty: it names none
	schemaID  int             // 0: not known
	value     json.RawMessage // nil: a tombstone
	problem   string
}

// recordWriter writes records one by one, since there may be no last one.
type recordWriter struct {
	w      io.Writer
	format string
	n      int
	csv    *csv.Writer
}

func newRecordWriter(w io.Writer, format string) *recordWriter {
	return &recordWriter{w: w, format: format, csv: csv.NewWriter(w)}
}

func (w *recordWriter) write(topic string, r record) error {
	var value any = r.value
	if r.value == nil {
		value = nil
	}
	o := object{
		{"topic", topic}, {"partition", r.partition}, {"offset", r.offset}, {"timestamp", r.time}, {"key", r.key},
		{"headers", r.headers}, {"framing", r.framing}, {"schema", r.schema}, {"schema_id", r.schemaID}, {"value", value}, {"error", r.problem},
	}
	if r.problem == "" {
		o = o[:len(o)-1]
	}
	if r.from != "" {
		var event any = r.event
		if r.from == kafkaTime {
			event = r.time
		}
		o = append(o, member{"event_time", event}, member{"event_time_from", r.from})
	}
	w.n++
	var err error
	switch w.format {
	case "jsonl":
		_, err = w.w.Write(append(appendJSON(nil, o), '\n'))
	case "json":
		before := ",\n"
		if w.n == 1 {
			before = "[\n"
		}
		_, err = w.w.Write(appendJSON([]byte(before), o))
	case "csv":
		if w.n == 1 {
			err = w.csv.Write([]string{"topic", "partition", "offset", "timestamp", "key", "headers", "framing", "schema", "schema_id", "value", "error"})
		}
		key, _ := r.key.(string)
		err = errors.Join(err, w.csv.Write([]string{
			topic, strconv.Itoa(int(r.partition)), strconv.FormatInt(r.offset, 10), r.time.UTC().Format(time.RFC3339Nano), key,
			string(appendJSON(nil, r.headers)), r.framing, r.schema, strconv.Itoa(r.schemaID), string(appendJSON(nil, value)), r.problem,
		}))
		w.csv.Flush()
		err = errors.Join(err, w.csv.Error())
	default:
		_, err = io.WriteString(w.w, r.text())
	}
	return err
}

func (w *recordWriter) close() error {
	if w.format != "json" {
		return nil
	}
	end := "\n]\n"
	if w.n == 0 {
		end = "[]\n"
	}
	_, err := io.WriteString(w.w, end)
	return err
}

// text is a record for people: where and when, the headers, the schema, the value.
func (r record) text() string {
	s := fmt.Sprintf("%d/%d %s", r.partition, r.offset, r.time.UTC().Format("2006-01-02T15:04:05.000Z"))
	if r.from != "" && r.from != kafkaTime {
		s += fmt.Sprintf(" (%s %s)", r.from, r.event.UTC().Format(time.RFC3339Nano))
	}
	if key, ok := r.key.(string); ok {
		s += " " + key
	}
	for _, h := range r.headers {
		s += fmt.Sprintf(" %v=%v", h[0].value, h[1].value)
	}
	if r.schema != "" {
		s += " [" + r.framing + ", " + r.schema + "]"
	}
	switch {
	case r.problem != "":
		return s + "\n  error: " + r.problem + "\n  " + string(r.value) + "\n"
	case r.value == nil:
		return s + "\n  tombstone\n"
	}
	return s + "\n  " + string(r.value) + "\n"
}
