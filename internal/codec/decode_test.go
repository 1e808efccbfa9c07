package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"runtime"
	"strings"
	"testing"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

func varints(vs ...int64) []byte {
	var b []byte
	for _, v := range vs {
		b = binary.AppendVarint(b, v)
	}
	return b
}

// TestHostileBodies: crafted bytes give an error that says where and why,
// and no allocation that they do not pay for.
func TestHostileBodies(t *testing.T) {
	all := `{"name":"r","type":{"type":"record","name":"In","fields":[{"name":"x","type":%}]}}`
	tests := []struct {
		name, typ string
		skip      bool // the field is excluded, so that the bytes are skipped
		body      []byte
		want      string
	}{
		{"empty", `"double"`, false, nil, "field r.x: byte 0: truncated: needs 8 bytes, 0 are left"},
		{"empty skipped", `"double"`, true, nil, "field r.x: byte 0: truncated"},
		{"too long", `"int"`, false, []byte{0, 0}, "byte 1: 1 bytes more than the record has"},
		{"overflow", `"long"`, false, []byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 2}, "more than 64 bits"},
		{"endless varint", `"long"`, true, []byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, "more than 64 bits"},
		{"int of 33 bits", `"int"`, false, varints(1 << 31), "no 32-bit integer"},
		{"skipped int of 33 bits", `"int"`, true, varints(1 << 31), "no 32-bit integer"},
		{"union", `["null","double"]`, false, varints(2), "union has no branch 2"},
		{"negative union", `["null","double"]`, false, varints(-1), "union has no branch -1"},
		{"big union", `["null","long","string"]`, false, varints(3), "union has no branch 3"},
		{"skipped union", `["null","long","string"]`, true, varints(1 << 40), "union has no branch"},
		{"boolean", `["boolean","int"]`, true, append(varints(0), 2), "boolean is 2"},
		{"enum", `{"type":"enum","name":"E","symbols":["A","B"]}`, true, varints(2), "enum has no symbol 2"},
		{"negative enum", `{"type":"enum","name":"E","symbols":["A","B"]}`, true, varints(-1), "enum has no symbol -1"},
		{"string", `"string"`, true, varints(math.MaxInt64), "length 9223372036854775807"},
		{"negative string", `"string"`, true, varints(-1), "length -1"},
		{"a billion doubles", `{"type":"array","items":"double"}`, false, varints(1e9), "array block of 1000000000 elements, 0 bytes are left"},
		{"2^63 elements", `{"type":"array","items":"double"}`, false, varints(math.MinInt64), "block of 2^63 items"},
		{"2^63-1 elements", `{"type":"array","items":["null","int"]}`, false, varints(math.MaxInt64), "elements"},
		{"block size", `{"type":"array","items":"double"}`, false, varints(-1, math.MaxInt64), "block of 9223372036854775807 bytes"},
		{"negative block size", `{"type":"array","items":"double"}`, false, varints(-1, -1), "block of -1 bytes"},
		{"wrong block size", `{"type":"array","items":"int"}`, false, varints(-1, 2, 1, 1, 0), "its head says"},
		{"too many elements", `{"type":"array","items":"int"}`, false, append(append(varints(101), make([]byte, 101)...), 0), "more than 100 elements"},
		{"too many in blocks", `{"type":"array","items":"int"}`, false, append(append(append(varints(99), make([]byte, 99)...), varints(2)...), 0, 0, 0), "more than 100 elements"},
		{"nulls", `{"type":"array","items":"null"}`, true, varints(1<<31, 0), "block of 2147483648 items"},
		{"a few nulls", `{"type":"array","items":"null"}`, true, varints(100, 100, 0), ""},
		{"skipped strings", `{"type":"array","items":"string"}`, true, varints(1e9), "block of 1000000000 items"},
		{"map", `{"type":"map","values":"int"}`, true, varints(1, 100), "length 100"},
		{"element", `{"type":"array","items":["null","int"]}`, false, varints(2, 0, 7), "field r.x[1]: byte 2: union has no branch 7"},
		{"int element", `{"type":"array","items":"int"}`, false, varints(2, 0, 1<<40), "field r.x[1]"},
		{"decimal", `{"type":"bytes","logicalType":"decimal","precision":4}`, false, varints(5), "decimal of 5 bytes, 0 are left"},
		{"negative decimal", `{"type":"bytes","logicalType":"decimal","precision":4}`, false, varints(-5), "decimal of -5 bytes"},
		{"huge decimal", `{"type":"bytes","logicalType":"decimal","precision":4}`, false, append(varints(1000), make([]byte, 1000)...), "more than 512"},
		{"nested", `["null","R"]`, true, []byte(strings.Repeat("\x02", 1<<20)), "nested deeper than 500"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sel := Selection{MaxElements: 100}
			if test.skip {
				sel.Exclude = []Pattern{pattern(t, "r.x")}
			}
			_, _, d := build(t, record(strings.Replace(all, "%", test.typ, 1)), sel)
			var row Row
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := d.Decode(test.body, &row)
			runtime.ReadMemStats(&after)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var e *DecodeError
			if !errors.As(err, &e) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if got, most := after.TotalAlloc-before.TotalAlloc, uint64(2*len(test.body)+64<<10); got > most {
				t.Errorf("%d bytes allocated", got)
			}
		})
	}
}

