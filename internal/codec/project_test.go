package codec

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// TestProjectTypes is the table of what becomes of each Avro type.
func TestProjectTypes(t *testing.T) {
	tests := []struct {
		name, typ string
		kind      string // real, integer, or "" for left out
		array     bool
		shown     string
		reason    string // part of it
	}{
		{"int", `"int"`, "integer", false, "int", ""},
		{"long", `"long"`, "integer", false, "long", ""},
		{"float", `"float"`, "real", false, "float", ""},
		{"double", `"double"`, "real", false, "double", ""},
		{"nullable", `["null","float"]`, "real", false, `["null","float"]`, ""},
		{"null last", `["double","null"]`, "real", false, `["double","null"]`, ""},
		{"integers", `["null","int","long"]`, "integer", false, `["null","int","long"]`, ""},
		{"mixed", `["int","double"]`, "real", false, `["int","double"]`, ""},
		{"single branch", `["int"]`, "integer", false, `["int"]`, ""},
		{"decimal", `{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`, "real", false, "decimal", ""},
		{"fixed decimal", `{"type":"fixed","name":"F","size":4,"logicalType":"decimal","precision":9}`, "real", false, "decimal", ""},
		{"unknown logical", `{"type":"double","logicalType":"temperature"}`, "real", false, "double", ""},
		{"misplaced logical", `{"type":"double","logicalType":"date"}`, "real", false, "double", ""},
		{"array", `{"type":"array","items":"float"}`, "real", true, "array<float>", ""},
		{"nullable array", `["null",{"type":"array","items":"int"}]`, "integer", true, `["null","array<int>"]`, ""},
		{"array of nullable", `{"type":"array","items":["null","long"]}`, "integer", true, `array<["null","long"]>`, ""},

		{"boolean", `"boolean"`, "", false, "boolean", "booleans count only when asked for"},
		{"null", `"null"`, "", false, "null", "no values"},
		{"union of null", `["null"]`, "", false, `["null"]`, "no values"},
		{"string", `"string"`, "", false, "string", "not numeric"},
		{"nullable string", `["null","string"]`, "", false, `["null","string"]`, "string is not numeric"},
		{"bytes", `"bytes"`, "", false, "bytes", "not numeric"},
		{"fixed", `{"type":"fixed","name":"F","size":4}`, "", false, "fixed F", "not numeric"},
		{"enum", `{"type":"enum","name":"E","symbols":["A"]}`, "", false, "enum E", "enums count only when asked for"},
		{"map", `{"type":"map","values":"double"}`, "", false, "map<double>", "maps"},
		{"date", `{"type":"int","logicalType":"date"}`, "", false, "int date", "point in time"},
		{"time", `{"type":"int","logicalType":"time-millis"}`, "", false, "int time-millis", "point in time"},
		{"time µs", `{"type":"long","logicalType":"time-micros"}`, "", false, "long time-micros", "point in time"},
		{"timestamp", `{"type":"long","logicalType":"timestamp-nanos"}`, "", false, "long timestamp-nanos", "point in time"},
		{"nullable timestamp", `["null",{"type":"long","logicalType":"timestamp-millis"}]`, "", false, `["null","long timestamp-millis"]`, "point in time"},
		{"local timestamp", `{"type":"long","logicalType":"local-timestamp-millis"}`, "", false, "long local-timestamp-millis", "point in time"},
		{"timestamps", `{"type":"array","items":{"type":"long","logicalType":"timestamp-millis"}}`, "", false, "array<long timestamp-millis>", "point in time"},
		{"duration", `{"type":"fixed","name":"F","size":12,"logicalType":"duration"}`, "", false, "fixed duration", "duration is not a number"},
		{"uuid", `{"type":"string","logicalType":"uuid"}`, "", false, "string uuid", "uuid is not a number"},
		{"strings", `{"type":"array","items":"string"}`, "", false, "array<string>", "string is not numeric"},
		{"matrix", `{"type":"array","items":{"type":"array","items":"int"}}`, "integer", true, "array<int>", ""},
		{"records", `{"type":"array","items":{"type":"record","name":"I","fields":[{"name":"x","type":"float"}]}}`, "real", true, "float", ""},
		{"records without numbers", `{"type":"array","items":{"type":"record","name":"I","fields":[{"name":"x","type":"string"}]}}`, "", false, "string", "not numeric"},
		{"matrix of texts", `{"type":"array","items":{"type":"array","items":"string"}}`, "", false, "array<string>", "array elements: string is not numeric"},
		{"maps", `{"type":"array","items":{"type":"map","values":"int"}}`, "", false, "map<int>", "maps count only when asked for"},
		{"recursive", `["null","R"]`, "", false, `["null","record R"]`, "recursive"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fields, left, err := Project(parse(t, record(`{"name":"x","type":`+test.typ+`}`)), Selection{})
			if err != nil {
				t.Fatal(err)
			}
			if test.kind == "" {
				if len(fields) != 0 || len(left) != 1 || !strings.Contains(left[0].Reason, test.reason) {
					t.Fatalf("fields %v, left out %v", fields, left)
				}
				if test.shown != "" && left[0].Type != test.shown {
					t.Errorf("type %s, want %s", left[0].Type, test.shown)
				}
				return
			}
			if len(fields) != 1 {
				t.Fatalf("fields %v, left out %v", fields, left)
			}
			f := fields[0]
			if (f.Kind == stats.Integer) != (test.kind == "integer") || f.Array != test.array || f.Type != test.shown {
				t.Errorf("got %+v", f)
			}
		})
	}
}

