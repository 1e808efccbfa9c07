package codec

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/eventtime"
)

// someTime is what the fields of the tests hold.
var someTime = time.Date(2025, 12, 1, 4, 5, 6, 789e6, time.UTC)

func timesOf(paths ...string) Selection { return Selection{Time: TimeSelection{Fields: paths}} }

// A time is read from a value of each type, aggregated or not, between other fields.
func TestTimesOfTypes(t *testing.T) {
	const s = float64(1764561906.789)
	const long = int64(1764561906789)
	const way = int64(1764561943789) // the same in TAI
	ok := eventtime.Time(someTime.UnixNano())
	no := eventtime.No
	for _, c := range []struct {
		typ   string
		value any
		sel   TimeSelection
		want  eventtime.Time
	}{
		{`"double"`, s, TimeSelection{}, ok},
		{`"double"`, s * 1e3, TimeSelection{Unit: eventtime.Millisecond}, ok},
		{`"double"`, s + 37, TimeSelection{TAI: true}, ok},
		{`["null","double"]`, s, TimeSelection{}, ok},
		{`["double","null"]`, s, TimeSelection{}, ok},
		{`["null","double"]`, nil, TimeSelection{}, no(eventtime.Null)},
		{`"float"`, float32(1764561920), TimeSelection{}, 1764561920e9},
		{`"int"`, int32(1764561906), TimeSelection{}, 1764561906e9},
		{`"long"`, long, TimeSelection{Unit: eventtime.Millisecond}, ok},
		{`"long"`, way, TimeSelection{Unit: eventtime.Millisecond, TAI: true}, ok},
		{`"long"`, long * 1e3, TimeSelection{Unit: eventtime.Microsecond}, ok},
		{`"long"`, long * 1e6, TimeSelection{Unit: eventtime.Nanosecond}, ok},
		{`"long"`, int64(0), TimeSelection{Unit: eventtime.Nanosecond}, no(eventtime.Zero)},
		{`"long"`, int64(-1), TimeSelection{Unit: eventtime.Nanosecond}, no(eventtime.Past)},
		{`{"type":"long","logicalType":"timestamp-millis"}`, long, TimeSelection{}, ok},
		{`{"type":"long","logicalType":"timestamp-millis"}`, long, TimeSelection{Unit: eventtime.Second}, ok},
		{`{"type":"long","logicalType":"timestamp-micros"}`, long * 1e3, TimeSelection{}, ok},
		{`{"type":"long","logicalType":"timestamp-nanos"}`, long * 1e6, TimeSelection{}, ok},
		{`{"type":"long","logicalType":"local-timestamp-millis"}`, long, TimeSelection{}, ok},
		{`{"type":"long","logicalType":"local-timestamp-micros"}`, long * 1e3, TimeSelection{}, ok},
		{`{"type":"long","logicalType":"local-timestamp-nanos"}`, long * 1e6, TimeSelection{}, ok},
		{`["null",{"type":"long","logicalType":"timestamp-millis"}]`, long, TimeSelection{}, ok},
		{`["null",{"type":"long","logicalType":"timestamp-millis"},"string"]`, "2025-12-01T04:05:06.789Z", TimeSelection{}, ok},
		{`["null",{"type":"long","logicalType":"timestamp-millis"},"string"]`, "n/a", TimeSelection{}, no(eventtime.Unreadable)},
		{`["null","boolean","double"]`, true, TimeSelection{}, no(eventtime.Unreadable)},
		{`"string"`, "2025-12-01T05:05:06.789+01:00", TimeSelection{}, ok},
		{`"string"`, "2025-12-01 04:05:43.789", TimeSelection{TAI: true}, ok},
		{`"string"`, "", TimeSelection{}, no(eventtime.Null)},
		{`{"type":"bytes","logicalType":"decimal","precision":20,"scale":3}`, big.NewRat(long, 1000), TimeSelection{}, ok},
		{`{"type":"fixed","name":"F","size":9,"logicalType":"decimal","precision":20,"scale":3}`, big.NewRat(long, 1000), TimeSelection{}, ok},
	} {
		for _, exclude := range []string{"", "/time/", "/./"} {
			sel := Selection{Time: c.sel}
			also := eventtime.Form{Unit: eventtime.Millisecond, TAI: c.sel.TAI}.Int(70_000)
			sel.Time.Fields = []string{"n.time", "missing", "also"}
			if exclude != "" {
				p, err := ParsePattern(exclude)
				if err != nil {
					t.Fatal(err)
				}
				sel.Exclude = []Pattern{p}
			}
			text := record(`{"name":"a","type":"double"}`, `{"name":"text","type":"string"}`,
				`{"name":"n","type":["null",{"type":"record","name":"N","fields":[{"name":"b","type":"double"},{"name":"time","type":`+c.typ+`},{"name":"c","type":"double"}]}]}`,
				`{"name":"also","type":{"type":"long","logicalType":"timestamp-millis"}}`, `{"name":"d","type":"double"}`)
			s, a, d := build(t, text, sel)
			body := encode(t, s, map[string]any{"a": 1.0, "text": "x", "n": map[string]any{"b": 2.0, "time": c.value, "c": 3.0}, "also": int64(70_000), "d": 4.0})
			var row Row
			if err := d.Clone().Decode(body, &row); err != nil {
				t.Fatal(err)
			}
			if want := []eventtime.Time{c.want, no(eventtime.Missing), also}; !slices.Equal(row.Times, want) {
				t.Errorf("%s of %v, %+v, without %q: %v, want %v", c.typ, c.value, c.sel, exclude, row.Times, want)
			}
			for i, f := range a.Fields { // nothing else has changed
				if want := map[string]float64{"a": 1, "n_b": 2, "n_c": 3, "d": 4}[f.Name]; want != 0 && row.Scalars[i] != want {
					t.Errorf("%s: %s is %v", c.typ, f.Name, row.Scalars[i])
				}
			}
			body = encode(t, s, map[string]any{"a": 1.0, "text": "x", "n": nil, "also": int64(70_000), "d": 4.0})
			if err := d.Decode(body, &row); err != nil {
				t.Fatal(err)
			}
			if want := []eventtime.Time{no(eventtime.Null), no(eventtime.Missing), also}; !slices.Equal(row.Times, want) {
				t.Errorf("%s in a record that is null: %v, want %v", c.typ, row.Times, want)
			}
		}
	}
}