// A skipped schema that expands to 2^40 records must not take 2^40 steps.
func TestWideSchemaIsSkippedQuickly(t *testing.T) {
	for _, leaf := range []string{"null", "int"} {
		wide := fmt.Sprintf(`{"type":"record","name":"W0","fields":[{"name":"n","type":%q}]}`, leaf)
		for i := 1; i <= 40; i++ {
			wide = fmt.Sprintf(`{"type":"record","name":"W%d","fields":[{"name":"a","type":%s},{"name":"b","type":"W%d"}]}`, i, wide, i-1)
		}
		_, _, d := build(t, record(`{"name":"m","type":{"type":"map","values":`+wide+`}}`), Selection{})
		body := append(varints(1, 0), make([]byte, 1000)...)
		if leaf == "null" {
			body = varints(2, 0, 0, 0)
		}
		err := d.Decode(body, &Row{})
		if (err == nil) != (leaf == "null") {
			t.Errorf("%s: %v", leaf, err)
		}
	}
}

func TestAbsentAndForeignFields(t *testing.T) {
	text := record(`{"name":"b","type":"double"}`, `{"name":"a","type":["null","int"]}`)
	s1 := parse(t, record(`{"name":"a","type":"double"}`, `{"name":"v","type":{"type":"array","items":"int"}}`))
	s2 := parse(t, text)
	f1, _, _ := Project(s1, Selection{})
	f2, _, _ := Project(s2, Selection{})
	narrow, err := Derive("x", "y", nil, f1, ops(t, "mean"), stats.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := Derive("x", "y", narrow, f2, ops(t, "mean"), stats.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	decode := func(a *Aggregated, body []byte, row *Row) {
		t.Helper()
		d, err := NewDecoder(s2, Selection{}, a)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(body, row); err != nil {
			t.Fatal(err)
		}
	}
	var row Row
	body := encode(t, avro.MustParse(text), map[string]any{"b": 1.0, "a": int32(2)})
	decode(narrow, body, &row)
	if !sameFloats(row.Scalars, []float64{2, stats.Absent}) || row.Arrays[1] != nil {
		t.Errorf("narrow: %v %v", row.Scalars, row.Arrays)
	}
	decode(wide, body, &row)
	if !sameFloats(row.Scalars, []float64{2, stats.Absent, 1}) || row.Arrays[1] != nil {
		t.Errorf("wide: %v %v", row.Scalars, row.Arrays)
	}
}

// TestDecimals compares with exact rational arithmetic.
func TestDecimals(t *testing.T) {
	r := newRand(1)
	var s decimalScratch
	for range 20_000 {
		b := randomBytes(r, 1+r.IntN(30), 0)
		if r.IntN(3) == 0 {
			b[0] = []byte{0, 0xff, 0x80, 0x7f}[r.IntN(4)]
		}
		scale := int32(r.IntN(40))
		unscaled := new(big.Int).SetBytes(b)
		if b[0] >= 0x80 {
			unscaled.Sub(unscaled, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		rat := new(big.Rat).SetFrac(unscaled, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
		want, _ := rat.Float64()
		if got := s.value(b, scale); got != want {
			t.Fatalf("%x scale %d: %v, want %v", b, scale, got, want)
		}
	}
	for _, x := range []struct {
		b     []byte
		scale int32
		want  float64
	}{
		{nil, 0, 0}, {[]byte{1}, math.MaxInt32, 0}, {[]byte{0xff}, 0, -1},
		{append([]byte{0x7f}, make([]byte, 200)...), 0, math.Inf(1)},
		{append([]byte{0x80}, make([]byte, 200)...), 0, math.Inf(-1)},
	} {
		if got := s.value(x.b, x.scale); got != x.want {
			t.Errorf("%x scale %d: %v, want %v", x.b, x.scale, got, x.want)
		}
	}
}

// Marks must not be forged: a NaN of the data with a mark's payload is a NaN.
func TestNaNPayloads(t *testing.T) {
	_, _, d := build(t, record(`{"name":"x","type":"double"}`, `{"name":"y","type":["null","double"]}`, `{"name":"z","type":{"type":"array","items":"double"}}`), Selection{})
	var row Row
	for _, v := range []float64{stats.Null, stats.Absent, math.NaN(), math.Float64frombits(0xfff0_0000_0000_0001)} {
		x := binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))
		body := append(append(append([]byte(nil), x...), 2), x...)
		body = append(append(append(body, 2), x...), 0)
		if err := d.Decode(body, &row); err != nil {
			t.Fatal(err)
		}
		if !sameFloats(row.Scalars, []float64{stats.NaN, stats.NaN, 0}) || !sameFloats(row.Arrays[2], []float64{stats.NaN}) {
			t.Errorf("%x: %v %v", math.Float64bits(v), row.Scalars, row.Arrays)
		}
	}
}

func TestClones(t *testing.T) {
	s, _, d := build(t, record(`{"name":"x","type":{"type":"array","items":["null","long"]}}`), Selection{})
	body := encode(t, s, map[string]any{"x": []any{int64(1), nil, int64(3)}})
	done := make(chan error)
	for range 4 {
		go func(d *Decoder) {
			var row Row
			var err error
			for range 100 {
				if err = d.Decode(body, &row); err == nil && !sameFloats(row.Arrays[0], []float64{1, stats.Null, 3}) {
					err = errors.New("wrong elements")
				}
			}
			done <- err
		}(d.Clone())
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
