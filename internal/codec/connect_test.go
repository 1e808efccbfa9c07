package codec

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// named is a type with a connect.name, and more attributes.
func named(typ, name string, more ...string) string {
	return `{"type":"` + typ + `","connect.version":1,"connect.name":"` + name + `"` + strings.Join(append([]string{""}, more...), ",") + `}`
}

const variable = `{"type":"record","name":"VariableScaleDecimal","namespace":"io.debezium.data","fields":[{"name":"scale","type":"int"},{"name":"value","type":"bytes"}],"connect.doc":"Variable scaled decimal","connect.version":1,"connect.name":"io.debezium.data.VariableScaleDecimal"}`

// TestConnectTypes is the table of what Kafka Connect's and Debezium's types are.
func TestConnectTypes(t *testing.T) {
	for _, test := range []struct {
		name, typ string
		shown     string
		kind      string // real, integer, or "" for left out
		reason    string
	}{
		{"connect timestamp", named("long", "org.apache.kafka.connect.data.Timestamp", `"logicalType":"timestamp-millis"`), "long timestamp-millis", "", "point in time"},
		{"connect timestamp, bare", named("long", "org.apache.kafka.connect.data.Timestamp"), "long org.apache.kafka.connect.data.Timestamp", "", "point in time"},
		{"connect date", named("int", "org.apache.kafka.connect.data.Date"), "int org.apache.kafka.connect.data.Date", "", "point in time"},
		{"connect time", named("int", "org.apache.kafka.connect.data.Time"), "int org.apache.kafka.connect.data.Time", "", "point in time"},
		{"timestamp on an int", named("int", "org.apache.kafka.connect.data.Timestamp"), "int", "integer", ""},
		{"micro timestamp", named("long", "io.debezium.time.MicroTimestamp"), "long io.debezium.time.MicroTimestamp", "", "point in time"},
		{"nano timestamp, nullable", `["null",` + named("long", "io.debezium.time.NanoTimestamp") + `]`, `["null","long io.debezium.time.NanoTimestamp"]`, "", "point in time"},
		{"year", named("int", "io.debezium.time.Year"), "int io.debezium.time.Year", "", "point in time"},
		{"date", named("int", "io.debezium.time.Date"), "int io.debezium.time.Date", "", "point in time"},
		{"zoned", named("string", "io.debezium.time.ZonedTimestamp"), "string", "", "not numeric"},
		{"dates", `{"type":"array","items":` + named("int", "io.debezium.time.Date") + `}`, "array<int io.debezium.time.Date>", "", "point in time"},
		{"micro duration", named("double", "io.debezium.time.MicroDuration"), "double", "real", ""},
		{"nano duration", named("long", "io.debezium.time.NanoDuration"), "long", "integer", ""},
		{"some name", named("long", "com.example.Count"), "long", "integer", ""},
		{"16 bits", `{"type":"int","connect.type":"int16"}`, "int", "integer", ""},
		{"decimal", named("bytes", "org.apache.kafka.connect.data.Decimal", `"scale":2,"precision":64,"connect.parameters":{"scale":"2"},"logicalType":"decimal"`), "decimal", "real", ""},
		{"decimal, bare", named("bytes", "org.apache.kafka.connect.data.Decimal", `"connect.parameters":{"scale":"2"}`), "decimal", "real", ""},
		{"decimal, negative scale", named("bytes", "org.apache.kafka.connect.data.Decimal", `"connect.parameters":{"scale":"-2"},"scale":-2,"precision":64,"logicalType":"decimal"`), "decimal", "real", ""},
		{"decimal without a scale", named("bytes", "org.apache.kafka.connect.data.Decimal"), "bytes", "", "no scale is given"},
		{"variable decimal", variable, "decimal", "real", ""},
		{"variable decimal, nullable", `["null",` + variable + `]`, `["null","decimal"]`, "real", ""},
		{"bits", named("bytes", "io.debezium.data.Bits"), "bytes", "", "not numeric"},
		{"big decimal", `{"type":"bytes","logicalType":"big-decimal"}`, "decimal", "real", ""},
		{"unsigned", `{"type":"long","logicalType":"uint64"}`, "unsigned long", "integer", ""},
		{"unsigned column", `["null",{"type":"long","connect.parameters":{"__debezium.source.column.type":"BIGINT UNSIGNED"}}]`, `["null","unsigned long"]`, "integer", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			fields, left := projectText(t, record(`{"name":"x","type":`+test.typ+`}`), Selection{})
			if test.kind == "" {
				if len(fields) != 0 || len(left) != 1 || left[0].Type != test.shown || !strings.Contains(left[0].Reason, test.reason) {
					t.Fatalf("fields %v, left out %v", fields, left)
				}
				return
			}
			if len(fields) != 1 || len(left) > 0 || fields[0].Path != "x" || fields[0].Type != test.shown || (fields[0].Kind == stats.Integer) != (test.kind == "integer") {
				t.Fatalf("fields %+v, left out %v", fields, left)
			}
		})
	}
	fields, _ := projectText(t, record(`{"name":"x","type":`+named("long", "io.debezium.time.NanoDuration")+`}`, `{"name":"y","type":"long","connect.name":"io.debezium.time.Date"}`), Selection{})
	if len(fields) != 1 || fields[0].Units != "ns" {
		t.Errorf("%+v: a duration has its unit, and a name beside the type counts", fields)
	}
}