// Of a union of records each branch has its own field, or none.
func TestTimesInBranchesOfTheTop(t *testing.T) {
	text := `[{"type":"record","name":"A","fields":[{"name":"t","type":"double"},{"name":"x","type":"double"}]},
		{"type":"record","name":"B","fields":[{"name":"x","type":"double"},{"name":"t","type":"string"}]},
		{"type":"record","name":"C","fields":[{"name":"x","type":"double"}]}]`
	_, _, d := build(t, text, timesOf("t"))
	var row Row
	for body, want := range map[string]eventtime.Time{
		"\x00\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\x00": 1e9,
		"\x02\x00\x00\x00\x00\x00\x00\xf0\x3f\x282000-01-01T00:00:00Z":         946684800e9,
		"\x04\x00\x00\x00\x00\x00\x00\xf0\x3f":                                 eventtime.No(eventtime.Null),
	} {
		if err := d.Decode([]byte(body), &row); err != nil || !slices.Equal(row.Times, []eventtime.Time{want}) {
			t.Errorf("%q: %v, %v", body, row.Times, err)
		}
	}
}

// What plan shows of the fields.
func TestTimes(t *testing.T) {
	text := record(`{"name":"s","type":"double"}`, `{"name":"ms","type":["null",{"type":"long","logicalType":"timestamp-millis"}]}`,
		`{"name":"us","type":"long"}`, `{"name":"on","type":"boolean"}`, `{"name":"text","type":"string"}`, `{"name":"day","type":{"type":"int","logicalType":"date"}}`,
		`{"name":"n","type":{"type":"record","name":"N","fields":[{"name":"t","type":"int"}]}}`, `{"name":"a","type":{"type":"array","items":"double"}}`)
	s, err := ParseSchema(text)
	if err != nil {
		t.Fatal(err)
	}
	sel := timesOf("s", "ms", "us", "on", "text", "day", "n.t", "n", "a", "x", "n.x")
	var unit *UnitError
	if _, err := Times(s, sel); !errors.As(err, &unit) || unit.Path != "us" || !strings.Contains(err.Error(), "field us is long") || !strings.Contains(err.Error(), "event_time.unit") {
		t.Errorf("%v", err)
	}
	if _, err := NewDecoder(s, sel, &Aggregated{}); !errors.As(err, &unit) {
		t.Errorf("%v", err)
	}
	sel.Time.Unit = eventtime.Microsecond
	found, err := Times(s, sel)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range found {
		got = append(got, fmt.Sprintf("%s|%s|%s|%s", f.Path, f.Type, f.Unit, f.Reason))
	}
	want := []string{
		"s|double|us|", `ms|["null","long timestamp-millis"]|ms|`, "us|long|us|", "on|boolean||boolean cannot have the time of a record", "text|string||",
		"day|int date||int date cannot have the time of a record", "n.t|int|us|", "n|record N||record N cannot have the time of a record",
		"a|array<double>||array<double> cannot have the time of a record", "x|||the schema has no such field", "n.x|||the schema has no such field",
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLikelyTimes(t *testing.T) {
	text := record(`{"name":"temperature","type":"double"}`, `{"name":"written","type":{"type":"long","logicalType":"timestamp-millis"}}`, `{"name":"timestamp","type":"long"}`,
		`{"name":"private_sndStamp","type":"double"}`, `{"name":"time","type":{"type":"record","name":"T","fields":[{"name":"ts","type":"string"}]}}`, `{"name":"utc","type":"boolean"}`)
	s, err := ParseSchema(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := LikelyTimes(s); !slices.Equal(got, []string{"private_sndStamp", "timestamp", "time.ts", "written"}) {
		t.Errorf("%v", got)
	}
}

// FuzzTimes has the times of random records read, and compares them with what the
// library says of the fields. Bytes that are cut anywhere give an error, as without.
func FuzzTimes(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed, randomRecord(newRand(seed)).encode(newRand(seed+100), nil, 8))
	}
	f.Fuzz(func(t *testing.T, seed uint64, body []byte) {
		text := randomRecord(newRand(seed)).text()
		own, err := ParseSchema(text)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := project(own, Selection{Booleans: true})
		if err != nil {
			return
		}
		sel := Selection{Booleans: true, Time: TimeSelection{Unit: eventtime.Second}}
		plain.root.each(func(pl *place) { sel.Time.Fields = append(sel.Time.Fields, pl.path) })
		s, _, d := build(t, text, sel)
		_, _, without := build(t, text, Selection{Booleans: true})
		var row, bare Row
		err, want := d.Decode(body, &row), without.Decode(body, &bare)
		if fmt.Sprint(err) != fmt.Sprint(want) {
			t.Fatalf("%v, without times %v", err, want)
		}
		var v any
		if err != nil {
			return
		}
		if rest, err := s.Decode(body, &v); err != nil || len(rest) > 0 {
			return
		}
		if !sameRow(t, &row, &bare) {
			t.Fatal("with times another row is read than without")
		}
		found, err := Times(own, sel)
		if err != nil {
			t.Fatal(err)
		}
		for i, path := range sel.Time.Fields {
			if found[i].Reason != "" {
				if row.Times[i] != eventtime.No(eventtime.Missing) {
					t.Errorf("%s: %d, though %s", path, row.Times[i], found[i].Reason)
				}
				continue
			}
			if want, known := timeIn(v, strings.Split(path, ".")); known && row.Times[i] != want {
				t.Errorf("%s: %d, want %d", path, row.Times[i], want)
			}
		}
	})
}

// timeIn is the time of a field in a record that the library has read, counting s.
func timeIn(v any, path []string) (want eventtime.Time, known bool) {
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return 0, false
		}
		v = m[name]
	}
	form := eventtime.Form{Unit: eventtime.Second}
	switch x := v.(type) {
	case int32:
		return form.Int(int64(x)), true
	case float32:
		return form.Float(float64(x)), true
	case float64:
		return form.Float(x), true
	case string:
		return form.Text([]byte(x)), true
	}
	return 0, false
}

func BenchmarkTimes(b *testing.B) {
	var fields []string
	for i := range 11 {
		fields = append(fields, fmt.Sprintf(`{"name":"value%d","type":"double"}`, i))
	}
	for _, c := range []struct {
		name, typ string
		value     any
	}{
		{"double", `"double"`, 1764561906.789}, {"nullable", `["null","double"]`, 1764561906.789},
		{"millis", `{"type":"long","logicalType":"timestamp-millis"}`, int64(1764561906789)}, {"text", `"string"`, "2025-12-01T04:05:06.789Z"},
	} {
		text := record(append([]string{`{"name":"time","type":` + c.typ + `}`}, fields...)...)
		value := map[string]any{"time": c.value}
		for i := range 11 {
			value[fmt.Sprintf("value%d", i)] = float64(i)
		}
		for _, timed := range []string{"kafka", "field"} {
			var sel Selection
			if timed == "field" {
				sel = timesOf("time")
				sel.Time.TAI = true
			}
			var s *avro.Schema
			s, _, d := build(b, text, sel)
			body := encode(b, s, value)
			b.Run(c.name+"/time="+timed, func(b *testing.B) {
				var row Row
				for b.Loop() {
					if err := d.Decode(body, &row); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
