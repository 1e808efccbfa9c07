package codec

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/avro"
)

// cases are the record shapes that are measured and checked for allocations.
func cases() map[string]string {
	many := func(n int, typ string) string {
		fields := make([]string, n)
		for i := range fields {
			fields[i] = fmt.Sprintf(`{"name":"value%d","type":%s}`, i, typ)
		}
		return record(fields...)
	}
	wide := make([]string, 15)
	for i := range wide {
		wide[i] = fmt.Sprintf(`{"name":"s%d","type":"float"}`, i)
	}
	for i := range 7 {
		wide[2*i] = fmt.Sprintf(`{"name":"a%d","type":{"type":"array","items":"float"}}`, i)
	}
	nested := make([]string, 10)
	for i := range nested {
		nested[i] = fmt.Sprintf(`{"name":"r%d","type":["null",{"type":"record","name":"N%d","fields":[{"name":"x","type":"double"},{"name":"y","type":["null","long"]}]}]}`, i, i)
	}
	return map[string]string{
		"doubles=11":     many(11, `"double"`),
		"nullable=11":    many(11, `["null","double"]`),
		"longs=11":       many(11, `"long"`),
		"decimals=11":    many(11, `{"type":"bytes","logicalType":"decimal","precision":18,"scale":4}`),
		"nested=10":      record(nested...),
		"floats=812":     record(wide...),
		"array=3000":     record(`{"name":"a","type":{"type":"array","items":"double"}}`),
		"nullarray=3000": record(`{"name":"a","type":{"type":"array","items":["null","double"]}}`),
		"floats=9744":    many(12, `{"type":"array","items":"float"}`),
		"strings=5+6":    record(mixed()),

		"unsigned=11": many(11, `{"type":"long","logicalType":"uint64"}`),
		"anydecimals=11": record(repeat(11, func(i int) string {
			return field(fmt.Sprint("v", i), strings.Replace(variable, "VariableScaleDecimal", fmt.Sprint("V", i), 1))
		})),
		"enums=11": record(repeat(11, func(i int) string {
			return field(fmt.Sprint("v", i), fmt.Sprintf(`{"type":"enum","name":"E%d","symbols":["A","B","C"]}`, i))
		})),
		"unions=11": record(repeat(11, func(i int) string {
			return field(fmt.Sprint("v", i), fmt.Sprintf(`["string","double",{"type":"record","name":"N%d","fields":[{"name":"x","type":"double"}]}]`, i))
		})),
		"records=1000x3": record(field("a", array(rec("I", field("x", `"double"`), field("n", `"double"`), field("z", `"double"`))))),
		"mixedrecs=1000": record(field("a", array(rec("I", field("x", `["null","double"]`), field("s", `"string"`), field("n", `"long"`))))),
		"matrix=50x60":   record(field("a", array(array(`"double"`)))),
		"map=1000":       record(field("m", mapOf(`"double"`))),
	}
}

// caseSelection selects all that the cases have.
func caseSelection(t testing.TB) Selection {
	return Selection{Enums: true, Maps: []ArrayRule{{pattern(t, "/./"), ArrayPool}}}
}

func mixed() string {
	var out []string
	for i := range 11 {
		typ := `"double"`
		if i%2 == 1 {
			typ = `"string"`
		}
		out = append(out, fmt.Sprintf(`{"name":"f%d","type":%s}`, i, typ))
	}
	return strings.Join(out, ",")
}

