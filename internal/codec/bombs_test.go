package codec

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// repeat joins n texts.
func repeat(n int, text func(i int) string) string {
	out := make([]string, n)
	for i := range out {
		out[i] = text(i)
	}
	return strings.Join(out, ",")
}

// bombs are small texts that mean a lot, and large ones.
func bombs() map[string]string {
	enums := func(n int) string {
		return repeat(n, func(i int) string { return fmt.Sprintf(`{"type":"enum","name":"E%d","symbols":[]}`, i) })
	}
	uses := func(n int, of, typ string) string {
		return record(`{"name":"a","type":`+of+`}`, repeat(n, func(i int) string { return fmt.Sprintf(`{"name":"a%d","type":%s}`, i, typ) }))
	}
	chain := repeat(50_000, func(i int) string {
		return fmt.Sprintf(`{"type":"record","name":"C%d","fields":[{"name":"x","type":"C%d"}]}`, i, i+1)
	})
	long := strings.Repeat("n", 4000)
	deepLong := `"double"`
	for i := range 60 {
		deepLong = rec(fmt.Sprint("D", i), field(long, deepLong))
	}
	wide := rec("W", repeat(19_000, func(i int) string { return field(fmt.Sprint("f", i), `"int"`) }))
	return map[string]string{
		"arrays of wide records":      uses(19_000, `{"type":"array","items":`+wide+`}`, `{"type":"array","items":"W"}`),
		"unions with wide records":    uses(19_000, `["int","string",`+wide+`]`, `["int","bytes","W"]`),
		"unions of many records":      uses(1000, "["+repeat(10_000, func(i int) string { return rec(fmt.Sprint("R", i), field("x", `"int"`)) })+"]", `["R0","R1",{"type":"array","items":"R2"}]`),
		"many branches of one record": record(field("u", `[`+rec("A", field("x", `"int"`))+`,`+repeat(100_000, func(int) string { return `"A"` })+`]`)),
		"arrays in arrays":            record(field("a", strings.Repeat(`{"type":"array","items":`, 900)+`"int"`+strings.Repeat("}", 900))),
		"arrays of records in arrays": record(field("a", strings.Join(slices.Collect(func(yield func(string) bool) {
			for i := range 300 {
				yield(fmt.Sprintf(`{"type":"array","items":{"type":"record","name":"D%d","fields":[{"name":"x","type":"int"},{"name":"a","type":`, i))
			}
		}), "")+`"int"`+strings.Repeat("}]}}", 300))),
		"maps of maps of wide records": uses(9000, `{"type":"map","values":{"type":"map","values":`+wide+`}}`, `{"type":"map","values":["null",{"type":"map","values":"W"}]}`),
		"enums with many symbols": record(repeat(3000, func(i int) string {
			return field(fmt.Sprint("e", i), fmt.Sprintf(`{"type":"enum","name":"E%d","symbols":[%s]}`, i, repeat(200, func(j int) string { return fmt.Sprintf(`"S%d"`, j) })))
		})),
		"one enum in many places": uses(19_000, `{"type":"enum","name":"E","symbols":[`+repeat(1000, func(j int) string { return fmt.Sprintf(`"S%d"`, j) })+`]}`, `"E"`),
		"2^40 fields in an array": record(field("m", `{"type":"array","items":`+rec("M", repeat(40, func(i int) string {
			if i == 0 {
				return `{"name":"x0","type":{"type":"record","name":"W0","fields":[{"name":"y","type":"int"}]}}`
			}
			return fmt.Sprintf(`{"name":"x%d","type":{"type":"record","name":"W%d","fields":[{"name":"a","type":"W%d"},{"name":"b","type":"W%d"}]}}`, i, i, i-1, i-1)
		}))+`}`)),
		"2^40 fields": record(repeat(40, func(i int) string {
			if i == 0 {
				return `{"name":"x0","type":{"type":"record","name":"W0","fields":[]}}`
			}
			return fmt.Sprintf(`{"name":"x%d","type":{"type":"record","name":"W%d","fields":[{"name":"a","type":"W%d"},{"name":"b","type":"W%d"}]}}`, i, i, i-1, i-1)
		})),
		"2^40 skipped": record(`{"name":"m","type":{"type":"map","values":` + rec("M", repeat(40, func(i int) string {
			if i == 0 {
				return `{"name":"x0","type":{"type":"record","name":"W0","fields":[{"name":"y","type":"int"}]}}`
			}
			return fmt.Sprintf(`{"name":"x%d","type":{"type":"record","name":"W%d","fields":[{"name":"a","type":"W%d"},{"name":"b","type":"W%d"}]}}`, i, i, i-1, i-1)
		})) + `}}`),
		"a wide union in many places": uses(19_000, rec("W", field("u", "["+enums(80_000)+"]")), `"W"`),
		"with a number":               uses(19_000, rec("W", field("u", `["int",`+enums(80_000)+"]")), `"W"`),
		"in arrays":                   uses(19_000, rec("W", field("u", `{"type":"array","items":["int",`+enums(80_000)+"]}")), `"W"`),
		"many fields in a wide union": record(field("u", "["+enums(70_000)+","+rec("W", repeat(19_000, func(i int) string { return field(fmt.Sprint("f", i), `"int"`) }))+"]")),
		"many branches with many fields": record(field("w", rec("W", repeat(300, func(i int) string { return field(fmt.Sprint("f", i), `"int"`) }))), repeat(60, func(i int) string {
			return field(fmt.Sprint("u", i), "[\"W\","+repeat(1000, func(j int) string { return fmt.Sprintf(`{"type":"fixed","name":"F%dx%d","size":1}`, i, j) })+"]")
		})),
		"many branches at the top": "[" + repeat(19_000, func(i int) string { return rec(fmt.Sprint("R", i), field(fmt.Sprint("f", i), `"int"`)) }) + "]",
		"the same at the top":      "[" + rec("W", repeat(9000, func(i int) string { return field(fmt.Sprint("f", i), `"int"`) })) + "," + repeat(5000, func(i int) string { return rec(fmt.Sprint("R", i), field("f", `"W"`)) }) + "]",
		"a chain of records":       record(`{"name":"m","type":{"type":"map","values":[` + chain + `,{"type":"fixed","name":"C50000","size":1}]}}`),
		"a long namespace": `{"type":"record","name":"R","namespace":"` + long + `","fields":[` + repeat(60_000, func(i int) string {
			return field(fmt.Sprint("f", i), fmt.Sprintf(`{"type":"fixed","name":"F%d","size":1}`, i))
		}) + "]}",
		"left out with long names": `{"type":"record","name":"R","namespace":"` + long + `","fields":[` + repeat(19_000, func(i int) string {
			return field(fmt.Sprint("f", i), fmt.Sprintf(`{"type":"fixed","name":"F%d","size":1}`, i))
		}) + "]}",
		"long names within each other": uses(10_000, deepLong, `"D59"`),
		"names of 200 bytes":           record(repeat(19_000, func(i int) string { return field(fmt.Sprintf("%s%d", long[:180], i), `"int"`) })),
		"nulls in nullable arrays":     uses(19_000, rec("W", field("u", `["null",{"type":"array","items":[`+strings.Repeat(`"null",`, 190_000)+`"int"]}]`)), `"W"`),
		"lists":                        strings.Repeat("[", MaxText),
		"objects":                      strings.Repeat(`{"type":`, MaxText/8),
		"a list of numbers":            `{"type":"record","name":"R","fields":[` + strings.Repeat("1,", MaxText/2-50) + "1]}",
		"a default of lists":           typed(`"int"`, `"default":`+strings.Repeat("[", MaxText/2)),
		"a default that is long":       typed(`"int"`, `"default":[`+strings.Repeat("{},", MaxText/4)+"1]"),
		"units that are long":          uses(19_000, rec("W", `{"name":"u","type":"int","units":"`+strings.Repeat("m", MaxText/4)+`"}`), `"W"`),
		"a definition again and again": record(repeat(19_000, func(i int) string {
			return field(fmt.Sprint("f", i), rec("W", field("x", "\"int\""), field("y", `["null","W"]`)))
		})),
		"attributes again and again":       `{` + strings.Repeat(`"type":"int",`, MaxText/14) + `"type":"int"}`,
		"unions of arrays of unions":       uses(19_000, rec("W", field("u", `{"type":"array","items":[`+enums(20_000)+`,{"type":"array","items":["int",`+repeat(20_000, func(i int) string { return fmt.Sprintf(`{"type":"fixed","name":"F%d","size":1}`, i) })+`]}]}`)), `"W"`),
		"a name that is referred to often": `{"type":"record","name":"` + long + `","fields":[` + repeat(1000, func(i int) string { return field(fmt.Sprint("f", i), `["null","`+long+`"]`) }) + "]}",
	}
}

