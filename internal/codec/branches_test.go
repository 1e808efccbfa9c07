package codec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

func rec(name string, fields ...string) string {
	return `{"type":"record","name":"` + name + `","fields":[` + strings.Join(fields, ",") + `]}`
}

func field(name, typ string) string { return `{"name":"` + name + `","type":` + typ + `}` }

// row decodes a body, and shows value by path: "-" is null, "" is absent.
func rowOf(t *testing.T, text string, body []byte) string {
	t.Helper()
	s := parse(t, text)
	fields, _, err := Project(s, Selection{})
	if err != nil {
		t.Fatal(err)
	}
	a := derive(t, nil, fields, "mean")
	d, err := NewDecoder(s, Selection{}, a)
	if err != nil {
		t.Fatal(err)
	}
	var row Row
	row.fit(a)
	for i := range row.Scalars {
		row.Scalars[i] = 4711 // of the record before
	}
	if err := d.Decode(body, &row); err != nil {
		t.Fatalf("%x: %v", body, err)
	}
	var out []string
	for slot, f := range a.Fields {
		v := fmt.Sprint(row.Scalars[slot])
		switch x := row.Scalars[slot]; {
		case f.Array && row.Arrays[slot] != nil:
			v = fmt.Sprint(row.Arrays[slot])
		case stats.IsNull(x):
			v = "-"
		case stats.IsAbsent(x):
			v = ""
		}
		out = append(out, f.Name+"="+v)
	}
	return strings.Join(out, " ")
}

// TestTops: what becomes of schemas whose top is no record.
func TestTops(t *testing.T) {
	ints := `{"type":"array","items":"int"}`
	a := rec("A", field("x", `"int"`), field("y", `"double"`), field("s", `"string"`))
	b := rec("B", field("s", `"string"`), field("x", `"int"`), field("z", `["null","int"]`))
	double := func(v float64) []byte { return encode(t, avro.MustParse(`"double"`), v) }
	ab := "[" + a + "," + b + `,"null","string"]`
	for name, c := range map[string]struct {
		text string
		body []byte
		want string
	}{
		"a number":                  {`"double"`, double(1.5), "value=1.5"},
		"a number in an object":     {`{"type":"long"}`, []byte{4}, "value=2"},
		"a decimal":                 {`{"type":"bytes","logicalType":"decimal","precision":4,"scale":1}`, []byte{2, 15}, "value=1.5"},
		"a nullable number":         {`["null","int"]`, []byte{2, 4}, "value=2"},
		"which is null":             {`["null","int"]`, []byte{0}, "value=-"},
		"numbers and a text":        {`["string","int","double"]`, []byte{0, 2, 'a'}, "value=-"},
		"a nullable record":         {`["null",` + a + `]`, append(append([]byte{2, 4}, double(0.5)...), 0), "x=2 y=0.5"},
		"which is null ":            {`["null",` + a + `]`, []byte{0}, "x=- y=-"},
		"the first of two records":  {ab, append(append([]byte{0, 4}, double(0.5)...), 0), "x=2 y=0.5 z="},
		"the second":                {ab, []byte{2, 0, 6, 2, 8}, "x=3 y= z=4"},
		"neither":                   {ab, []byte{4}, "x=- y=- z=-"},
		"a branch that is left out": {ab, []byte{6, 2, 'a'}, "x=- y=- z=-"},
		"a record and a number":     {`["int",` + rec("A", field("value", `"double"`), field("x", `"int"`)) + `]`, []byte{0, 4}, "value=2 x="},
		"a number and an array":     {"[" + rec("A", field("x", `"int"`)) + "," + rec("B", field("x", ints)) + "]", []byte{2, 2, 4, 0}, "x= x_2=[2]"},
		"an array and a number":     {"[" + rec("A", field("x", ints)) + "," + rec("B", field("x", `"int"`)) + "]", []byte{2, 4}, "x= x_2=2"},
		"records without numbers":   {"[" + rec("A", field("s", `"string"`)) + "," + rec("B", field("x", `"int"`)) + "]", []byte{0, 2, 'a'}, "x="},
		"a record with the other":   {"[" + rec("A", field("x", `"int"`)) + "," + rec("B", field("a", `"A"`), field("a_x", `"int"`)) + "]", []byte{2, 4, 6}, "x= a_x_2=2 a_x=3"},
		"one branch":                {"[" + rec("A", field("x", `"int"`)) + "]", []byte{0, 4}, "x=2"},
	} {
		if got := rowOf(t, c.text, c.body); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	for text, want := range map[string]string{
		`"string"`:                      "string is not numeric",
		`"null"`:                        "null has no values",
		`"boolean"`:                     "booleans count only when asked for",
		`"bytes"`:                       "bytes is not numeric",
		ints:                            "array<int> is not numeric",
		`{"type":"map","values":"int"}`: "maps have no fixed fields",
		`["null","string"]`:             "with neither a record nor a number",
		`["null",` + ints + `]`:         "with neither a record nor a number",
		`[]`:                            "with neither a record nor a number",
		`{"type":"long","logicalType":"timestamp-millis"}`: "point in time",
		`{"type":"enum","name":"E","symbols":["A"]}`:       "enums count only when asked for (fields.enums)",
		`{"type":"fixed","name":"F","size":2}`:             "fixed F is not numeric",
	} {
		if _, _, err := Project(parse(t, text), Selection{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if fields, _, err := Project(parse(t, `"boolean"`), Selection{Booleans: true}); err != nil || len(fields) != 1 {
		t.Errorf("a boolean that is asked for: %v, %v", fields, err)
	}
}

// Of a field that two branches have, the wider kind, and the first units and
// description that there are.
func TestFieldsOfSeveralBranches(t *testing.T) {
	fields, left := projectText(t, "["+rec("A", `{"name":"x","type":"int","doc":"first"}`, field("s", `"string"`))+","+
		rec("B", `{"name":"x","type":"float","units":"K","doc":"second"}`, field("s", `"string"`))+`,"string"]`, Selection{})
	if len(fields) != 1 || fields[0].Kind != stats.Real || fields[0].Units != "K" || fields[0].Doc != "first" || fields[0].Type != "float" {
		t.Errorf("fields %+v", fields)
	}
	if len(left) != 3 || left[2].Path != "value" || left[2].Type != "string" {
		t.Errorf("left out %+v", left)
	}
}

// What an error says of a record that is of a union.
func TestErrorsInBranches(t *testing.T) {
	s := parse(t, `["null",`+rec("A", field("x", `"double"`))+`]`)
	fields, _, err := Project(s, Selection{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoder(s, Selection{}, derive(t, nil, fields, "mean"))
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		"":         "byte 0: truncated",
		"\x04":     "byte 0: union has no branch 2",
		"\x01":     "byte 0: union has no branch -1",
		"\x02ab":   "field x: byte 1: truncated",
		"\x00\x00": "byte 1: 1 bytes more",
	} {
		if err := d.Decode([]byte(body), new(Row)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%x: %v, want %s", body, err, want)
		}
	}
	if err := d.Decode(append([]byte{2}, make([]byte, 8)...), new(Row)); err != nil {
		t.Error(err)
	}
}
