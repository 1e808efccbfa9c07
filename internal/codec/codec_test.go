package codec

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// ops parses operations.
func ops(t testing.TB, names ...string) []stats.Operation {
	t.Helper()
	out := make([]stats.Operation, len(names))
	for i, n := range names {
		op, err := stats.ParseOperation(n)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = op
	}
	return out
}

// parse reads a source schema.
func parse(t testing.TB, text string, references ...string) *Schema {
	t.Helper()
	s, err := ParseSchema(text, references...)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return s
}

// build makes the library's schema, an aggregated schema and a decoder.
func build(t testing.TB, text string, sel Selection) (*avro.Schema, *Aggregated, *Decoder) {
	t.Helper()
	s, err := avro.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	fields, _, err := Project(parse(t, text), sel)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Derive("t-aggregated", "t", nil, fields, ops(t, "mean", "max"), stats.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoder(parse(t, text), sel, a)
	if err != nil {
		t.Fatal(err)
	}
	return s, a, d
}

// record is the text of a schema with fields given as JSON.
func record(fields ...string) string {
	return `{"type":"record","name":"R","fields":[` + strings.Join(fields, ",") + `]}`
}

func encode(t testing.TB, s *avro.Schema, v any) []byte {
	t.Helper()
	b, err := s.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sameFloats(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Float64bits(a[i]) != math.Float64bits(b[i]) {
			return false
		}
	}
	return true
}

func TestDecodeKinds(t *testing.T) {
	text := record(
		`{"name":"skipped","type":"string"}`,
		`{"name":"i","type":"int"}`,
		`{"name":"l","type":"long"}`,
		`{"name":"when","type":{"type":"long","logicalType":"timestamp-millis"}}`,
		`{"name":"f","type":"float"}`,
		`{"name":"d","type":["null","double"],"default":null}`,
		`{"name":"e","type":["null","double"],"default":null}`,
		`{"name":"m","type":["string","long","null","double"]}`,
		`{"name":"n","type":["null",{"type":"record","name":"N","fields":[{"name":"x","type":"double"},{"name":"a","type":{"type":"array","items":"float"}}]}]}`,
		`{"name":"a","type":["null",{"type":"array","items":"long"}]}`,
		`{"name":"b","type":{"type":"array","items":["null","double"]}}`,
	)
	s, a, d := build(t, text, Selection{})
	var names []string
	for _, f := range a.Fields {
		names = append(names, f.Name)
	}
	if want := []string{"i", "l", "f", "d", "e", "m", "n_x", "n_a", "a", "b"}; !reflect.DeepEqual(names, want) {
		t.Fatalf("fields %v, want %v", names, want)
	}
	var row Row
	big := int64(1)<<53 + 1
	body := encode(t, s, map[string]any{
		"skipped": "abc", "i": int32(-7), "l": big, "when": int64(5), "f": float32(1.5), "d": 2.5, "e": nil,
		"m": "text", "n": map[string]any{"x": math.NaN(), "a": []any{float32(1), float32(2)}},
		"a": []any{int64(3), big}, "b": []any{nil, 4.0},
	})
	if err := d.Decode(body, &row); err != nil {
		t.Fatal(err)
	}
	if want := []float64{-7, 1 << 53, 1.5, 2.5, stats.Null, stats.Null, stats.NaN, 0, 0, 0}; !sameFloats(row.Scalars, want) {
		t.Errorf("scalars %v, want %v", row.Scalars, want)
	}
	if want := []Rest{{Slot: 1, Value: 1}, {Slot: 8, Element: 1, Value: 1}}; !reflect.DeepEqual(row.Rests, want) {
		t.Errorf("rests %v, want %v", row.Rests, want)
	}
	for slot, want := range map[int][]float64{7: {1, 2}, 8: {3, 1 << 53}, 9: {stats.Null, 4}} {
		if !sameFloats(row.Arrays[slot], want) {
			t.Errorf("array %d is %v, want %v", slot, row.Arrays[slot], want)
		}
	}
	body = encode(t, s, map[string]any{
		"skipped": "", "i": int32(0), "l": int64(0), "when": int64(5), "f": float32(0), "d": nil, "e": nil,
		"m": nil, "n": nil, "a": nil, "b": []any{},
	})
	if err := d.Decode(body, &row); err != nil {
		t.Fatal(err)
	}
	null := stats.Null
	if want := []float64{0, 0, 0, null, null, null, null, null, null, 0}; !sameFloats(row.Scalars, want) {
		t.Errorf("scalars %v, want %v", row.Scalars, want)
	}
	if row.Arrays[7] != nil || row.Arrays[8] != nil || row.Arrays[9] == nil || len(row.Arrays[9]) != 0 || len(row.Rests) != 0 {
		t.Errorf("arrays %v, rests %v", row.Arrays, row.Rests)
	}
}