// TestDebeziumEvent: of an event of Debezium the columns of the row are left, and
// not what Debezium says of the event itself.
func TestDebeziumEvent(t *testing.T) {
	row := rec("Value", field("id", `"int"`), field("price", variable), field("place",
		`{"type":"record","name":"Point","namespace":"io.debezium.data.geometry","connect.name":"io.debezium.data.geometry.Point","fields":[{"name":"x","type":"double"},{"name":"y","type":"double"},{"name":"wkb","type":["null","bytes"]},{"name":"srid","type":["null","int"]}]}`))
	source := `{"type":"record","name":"Source","namespace":"io.debezium.connector.mysql","connect.name":"io.debezium.connector.mysql.Source","fields":[{"name":"ts_ms","type":"long"},{"name":"pos","type":"long"},{"name":"thread","type":["null","long"]}]}`
	block := `{"type":"record","name":"block","namespace":"event","connect.name":"event.block","fields":[{"name":"id","type":"string"},{"name":"total_order","type":"long"}]}`
	text := `{"type":"record","name":"Envelope","namespace":"shop.db","connect.name":"shop.db.Envelope","fields":[` + strings.Join([]string{
		field("before", `["null",`+row+`]`), field("after", `["null","Value"]`), field("source", source), field("op", `"string"`),
		field("ts_ms", `["null","long"]`), field("ts_us", `["null","long"]`), field("transaction", `["null",`+block+`]`), field("own_ms", `"long"`),
	}, ",") + `]}`
	fields, left := projectText(t, text, Selection{})
	want := []string{"before_id", "before_price", "before_place_x", "before_place_y", "after_id", "after_price", "after_place_x", "after_place_y", "own_ms"}
	if got := names(fields); !slices.Equal(got, want) {
		t.Errorf("fields %v, want %v", got, want)
	}
	for _, l := range left {
		if l.Reason == "" {
			t.Errorf("%s is left out for no reason", l.Path)
		}
	}
}

func TestDecimalsWithTheirScale(t *testing.T) {
	big := func(value []byte, scale int64) []byte {
		return appendText(nil, binary.AppendVarint(appendText(nil, value), scale))
	}
	other := strings.Replace(variable, `{"name":"scale","type":"int"},{"name":"value","type":"bytes"}`, `{"name":"value","type":"bytes"},{"name":"scale","type":"int"}`, 1)
	for _, test := range []struct {
		name, typ string
		body      []byte
		want      float64
	}{
		{"12.34", variable, append(binary.AppendVarint(nil, 2), 4, 0x04, 0xd2), 12.34},
		{"-1e3", variable, append(binary.AppendVarint(nil, -3), 2, 0xff), -1000},
		{"5e22", variable, append(binary.AppendVarint(nil, -22), 2, 5), 5e22},
		{"5e23", variable, append(binary.AppendVarint(nil, -23), 2, 5), 5e23},
		{"value first", other, append([]byte{4, 0x04, 0xd2}, binary.AppendVarint(nil, 2)...), 12.34},
		{"no bytes", variable, append(binary.AppendVarint(nil, 2), 0), 0},
		{"38 digits", variable, append(binary.AppendVarint(nil, 37), append([]byte{32}, 0x4b, 0x3b, 0x4c, 0xa8, 0x5a, 0x86, 0xc4, 0x7a, 0x09, 0x8a, 0x22, 0x3f, 0xff, 0xff, 0xff, 0xff)...), 9.9999999999999999999999999999999999999},
		{"a large scale", variable, append(binary.AppendVarint(nil, math.MaxInt32), 2, 5), 0},
		{"a small scale", variable, append(binary.AppendVarint(nil, math.MinInt32), 2, 5), math.Inf(1)},
		{"big-decimal", `{"type":"bytes","logicalType":"big-decimal"}`, big([]byte{0x04, 0xd2}, 2), 12.34},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := parse(t, record(field("s", `"string"`), `{"name":"x","type":`+test.typ+`}`, field("skipped", strings.Replace(test.typ, "VariableScaleDecimal", "Other", 1)), field("y", `"int"`)))
			fields, _, err := Project(s, Selection{Exclude: []Pattern{pattern(t, "skipped")}})
			if err != nil {
				t.Fatal(err)
			}
			a, err := Derive("t", "s", nil, fields, ops(t, "mean"), stats.Exclusive)
			if err != nil {
				t.Fatal(err)
			}
			d, err := NewDecoder(s, Selection{Exclude: []Pattern{pattern(t, "skipped")}}, a)
			if err != nil {
				t.Fatal(err)
			}
			body := append(append(append([]byte{2, 'a'}, test.body...), test.body...), 14)
			var row Row
			if err := d.Decode(body, &row); err != nil {
				t.Fatal(err)
			}
			if row.Scalars[0] != test.want || row.Scalars[1] != 7 {
				t.Errorf("%v, want %v and 7", row.Scalars, test.want)
			}
			hostile(t, d, body, 1)
		})
	}
}