// fill makes a body for one of the cases; elements is the length of arrays.
func fill(n *avro.SchemaNode, elements int, i *int) []byte {
	*i++
	var b []byte
	switch n.Type {
	case "double":
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(*i)*1.25))
	case "float":
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(*i)*1.25))
	case "long":
		return binary.AppendVarint(b, int64(*i)*1000)
	case "int":
		return binary.AppendVarint(b, 4)
	case "enum":
		return binary.AppendVarint(b, int64(*i%len(n.Symbols)))
	case "map":
		b = binary.AppendVarint(b, int64(elements))
		for range elements {
			b = append(appendText(b, []byte("name")), fill(n.Values, elements, i)...)
		}
		return append(b, 0)
	case "string":
		return appendText(b, []byte("some words"))
	case "bytes":
		return appendText(b, []byte{1, 2, 3, byte(*i)})
	case "record":
		for j := range n.Fields {
			b = append(b, fill(&n.Fields[j].Type, elements, i)...)
		}
	case "union":
		return append([]byte{2}, fill(&n.Branches[1], elements, i)...)
	case "array":
		b = binary.AppendVarint(b, int64(elements))
		for range elements {
			b = append(b, fill(n.Items, elements, i)...)
		}
		return append(b, 0)
	}
	return b
}

var elementsOf = map[string]int{"floats=812": 115, "array=3000": 3000, "nullarray=3000": 3000, "floats=9744": 812, "records=1000x3": 1000, "mixedrecs=1000": 1000, "matrix=50x60": 55, "map=1000": 1000}

func body(t testing.TB, name string, s *avro.Schema) []byte {
	i := 0
	b := fill(s.Root(), elementsOf[name], &i)
	var v any
	if rest, err := s.Decode(b, &v); err != nil || len(rest) > 0 {
		t.Fatalf("%s: %v", name, err)
	}
	return b
}

func TestNoAllocations(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(cases())) {
		text := cases()[name]
		s, a, d := build(t, text, caseSelection(t))
		b := body(t, name, s)
		var row Row
		n := testing.AllocsPerRun(20, func() {
			if err := d.Decode(b, &row); err != nil {
				t.Error(err)
			}
		})
		if n != 0 {
			t.Errorf("decode %s: %v allocations per record", name, n)
		}
		e, res := encoderOf(a, elementsOf[name])
		var dst []byte
		dst = e.Append(dst, Head{}, res)
		if n := testing.AllocsPerRun(20, func() { dst = e.Append(dst[:0], Head{}, res) }); n != 0 {
			t.Errorf("encode %s: %v allocations per record", name, n)
		}
	}
	large := decimalScratch{}
	b := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	for _, n := range []int{8, 16} {
		if allocs := testing.AllocsPerRun(20, func() { large.value(b[:n], 4) }); allocs != 0 {
			t.Errorf("decimal of %d bytes: %v allocations", n, allocs)
		}
	}
}

func encoderOf(a *Aggregated, elements int) (*Encoder, *Results) {
	slots := make([]int, len(a.Fields))
	for i := range slots {
		slots[i] = i
	}
	n := len(a.Operations)
	res := &Results{Scalars: make([]float64, n*len(slots)), Arrays: make([][]float64, n*len(slots))}
	for i := range res.Scalars {
		res.Scalars[i] = float64(i)
		res.Arrays[i] = make([]float64, elements)
	}
	return NewEncoder(a, 1, slots, n), res
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(cases())) {
		text := cases()[name]
		b.Run(name, func(b *testing.B) {
			s, _, d := build(b, text, caseSelection(b))
			rec := body(b, name, s)
			var row Row
			b.SetBytes(int64(len(rec)))
			for b.Loop() {
				if err := d.Decode(rec, &row); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(cases())) {
		text := cases()[name]
		b.Run(name, func(b *testing.B) {
			_, a, _ := build(b, text, caseSelection(b))
			e, res := encoderOf(a, elementsOf[name])
			var dst []byte
			for b.Loop() {
				dst = e.Append(dst[:0], Head{}, res)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	text := cases()["floats=812"]
	_, a, _ := build(b, text, caseSelection(b))
	s := parse(b, text)
	for b.Loop() {
		if _, err := NewDecoder(s, caseSelection(b), a); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseSchema(b *testing.B) {
	text := cases()["floats=812"]
	for b.Loop() {
		if _, err := ParseSchema(text); err != nil {
			b.Fatal(err)
		}
	}
}