func names(fields []Field) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.Name)
	}
	return out
}

func projectText(t *testing.T, text string, sel Selection) ([]Field, []LeftOut) {
	t.Helper()
	fields, left, err := Project(parse(t, text), sel)
	if err != nil {
		t.Fatal(err)
	}
	return fields, left
}

func TestNamesNeverCollide(t *testing.T) {
	fields, _ := projectText(t, record(
		`{"name":"a","type":{"type":"record","name":"A","fields":[{"name":"b","type":"int"},{"name":"b_2","type":"int"}]}}`,
		`{"name":"a_b","type":"int"}`,
		`{"name":"A_b","type":"int"}`,
		`{"name":"mean_a_b","type":"int"}`,
		`{"name":"count","type":"int"}`,
		`{"name":"_9","type":"int"}`,
	), Selection{})
	want := []string{"a_b_2", "a_b_2_2", "a_b", "A_b", "mean_a_b", "count", "_9"}
	if got := names(fields); !reflect.DeepEqual(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
	all := ops(t, "min", "max", "mean", "median", "p99", "p99.9", "p9", "p0.1", "sum", "stdev", "pstdev", "first", "last", "samples", "nulls")
	a, err := Derive("x", "y", nil, fields, all, stats.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := avro.Parse(a.Text); err != nil {
		t.Error(err)
	}
}

func TestIllegalNames(t *testing.T) {
	fields, _ := projectText(t, record(
		`{"name":"1-x","type":"int"}`, `{"name":"_1_x","type":"int"}`, `{"name":"größe","type":"int"}`,
		`{"name":"a.b","type":"int"}`, `{"name":"a","type":{"type":"record","name":"A","fields":[{"name":"b","type":"int"}]}}`,
	), Selection{})
	want := []string{"_1_x_2", "_1_x", "gr__e", "a_b"}
	if got := names(fields); !reflect.DeepEqual(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
}

func pattern(t testing.TB, s string) Pattern {
	t.Helper()
	p, err := ParsePattern(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSelection(t *testing.T) {
	text := record(
		`{"name":"time","type":"double"}`,
		`{"name":"ok","type":"boolean"}`,
		`{"name":"n","type":{"type":"record","name":"N","fields":[{"name":"x","type":"double"},{"name":"y","type":"double"}]}}`,
		`{"name":"v1","type":{"type":"array","items":"double"}}`,
		`{"name":"v2","type":{"type":"array","items":"double"}}`,
		`{"name":"v3","type":{"type":"array","items":"double"}}`,
	)
	sel := Selection{
		Exclude: []Pattern{pattern(t, "time"), pattern(t, "n.y")}, Booleans: true,
		Arrays: []ArrayRule{{pattern(t, "v2"), ArrayPool}, {pattern(t, "/3$/"), ArraySkip}},
	}
	fields, left := projectText(t, text, sel)
	if got, want := fmt.Sprint(names(fields)), "[ok n_x v1 v2]"; got != want {
		t.Errorf("fields %s, want %s", got, want)
	}
	if fields[2].Pool || !fields[3].Pool {
		t.Errorf("pool: %v, %v", fields[2], fields[3])
	}
	reasons := map[string]string{"time": "excluded by time", "n.y": "excluded by n.y", "v3": "skipped"}
	for _, l := range left {
		if !strings.Contains(l.Reason, reasons[l.Path]) {
			t.Errorf("%s: %s", l.Path, l.Reason)
		}
		delete(reasons, l.Path)
	}
	if len(reasons) > 0 {
		t.Errorf("no reason for %v", reasons)
	}
	sel.Include = []Pattern{pattern(t, "/^n/"), pattern(t, "ok")}
	if fields, _ = projectText(t, text, sel); fmt.Sprint(names(fields)) != "[ok n_x]" {
		t.Errorf("with include: %v", names(fields))
	}
	if fields, _ = projectText(t, text, Selection{Exclude: []Pattern{pattern(t, "n")}}); fmt.Sprint(names(fields)) != "[time v1 v2 v3]" {
		t.Errorf("without the record n: %v", names(fields))
	}
	if _, _, err := Project(parse(t, text), Selection{Arrays: []ArrayRule{{pattern(t, "v1"), "split"}}}); err == nil {
		t.Error("unknown array mode was accepted")
	}
	for _, bad := range []string{"", "/", "//", "/a", "/(/"} {
		if _, err := ParsePattern(bad); err == nil {
			t.Errorf("pattern %q was accepted", bad)
		}
	}
}

func TestUnionsNameWhatTheyLeaveOut(t *testing.T) {
	fields, left := projectText(t, record(
		`{"name":"u","type":["null","double","string",{"type":"record","name":"I","fields":[{"name":"x","type":"int"}]},{"type":"long","logicalType":"timestamp-millis"}]}`,
		`{"name":"e","type":{"type":"array","items":["null","int","string"]}}`,
	), Selection{})
	if fmt.Sprint(names(fields)) != "[u u_x e]" {
		t.Errorf("fields %v", names(fields))
	}
	var got []string
	for _, l := range left {
		got = append(got, l.Path+" "+l.Type)
	}
	if want := []string{"u string", "u long timestamp-millis", "e[] string"}; !reflect.DeepEqual(got, want) {
		t.Errorf("left out %v, want %v", got, want)
	}
}

func TestUnitsAndDocs(t *testing.T) {
	fields, _ := projectText(t, record(
		`{"name":"a","type":"double","units":"m","description":"length"}`,
		`{"name":"b","type":{"type":"double","units":"s"},"doc":"time","description":"other"}`,
		`{"name":"c","type":["null",{"type":"array","items":{"type":"float","unit":"K"}}],"units":7}`,
		`{"name":"d","type":"double","doc":"`+strings.Repeat("é", 1000)+`"}`,
	), Selection{})
	for i, want := range []string{"m length", "s time", "K "} {
		if got := fields[i].Units + " " + fields[i].Doc; got != want {
			t.Errorf("%s: %q, want %q", fields[i].Path, got, want)
		}
	}
	if got := fields[3].Doc; got != strings.Repeat("é", maxDoc)+"…" {
		t.Errorf("long doc: %d bytes", len(got))
	}
}

func TestFieldLevelLogicalType(t *testing.T) {
	fields, left := projectText(t, record(
		`{"name":"t","type":"long","logicalType":"timestamp-millis"}`,
		`{"name":"d","type":"bytes","logicalType":"decimal","precision":4,"scale":2}`,
		`{"name":"e","type":"string","logicalType":"timestamp-millis"}`,
	), Selection{})
	if fmt.Sprint(names(fields)) != "[d]" || len(left) != 2 {
		t.Errorf("fields %v, left out %v", fields, left)
	}
}

func TestSchemaLimits(t *testing.T) {
	many := make([]string, MaxFields+1)
	for i := range many {
		many[i] = fmt.Sprintf(`{"name":"f%d","type":"double"}`, i)
	}
	deep := `"double"`
	for i := range MaxDepth + 1 {
		deep = fmt.Sprintf(`{"type":"record","name":"D%d","fields":[{"name":"x","type":%s}]}`, i, deep)
	}
	// Each record has the one before twice: 2^40 fields in a small text.
	wide := []string{`{"name":"x0","type":{"type":"record","name":"W0","fields":[]}}`}
	for i := 1; i < 40; i++ {
		wide = append(wide, fmt.Sprintf(`{"name":"x%d","type":{"type":"record","name":"W%d","fields":[{"name":"a","type":"W%d"},{"name":"b","type":"W%d"}]}}`, i, i, i-1, i-1))
	}
	for name, test := range map[string]struct{ text, want string }{
		"fields": {record(many...), "more than 20000 fields"},
		"depth":  {record(`{"name":"x","type":` + deep + `}`), "deeper than 64"},
		"wide":   {record(wide...), "more than 20000 fields"},
		"names": {`{"type":"record","name":"R","namespace":"` + strings.Repeat("n", 4000) + `","fields":[{"name":"x","type":["int",` + repeat(10_000, func(i int) string {
			return fmt.Sprintf(`{"type":"enum","name":"E%d","symbols":[]}`, i)
		}) + `]}]}`, "longer than 16777216 bytes"},
		"branches": {record(`{"name":"x","type":["int",` + strings.Repeat(`"string",`, maxBranches) + `"bytes"]}`), "more than 200000 branches"},
	} {
		if _, _, err := Project(parse(t, test.text), Selection{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if fields, _, err := Project(parse(t, record(many[:MaxFields]...)), Selection{}); err != nil || len(fields) != MaxFields {
		t.Errorf("%d fields, %v", len(fields), err)
	}
}

func TestRecursiveSchemas(t *testing.T) {
	fields, left := projectText(t, `{"type":"record","name":"Node","namespace":"x.y","fields":[
		{"name":"value","type":"double"},{"name":"next","type":["null","Node"]},
		{"name":"other","type":{"type":"record","name":"O","fields":[{"name":"v","type":"int"},{"name":"back","type":"Node"}]}},
		{"name":"list","type":{"type":"array","items":"x.y.Node"}}]}`, Selection{})
	if fmt.Sprint(names(fields)) != "[value other_v]" {
		t.Errorf("fields %v", names(fields))
	}
	if len(left) != 3 {
		t.Errorf("left out %v", left)
	}
}