// TestBadDecimals: what is no decimal is refused, with its path.
func TestBadDecimals(t *testing.T) {
	for _, test := range []struct{ typ, body, want string }{
		{variable, "\x80\x80\x80\x80\x20\x02\x05", "field x: byte 0: 4294967296 is no 32-bit integer"},
		{variable, "\x04\x09\x05", "field x: byte 1: decimal of -5 bytes, 1 are left"},
		{variable, "\x04\x80\x10", "field x: byte 1: decimal of 1024 bytes, 0 are left"},
		{variable, "\x04\x82\x08" + strings.Repeat("\x01", 513), "field x: byte 1: decimal of 513 bytes, more than 512"},
		{`{"type":"bytes","logicalType":"big-decimal"}`, "\x08\x02\x05\x04\x04", "field x: byte 0: decimal with 1 bytes behind it"},
		{`{"type":"bytes","logicalType":"big-decimal"}`, "\x04\x02\x05", "field x: byte 3: truncated inside an integer"},
		{`{"type":"bytes","logicalType":"big-decimal"}`, "\x00", "field x: byte 1: truncated inside an integer"},
	} {
		_, d := decoder(t, record(field("x", test.typ)), Selection{})
		err := d.Decode([]byte(test.body), new(Row))
		if err == nil || err.Error() != test.want {
			t.Errorf("% x: %v, want %s", test.body, err, test.want)
		}
	}
}

// TestUnsigned: longs that hold unsigned integers, in a record, an array, and a union.
func TestUnsigned(t *testing.T) {
	u := `{"type":"long","logicalType":"uint64"}`
	a, d := decoder(t, record(field("x", u), field("a", `{"type":"array","items":`+u+`}`), field("n", `["null",`+u+`]`)), Selection{})
	var body []byte
	put := func(v uint64) { body = binary.AppendVarint(body, int64(v)) }
	put(math.MaxUint64)
	body = append(body, 6)
	put(1<<63 + 5000)
	put(1<<53 + 1)
	put(7)
	body = append(body, 0, 2)
	put(1 << 63)
	var row Row
	if err := d.Decode(body, &row); err != nil {
		t.Fatal(err)
	}
	if row.Scalars[0] != 1<<64 || row.Scalars[2] != 1<<63 || !sameFloats(row.Arrays[1], []float64{1<<63 + 4096, 1 << 53, 7}) {
		t.Errorf("%v %v", row.Scalars, row.Arrays)
	}
	if want := []Rest{{Slot: 1, Element: 1, Value: 1}}; !slices.Equal(row.Rests, want) {
		t.Errorf("rests %v, want %v", row.Rests, want)
	}
	if a.Fields[0].Kind != stats.Integer {
		t.Errorf("%+v", a.Fields)
	}
	hostile(t, d, body, 1)

	// The same of plain longs that the selection names.
	text := record(field("x", `"long"`), field("a", array(`"long"`)), field("n", `["null","long"]`), field("signed", `"long"`))
	_, named := decoder(t, text, Selection{Unsigned: []Pattern{pattern(t, "/^[xan]$/")}})
	var again Row
	if err := named.Decode(append(slices.Clone(body), 1), &again); err != nil {
		t.Fatal(err)
	}
	if !sameFloats(again.Scalars[:3], row.Scalars) || !sameFloats(again.Arrays[1], row.Arrays[1]) || !slices.Equal(again.Rests, row.Rests) || again.Scalars[3] != -1 {
		t.Errorf("%v %v %v, want %v %v %v and -1", again.Scalars, again.Arrays, again.Rests, row.Scalars, row.Arrays, row.Rests)
	}
}

// decoder makes an aggregated schema and a decoder of a source schema that no
// library may know.
func decoder(t testing.TB, text string, sel Selection) (*Aggregated, *Decoder) {
	t.Helper()
	s := parse(t, text)
	fields, _, err := Project(s, sel)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Derive("t-aggregated", "t", nil, fields, ops(t, "mean", "max"), stats.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoder(s, sel, a)
	if err != nil {
		t.Fatal(err)
	}
	return a, d
}
