package codec

import (
	"fmt"

	"strings"
	"testing"
)

// typed is a record with a field x of a type, and more attributes of the field.
func typed(typ string, more ...string) string {
	return record(`{"name":"x","type":` + typ + strings.Join(append([]string{""}, more...), ",") + `}`)
}

// TestDeviations: schemas that Avro's Java takes, in one of its releases from
// 1.8 to 1.12, and that registries therefore hold. None of it matters to the
// bytes of a record. Each is read, and where the field is not numeric, that is
// because of its underlying type.
func TestDeviations(t *testing.T) {
	const i = `"int"`
	two := []byte{4}
	text := []byte{4, 1, 2}
	for name, c := range map[string]struct {
		text string
		body []byte
		want string // field=value, or a part of the reason
	}{
		"default null of an int":         {typed(i, `"default":null`), two, "x=2"},
		"default of another type":        {typed(i, `"default":"false"`), two, "x=2"},
		"default beyond the type":        {typed(i, `"default":1e99`), two, "x=2"},
		"default of the second branch":   {typed(`["null","int"]`, `"default":7`), []byte{2, 4}, "x=2"},
		"default of a record":            {typed(`{"type":"record","name":"I","fields":[{"name":"y","type":"int"}]}`, `"default":{"y":"a","z":[{}]}`), two, "x.y=2"},
		"enum default that is no symbol": {record(`{"name":"e","type":{"type":"enum","name":"E","symbols":["A"],"default":"B"}}`, `{"name":"x","type":"int"}`), []byte{0, 4}, "x=2"},
		"enum without symbols":           {record(`{"name":"e","type":["null",{"type":"enum","name":"E","symbols":[]}]}`, `{"name":"x","type":"int"}`), []byte{0, 4}, "x=2"},
		"symbols that are no names":      {record(`{"name":"e","type":{"type":"enum","name":"E","symbols":["a-b","1",2]}}`, `{"name":"x","type":"int"}`), []byte{4, 4}, "x=2"},
		"alias equal to the name":        {typed(i, `"aliases":["x"]`), two, "x=2"},
		"alias twice":                    {typed(i, `"aliases":["y","y"]`), two, "x=2"},
		"alias equal to another field":   {record(`{"name":"x","type":"int","aliases":["y"]}`, `{"name":"y","type":"int"}`), []byte{4, 6}, "x=2"},
		"aliases that are no list":       {typed(i, `"aliases":"y"`), two, "x=2"},
		"aliases that are no names":      {typed(i, `"aliases":[1,null,"$"]`), two, "x=2"},
		"alias of the record":            {`{"type":"record","name":"R","aliases":["R","R","1"],"fields":[{"name":"x","type":"int"}]}`, two, "x=2"},
		"order":                          {typed(i, `"order":"IGNORE"`), two, "x=2"},
		"order of another type":          {typed(i, `"order":5`), two, "x=2"},
		"doc of another type":            {typed(i, `"doc":{"a":1}`), two, "x=2"},
		"attributes of any type":         {typed(i, `"size":[],"symbols":1,"items":null,"fields":"","precision":{},"namespace":3,"units":0`), two, "x=2"},

		"decimal with scale 127":        {typed(`{"type":"bytes","logicalType":"decimal","precision":64,"scale":127}`), text, "scale 127 is above its precision 64"},
		"decimal without precision":     {typed(`{"type":"bytes","logicalType":"decimal","scale":2}`), text, "no precision"},
		"decimal with precision 0":      {typed(`{"type":"bytes","logicalType":"decimal","precision":0}`), text, "precision is no positive"},
		"decimal with a negative scale": {typed(`{"type":"bytes","logicalType":"decimal","precision":4,"scale":-1}`), text, "scale is no integer from 0"},
		"decimal with texts":            {typed(`{"type":"bytes","logicalType":"decimal","precision":"4","scale":"1"}`), text, "precision is no positive"},
		"decimal with scale null":       {typed(`{"type":"bytes","logicalType":"decimal","precision":4,"scale":null}`), text, "scale is no integer"},
		"decimal with precision 4.0":    {typed(`{"type":"bytes","logicalType":"decimal","precision":4.0}`), text, "precision is no positive"},
		"decimal beyond 32 bits":        {typed(`{"type":"bytes","logicalType":"decimal","precision":9999999999}`), text, "precision is no positive"},
		"decimal in too few bytes":      {typed(`{"type":"fixed","name":"F","size":2,"logicalType":"decimal","precision":9}`), text[1:], "2 bytes are too few for 9 digits"},
		"decimal that just fits":        {typed(`{"type":"fixed","name":"F","size":2,"logicalType":"decimal","precision":4}`), []byte{0, 9}, "x=9"},
		"decimal in no bytes":           {typed(`{"type":"fixed","name":"F","size":0,"logicalType":"decimal","precision":1}`), nil, "0 bytes are too few"},
		"decimal of a string":           {typed(`{"type":"string","logicalType":"decimal","precision":4}`), text, "string is not numeric"},
		"decimal of a record":           {typed(`{"type":"record","name":"I","logicalType":"decimal","precision":4,"fields":[{"name":"y","type":"int"}]}`), two, "x.y=2"},
		"decimal of an int":             {typed(`{"type":"int","logicalType":"decimal","precision":4,"scale":2}`), two, "x=2"},
		"invalid decimal at the field":  {typed(`"bytes"`, `"logicalType":"decimal","precision":4,"scale":9`), text, "scale 9 is above"},
		"timestamp of a string":         {typed(`{"type":"string","logicalType":"timestamp-millis"}`), text, "string is not numeric"},
		"timestamp of an int":           {typed(`{"type":"int","logicalType":"timestamp-millis"}`), two, "x=2"},
		"time-millis of a long":         {typed(`{"type":"long","logicalType":"time-millis"}`), two, "x=2"},
		"date of a double":              {typed(`{"type":"double","logicalType":"date"}`), make([]byte, 8), "x=0"},
		"an unknown logical type":       {typed(`{"type":"long","logicalType":"timestamp-lightyears"}`), two, "x=2"},
		"a logical type of no type":     {typed(`{"type":"long","logicalType":5}`), two, "x=2"},
		"a logical type null":           {typed(`{"type":"long","logicalType":null}`), two, "x=2"},

		"namespace null":        {`{"type":"record","name":"R","namespace":null,"fields":[{"name":"x","type":"int"}]}`, two, "x=2"},
		"namespace empty":       {`{"type":"record","name":"R","namespace":"","fields":[{"name":"x","type":"int"}]}`, two, "x=2"},
		"namespace of no type":  {`{"type":"record","name":"R","namespace":7,"fields":[{"name":"x","type":"int"}]}`, two, "x=2"},
		"no name":               {`{"type":"record","fields":[{"name":"x","type":"int"}]}`, two, "x=2"},
		"names like primitives": {record(`{"name":"int","type":{"type":"fixed","name":"n.int","size":1}}`, `{"name":"x","type":"int"}`, `{"name":"f","type":"n.int"}`), []byte{9, 4, 9}, "x=2"},
		"names like types":      {record(`{"name":"a","type":{"type":"fixed","name":"record","size":1}}`, `{"name":"x","type":"int"}`, `{"name":"f","type":"record"}`), []byte{9, 4, 9}, "x=2"},
		"illegal names":         {record(`{"name":"a-b","type":{"type":"fixed","name":"1$ü","size":1}}`, `{"name":"x","type":"int"}`, `{"name":"","type":"1$ü"}`), []byte{9, 4, 9}, "x=2"},
		"a type in an object":   {typed(`{"type":{"type":{"type":"int"}}}`), two, "x=2"},
		"a union in an object":  {typed(`{"type":["null","int"]}`), []byte{2, 4}, "x=2"},
		"a flat array":          {record(`{"name":"x","type":"array","items":"int"}`), []byte{2, 4, 0}, "x=[2]"},
		"a flat enum":           {record(`{"name":"e","type":"enum","symbols":["A"]}`, `{"name":"x","type":"int"}`), []byte{0, 4}, "x=2"},
		"a size in a string":    {record(`{"name":"f","type":{"type":"fixed","name":"F","size":"3"}}`, `{"name":"x","type":"int"}`), []byte{9, 9, 9, 4}, "x=2"},
		"an empty union":        {record(`{"name":"u","type":["null",{"type":"array","items":[]}]}`, `{"name":"x","type":"int"}`), []byte{0, 4}, "x=2"},
		"a branch twice":        {typed(`["int","int"]`), []byte{2, 4}, "x=2"},
		"an error":              {`{"type":"error","name":"R","fields":[{"name":"x","type":"int"}]}`, two, "x=2"},

		"comments":                {"/* a \" */ // b\n" + `{"type":"record",/**/"name":"R", // c` + "\n" + `"fields":[{"name":"x"/*}*/,"type":"int"}]}`, two, "x=2"},
		"a byte order mark":       {"\ufeff" + typed(i), two, "x=2"},
		"something behind":        {typed(i) + ` "x`, two, "x=2"},
		"attributes twice":        {`{"type":"enum","name":"Q","name":"R","type":"record","fields":[{"name":"y","name":"x","type":"string","type":"int"}]}`, two, "x=2"},
		"escapes":                 {`{"typ\u0065":"record","name":"R","doc":"\ud800 \ud83d\ude00 \"","fields":[{"name":"\u0078","type":"\u0069nt"}]}`, two, "x=2"},
		"a control character":     {`{"type":"record","name":"R","doc":"a` + "\n" + `b","fields":[{"name":"x","type":"int"}]}`, two, "x=2"},
		"numbers that are none":   {typed(i, `"custom":[1e400,-0.0e-0,123456789012345678901234567890]`), two, "x=2"},
		"a field with itself":     {typed(`["null",{"type":"R"}]`), []byte{0}, "recursive"},
		"a type named beforehand": {record(`{"name":"a","type":"Q"}`, `{"name":"b","type":{"type":"record","name":"Q","fields":[{"name":"x","type":"int"}]}}`), []byte{4, 6}, "a.x=2"},
		"a type twice, alike":     {record(`{"name":"a","type":{"type":"record","name":"Q","fields":[{"name":"x","type":["null","int"]}]}}`, `{"name":"b","type":{"type":"record","name":"Q","doc":"!","fields":[{"name":"x","type":["null","int"]}]}}`), []byte{2, 4, 2, 6}, "a.x=2"},
	} {
		t.Run(name, func(t *testing.T) {
			s := parse(t, c.text)
			fields, left, err := Project(s, Selection{})
			if err != nil {
				t.Fatal(err)
			}
			a := derive(t, nil, fields, "mean")
			d, err := NewDecoder(s, Selection{}, a)
			if err != nil {
				t.Fatal(err)
			}
			var row Row
			if err := d.Decode(c.body, &row); err != nil {
				t.Fatal(err)
			}
			var got []string
			for slot, f := range a.Fields {
				v := any(row.Scalars[slot])
				if f.Array {
					v = row.Arrays[slot]
				}
				got = append(got, fmt.Sprintf("%s=%v", f.Path, v))
			}
			for _, l := range left {
				got = append(got, l.Reason)
			}
			if !strings.Contains(strings.Join(got, "\n"), c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestNamesOfTypes: a name means the type that Avro's Java takes it for.
func TestNamesOfTypes(t *testing.T) {
	inner := func(name, more, field string) string {
		return `{"type":"record","name":"` + name + `"` + more + `,"fields":[{"name":"` + field + `","type":"int"}]}`
	}
	for name, c := range map[string]struct {
		fields []string
		want   string
	}{
		"leading dot":       {[]string{inner(".Z", "", "v"), `".Z"`, `"Z"`}, "[f0.v f1.v f2.v]"},
		"both":              {[]string{inner(".Z", "", "v"), inner("Z", "", "w"), `"Z"`, `".Z"`, `"n.Z"`}, "[f0.v f1.w f2.w f3.v f4.w]"},
		"dotted":            {[]string{inner("m.I", `,"namespace":"k"`, "v"), `"m.I"`}, "[f0.v f1.v]"},
		"empty namespace":   {[]string{inner("I", `,"namespace":""`, "v"), `"I"`}, "[f0.v f1.v]"},
		"null namespace":    {[]string{inner("I", `,"namespace":null`, "v"), `"I"`, `"n.I"`}, "[f0.v f1.v f2.v]"},
		"in a nameless one": {[]string{`{"type":"record","name":"O","namespace":"","fields":[{"name":"i","type":` + inner("I", "", "v") + `}]}`, `"I"`, `"n.I"`}, "[f0.i.v f1.v f2.v]"},
		"wrapped":           {[]string{inner("I", "", "v"), `{"type":"I","doc":"again"}`}, "[f0.v f1.v]"},
		"beforehand":        {[]string{`"I"`, `"n.I"`, inner("I", "", "v")}, "[f0.v f1.v f2.v]"},
	} {
		var fields []string
		for i, typ := range c.fields {
			fields = append(fields, fmt.Sprintf(`{"name":"f%d","type":%s}`, i, typ))
		}
		found, _, err := Project(parse(t, `{"type":"record","name":"R","namespace":"n","fields":[`+strings.Join(fields, ",")+`]}`), Selection{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range found {
			got = append(got, f.Path)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

// TestUnreadableSchemas: what cannot be read, as nobody could say what its
// records are, is an error that names the place.
func TestUnreadableSchemas(t *testing.T) {
	for text, want := range map[string]string{
		``:                                    "ends in the middle",
		`{"type":"record"`:                    "ends in the middle",
		`/* {}`:                               "ends in the middle",
		`{"type":"rec`:                        "ends in the middle",
		`int`:                                 `'i' is no JSON`,
		`{'type':'int'}`:                      "not the name",
		`{"type":"int",}`:                     "not the name",
		`{"type" "int"}`:                      "not a colon",
		`["int" "int"]`:                       "not a comma",
		`"\x"`:                                `is no escape`,
		`"\u00g0"`:                            "hexadecimal",
		`5`:                                   "a type is none of",
		`null`:                                "a type is none of",
		`{}`:                                  "an object has no type",
		`{"type":5}`:                          "a type is none of",
		`"Q"`:                                 `the type "Q" is not defined`,
		`"Int"`:                               `the type "Int" is not defined`,
		`{"type":"record","name":"R"}`:        "record R: has no list of fields",
		typed(`{"type":"array"}`):             "field x: array that does not say what is in it",
		typed(`{"type":"map"}`):               "field x: map that does not say",
		typed(`{"type":"enum","name":"E"}`):   "enum E: has no list of symbols",
		typed(`{"type":"fixed","name":"F"}`):  "fixed F: has no size",
		typed(`["null",["int"]]`):             "a union stands in a union",
		record(`"x"`):                         "field 1 has no name",
		record(`{"type":"int"}`):              "field 1 has no name",
		record(`{"name":"x"}`):                "field x: it has no type",
		record(`{"name":"x","type":"array"}`): `the type "array" is not defined`,
		typed(`{"type":"fixed","name":"F","size":-1}`):         "no number of bytes",
		typed(`{"type":"fixed","name":"F","size":4.5}`):        "no number of bytes",
		typed(`{"type":"fixed","name":"F","size":4294967296}`): "no number of bytes",
		record(`{"name":"a","type":{"type":"fixed","name":"F","size":1}}`, `{"name":"b","type":{"type":"fixed","name":"F","size":2}}`): "the name F is given to two types that differ",
		`{"type":"record","name":"R","fields":[{"name":"x","type":{"type":"record","name":"R","fields":[]}}]}`:                         "two types that differ",
	} {
		if _, err := ParseSchema(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// Schemas that a schema refers to come before it; what they are called in the
// registry does not matter.
func TestReferredTypes(t *testing.T) {
	d := `{"type":"record","name":"D","namespace":"n","fields":[{"name":"v","type":"double"},{"name":"f","type":{"type":"fixed","name":"F","size":3}}]}`
	b := `{"type":"record","name":"B","namespace":"m","fields":[{"name":"d","type":"n.D"},{"name":"w","type":"int"}]}`
	a := `{"type":"record","name":"A","namespace":"n","fields":[{"name":"x","type":"D"},{"name":"f","type":"F"},{"name":"y","type":["null","n.D"]},{"name":"b","type":"m.B"}]}`
	fields, left, err := Project(parse(t, a, d, b), Selection{})
	if err != nil || fmt.Sprint(names(fields)) != "[x_v y_v b_d_v b_w]" || len(left) != 4 {
		t.Errorf("fields %v, left out %v, %v", names(fields), left, err)
	}
	// Several types in one topic: a union of nothing but references.
	if fields, _, err = Project(parse(t, `["n.D","m.B"]`, d, b), Selection{}); err != nil || fmt.Sprint(names(fields)) != "[v d_v w]" {
		t.Errorf("fields of a union of references %v, %v", names(fields), err)
	}
	if _, err := ParseSchema(a, d); err == nil || !strings.Contains(err.Error(), `"m.B" is not defined`) {
		t.Errorf("without a schema: %v", err)
	}
	if _, err := ParseSchema(a, d, `{`); err == nil {
		t.Error("a schema that is cut off was accepted")
	}
	if _, err := ParseSchema(a, d, b+strings.Repeat(" ", MaxText)); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a large text: %v", err)
	}
}

// TestReadsLimitsOfNumbers: a size and a scale are what they say to the last digit.
func TestReadsLimitsOfNumbers(t *testing.T) {
	s := parse(t, typed(`{"type":"bytes","logicalType":"decimal","precision":2147483647,"scale":2147483647}`))
	fields, _, err := Project(s, Selection{})
	if err != nil || len(fields) != 1 {
		t.Fatalf("%v, %v", fields, err)
	}
	d, err := NewDecoder(s, Selection{}, derive(t, nil, fields, "mean"))
	if err != nil {
		t.Fatal(err)
	}
	var row Row
	if err := d.Decode([]byte{2, 5}, &row); err != nil || row.Scalars[0] != 0 {
		t.Errorf("%v, %v", row.Scalars, err)
	}
	s = parse(t, typed(`{"type":"fixed","name":"F","size":2147483647}`))
	if d, err = NewDecoder(s, Selection{}, derive(t, nil, nil, "mean")); err != nil {
		t.Fatal(err)
	}
	if err := d.Decode(make([]byte, 100), &row); err == nil {
		t.Error("2 GiB of a fixed were read from 100 bytes")
	}
}
