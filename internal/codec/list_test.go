package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

func array(of string) string { return `{"type":"array","items":` + of + `}` }
func mapOf(of string) string { return `{"type":"map","values":` + of + `}` }

// decoded shows a value, encoded by the library, as fields by name: "-" is null.
func decoded(t *testing.T, text string, sel Selection, v any) string {
	t.Helper()
	a, d := decoder(t, text, sel)
	var row Row
	if err := d.Decode(encode(t, avro.MustParse(text), v), &row); err != nil {
		t.Fatal(err)
	}
	one := func(v float64) string {
		switch {
		case stats.IsNull(v):
			return "-"
		case stats.IsAbsent(v):
			return "absent"
		}
		return fmt.Sprint(v)
	}
	var out []string
	for slot, f := range a.Fields {
		text := f.Name + "="
		switch {
		case row.Arrays[slot] != nil:
			var list []string
			for _, v := range row.Arrays[slot] {
				list = append(list, one(v))
			}
			text += "[" + strings.Join(list, " ") + "]"
		default:
			text += one(row.Scalars[slot])
		}
		if f.Pool {
			text = "pool " + text
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// TestLists: arrays of records, arrays within arrays, and maps.
func TestLists(t *testing.T) {
	type m = map[string]any
	everything := []ArrayRule{{pattern(t, "/./"), ArrayPool}}
	item := rec("I", field("x", `["null","double"]`), field("n", `"long"`), field("s", `"string"`), field("w", array(`"int"`)))
	one := m{"x": 1.5, "n": int64(3), "s": "a", "w": []any{int32(7), int32(8)}}
	two := m{"x": nil, "n": int64(4), "s": "b", "w": []any{}}
	elements := Selection{Arrays: []ArrayRule{{pattern(t, "a.x"), ArrayElements}, {pattern(t, "a.w"), ArrayElements}, {pattern(t, "a_n"), ArraySkip}}}
	for _, c := range []struct {
		name, typ string
		sel       Selection
		value     any
		want      string
	}{
		{"records", array(item), Selection{}, []any{one, two}, "pool a_x=[1.5 -], pool a_n=[3 4], pool a_w=[7 8]"},
		{"no records", array(item), Selection{}, []any{}, "pool a_x=[], pool a_n=[], pool a_w=[]"},
		{"element by element", array(item), elements, []any{one, two}, "a_x=[1.5 -]"},
		{"skipped", array(item), Selection{Arrays: []ArrayRule{{pattern(t, "a"), ArraySkip}}}, []any{one}, ""},
		{"nullable", `["null",` + array(item) + `]`, Selection{}, []any{one}, "pool a_x=[1.5], pool a_n=[3], pool a_w=[7 8]"},
		{"null", `["null",` + array(item) + `]`, Selection{}, nil, "pool a_x=-, pool a_n=-, pool a_w=-"},
		{"of nullable records", array(`["null",` + item + `]`), Selection{}, []any{nil, one}, "pool a_x=[- 1.5], pool a_n=[- 3], pool a_w=[7 8]"},
		{"matrix", array(array(`"double"`)), Selection{}, []any{[]any{1.0, 2.0}, []any{}, []any{3.0}}, "pool a=[1 2 3]"},
		{"cube of nullables", array(array(array(`["null","int"]`))), Selection{}, []any{[]any{[]any{int32(1)}, []any{nil}}, []any{[]any{int32(2), int32(3)}}}, "pool a=[1 - 2 3]"},
		{"records in records", array(rec("O", field("i", array(rec("P", field("v", `"double"`)))), field("k", `"int"`))), Selection{},
			[]any{m{"i": []any{m{"v": 1.0}, m{"v": 2.0}}, "k": int32(5)}, m{"i": []any{m{"v": 3.0}}, "k": int32(6)}}, "pool a_i_v=[1 2 3], pool a_k=[5 6]"},
		{"nested record", array(rec("O", field("p", `["null",`+rec("P", field("v", `"double"`), field("u", `"int"`))+`]`))), Selection{},
			[]any{m{"p": m{"v": 1.0, "u": int32(2)}}, m{"p": nil}}, "pool a_p_v=[1 -], pool a_p_u=[2 -]"},
		{"map, unless asked for", mapOf(`"double"`), Selection{}, m{"k": 1.0}, ""},
		{"map", mapOf(`"double"`), Selection{Maps: everything}, m{"k": 1.0}, "pool a=[1]"},
		{"nullable map", `["null",` + mapOf(`["null","double"]`) + `]`, Selection{Maps: everything}, m{"k": nil}, "pool a=[-]"},
		{"map of records", mapOf(item), Selection{Maps: []ArrayRule{{pattern(t, "a"), ArrayPool}}}, m{"k": one}, "pool a_x=[1.5], pool a_n=[3], pool a_w=[7 8]"},
		{"another map", mapOf(item), Selection{Maps: []ArrayRule{{pattern(t, "b"), ArrayPool}}}, m{"k": one}, ""},
		{"map that is skipped first", mapOf(`"int"`), Selection{Maps: []ArrayRule{{pattern(t, "a"), ArraySkip}, everything[0]}}, m{"k": int32(1)}, ""},
		{"keys", mapOf(`["null","long"]`), Selection{MapKeys: []string{"a.k", "a.big", "a.l.m", "a.none"}, Maps: everything},
			m{"k": nil, "big": int64(1<<53 + 1), "l.m": int64(3), "other": int64(4)}, "a_k=-, a_big=9.007199254740992e+15, a_l_m=3, a_none=absent"},
		{"keys of no map", `["null",` + mapOf(`"double"`) + `]`, Selection{MapKeys: []string{"a.k"}}, nil, "a_k=-"},
		{"a key of texts", mapOf(`"string"`), Selection{MapKeys: []string{"a.k"}}, m{"k": "x"}, ""},
		{"keys in arrays", array(mapOf(`"long"`)), Selection{MapKeys: []string{"a.k", "a[].k"}}, []any{m{"k": int64(1)}}, ""},
		{"a number or keys", `["int",` + mapOf(`"double"`) + `]`, Selection{MapKeys: []string{"a.k"}}, m{"k": 1.5}, "a=-, a_k=1.5"},
		{"maps in arrays", array(mapOf(`"long"`)), Selection{Maps: everything}, []any{m{"k": int64(1)}, m{"l": int64(2)}}, "pool a=[1 2]"},
		{"map by element", mapOf(`"double"`), Selection{Maps: everything, Arrays: []ArrayRule{{pattern(t, "a"), ArrayElements}}}, m{"k": 1.0}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := decoded(t, record(field("a", c.typ)), c.sel, m{"a": c.value}); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// TestSeveralInAUnion: numbers, records and arrays in one union.
func TestSeveralInAUnion(t *testing.T) {
	temperature, pressure := rec("Temperature", field("value", `"double"`), field("unit", `"string"`)), rec("Pressure", field("value", `"float"`), field("pump", `"int"`))
	other := strings.Replace(pressure, `"name"`, `"namespace":"other","name"`, 1)
	for _, c := range []struct {
		name, typ string
		body      []byte
		want      string
	}{
		{"the first of two records", `["null",` + temperature + `,` + pressure + `]`, append([]byte{2}, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0), "u_Temperature_value=1.5, u_Pressure_value=-, u_Pressure_pump=-"},
		{"the second", `["null",` + temperature + `,` + pressure + `]`, []byte{4, 0, 0, 0, 0x40, 6}, "u_Temperature_value=-, u_Pressure_value=2, u_Pressure_pump=3"},
		{"neither", `["null",` + temperature + `,` + pressure + `]`, []byte{0}, "u_Temperature_value=-, u_Pressure_value=-, u_Pressure_pump=-"},
		{"two of one name", `[` + other + `,` + pressure + `]`, []byte{0, 0, 0, 0, 0x40, 6}, "u_other_Pressure_value=2, u_other_Pressure_pump=3, u_Pressure_value=-, u_Pressure_pump=-"},
		{"a number or a record", `["double","string",` + pressure + `]`, []byte{4, 0, 0, 0, 0x40, 6}, "u=-, u_value=2, u_pump=3"},
		{"which is a number", `["int","string",` + pressure + `,"long"]`, []byte{6, 8}, "u=4, u_value=-, u_pump=-"},
		{"or a text", `["double","string",` + pressure + `]`, []byte{2, 2, 'a'}, "u=-, u_value=-, u_pump=-"},
		{"a number or an array", `["int",` + array(`"int"`) + `]`, []byte{2, 2, 8, 0}, "u=-"},
		{"an array or a number", `[` + array(`"int"`) + `,"int"]`, []byte{2, 8}, "u=4"},
		{"a record or an array", `[` + pressure + `,` + array(`"int"`) + `]`, []byte{2, 2, 8, 0}, "u_value=-, u_pump=-, u=[4]"},
		{"a number or records", `["int",` + array(pressure) + `]`, []byte{2, 2, 0, 0, 0, 0x40, 6, 0}, "u=-, pool u_value=[2], pool u_pump=[3]"},
		{"or a number", `["int",` + array(pressure) + `]`, []byte{0, 8}, "u=4, pool u_value=-, pool u_pump=-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, d := decoder(t, record(field("u", c.typ), field("z", `"int"`)), Selection{Exclude: []Pattern{pattern(t, "z")}})
			var row Row
			body := append(c.body, 2)
			if err := d.Decode(body, &row); err != nil {
				t.Fatal(err)
			}
			var out []string
			for i, f := range a.Fields {
				text := f.Name + "="
				if f.Pool {
					text = "pool " + text
				}
				switch {
				case row.Arrays[i] != nil:
					text += fmt.Sprint(row.Arrays[i])
				case stats.IsNull(row.Scalars[i]):
					text += "-"
				default:
					text += fmt.Sprint(row.Scalars[i])
				}
				out = append(out, text)
			}
			if got := strings.Join(out, ", "); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			others := []Branch(nil)
			counts := map[*Branch]int64{}
			d.CountOthers(counts)
			for b := range counts {
				others = append(others, *b)
			}
			want := []Branch(nil)
			switch {
			case strings.HasPrefix(c.name, "or a text"):
				want = []Branch{{"u", "string"}}
			case strings.HasPrefix(c.name, "a number or an array"):
				want = []Branch{{"u", "array<int>"}}
			}
			if !slices.Equal(others, want) {
				t.Errorf("others %v, want %v", others, want)
			}
			hostile(t, d, body, 3)
		})
	}
}

// TestBadLists: what cannot be read is refused, with the path of the element.
func TestBadLists(t *testing.T) {
	all := Selection{Maps: []ArrayRule{{pattern(t, "/./"), ArrayPool}}, MaxElements: 3}
	item := rec("I", field("x", `["null","int"]`), field("w", array(`"int"`)))
	wide := `["null",` + rec("W", repeat(100, func(i int) string { return field(fmt.Sprint("f", i), `"int"`) })) + `]`
	for _, c := range []struct{ typ, body, want string }{
		{array(item), "\x04\x00\x00\x02\x80", "field a[1].x: byte 4: truncated inside an integer"},
		{array(item), "\x04\x00\x00\x02\x02\x02\x80", "field a[1].w[0]: byte 6: truncated inside an integer"},
		{array(item), "\x02\x04\x00\x00", "field a[0].x: byte 1: union has no branch 2"},
		{array(item), "\x08", "field a: byte 0: array block of 4 elements, 0 bytes are left"},
		{array(item), "\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00", "field a: byte 0: array of more than 3 elements (fields.max_elements)"},
		{array(item), "\x04\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00", "field a: byte 5: array of more than 3 elements (fields.max_elements)"},
		{array(item), "\x03\x02\x00\x00\x00\x00", "field a: byte 6: array block ends at byte 6, its head says 3"},
		{array(item), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "field a: byte 0: block of 2^63 items"},
		{array(array(`"int"`)), "\x04\x04\x02\x02\x00\x04\x02\x02\x00\x00", "field a[1]: byte 5: array of more than 3 elements (fields.max_elements)"},
		{array(array(item)), "\x02\x02\x02\x80", "field a[0][0].x: byte 3: truncated inside an integer"},
		{mapOf(`"int"`), "\x02\x02k\x80", `field a{"k"}: byte 3: truncated inside an integer`},
		{mapOf(`"int"`), "\x02\x08k\x80", "field a: byte 1: length 4, 2 bytes are left"},
		{mapOf(item), "\x02\x02k\x02\x02\x02\x80", `field a{"k"}.w[0]: byte 6: truncated inside an integer`},
		{array(wide), "\x06\x00\x00\x00\x00", "field a: byte 0: 3 elements with 100 fields each, far more than the bytes of the record"},
	} {
		_, d := decoder(t, record(field("a", c.typ)), all)
		err := d.Decode([]byte(c.body), new(Row))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s % x: %v, want %s", c.typ, c.body, err, c.want)
		}
	}
}

// TestBodyBombs: whatever a record says, reading it takes memory in proportion to
// its bytes, and what is said of it too.
func TestBodyBombs(t *testing.T) {
	all := Selection{Maps: []ArrayRule{{pattern(t, "/./"), ArrayPool}}}
	long := func(v int64) []byte { return binary.AppendVarint(nil, v) }
	wide := rec("W", repeat(2000, func(i int) string { return field(fmt.Sprint("f", i), `"int"`) }))
	deep := strings.Repeat(`{"type":"array","items":`, 60) + `["null","double"]` + strings.Repeat("}", 60)
	nulls := append(long(60_000), make([]byte, 60_001)...)
	for _, c := range []struct {
		name, typ string
		body      []byte
	}{
		{"null records with 2000 fields", array(`["null",` + wide + `]`), nulls},
		{"records with a null record", array(rec("O", field("o", `["null",`+wide+`]`))), nulls},
		{"unions with many records", array(`["null",` + repeat(300, func(i int) string { return rec(fmt.Sprint("R", i), field("x", `"int"`)) }) + `]`), nulls},
		{"a null map", mapOf(`["null",` + wide + `]`), append(long(40_000), make([]byte, 80_001)...)},
		{"arrays of nulls in arrays", array(array(`["null","double"]`)), nulls},
		{"empty arrays", array(array(array(array(`"double"`)))), nulls},
		{"2^40 elements", array(wide), long(1 << 40)},
		{"2^62 elements", array(wide), long(1 << 62)},
		{"a block of 2^63", array(wide), long(math.MinInt64)},
		{"blocks in blocks", deep, []byte(strings.Repeat("\x02", 60) + "\xfe\xff\xff\xff\x0f")},
		{"many small blocks", deep, []byte(strings.Repeat("\x02", 60) + strings.Repeat("\x02\x00", 50_000))},
		{"a key of 2^40 bytes", mapOf(wide), append(long(1), long(1<<40)...)},
		{"a decimal of 2^40 bytes", array(rec("O", field("d", variable))), append(append(long(1), long(2)...), long(1<<40)...)},
		{"blocks of no bytes", array(wide), []byte(strings.Repeat("\x01\x00", 1000))},
	} {
		_, d := decoder(t, record(field("a", c.typ), field("b", strings.Replace(c.typ, `"name":"`, `"name":"b`, 1))), all)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := d.Decode(c.body, new(Row))
		runtime.ReadMemStats(&after)
		took := after.TotalAlloc - before.TotalAlloc
		t.Logf("%-30s %6d bytes: %5d KiB: %.100v", c.name, len(c.body), took>>10, err)
		if most := uint64(64*len(c.body) + 4<<20); took > most {
			t.Errorf("%s: %d KiB were allocated for %d bytes", c.name, took>>10, len(c.body))
		}
		var e *DecodeError
		if !errors.As(err, &e) || len(err.Error()) > 1000 {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