// TestBombs: whatever a schema says, reading it costs memory in proportion to
// its text and the limits, not to what it means.
func TestBombs(t *testing.T) {
	const most = 800 << 20 // bytes allocated, most of them garbage at once
	all := bombs()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		text := all[name]
		if len(text) > MaxText {
			t.Errorf("%s: %d bytes", name, len(text))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		err := explode(text)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if err != nil && len(err.Error()) > 10_000 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
			err = fmt.Errorf("%.100s", err)
		}
		t.Logf("%-32s %7d bytes: %5d ms, %4d MiB: %v", name, len(text), took.Milliseconds(), (after.TotalAlloc-before.TotalAlloc)>>20, err)
		if after.TotalAlloc-before.TotalAlloc > most {
			t.Errorf("%s: %d MiB were allocated", name, (after.TotalAlloc-before.TotalAlloc)>>20)
		}
	}
}

// explode does with a schema all that a worker does.
func explode(text string) error {
	s, err := ParseSchema(text)
	if err != nil {
		return err
	}
	all, _ := ParsePattern("/./")
	sel := Selection{Booleans: true, Enums: true, Maps: []ArrayRule{{all, ArrayPool}}}
	fields, _, err := Project(s, sel)
	if err != nil {
		return err
	}
	var ops []stats.Operation
	for _, name := range []string{"min", "q1", "mean", "median", "stdev", "q3", "max"} {
		op, err := stats.ParseOperation(name)
		if err != nil {
			return err
		}
		ops = append(ops, op)
	}
	a, err := Derive("t", "s", nil, fields, ops, stats.Exclusive)
	if err != nil {
		return err
	}
	d, err := NewDecoder(s, sel, a)
	if err != nil {
		return err
	}
	_ = d.Decode(make([]byte, 1000), new(Row))
	return nil
}
