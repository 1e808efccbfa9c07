package codec

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

func enum(symbols ...string) string {
	return `{"type":"enum","name":"E","symbols":["` + strings.Join(symbols, `","`) + `"]}`
}

// TestEnums: a sample is the index of the symbol in the aggregated schema, which
// it keeps whatever later source schemas do with it.
func TestEnums(t *testing.T) {
	sel := Selection{Enums: true}
	schema := func(symbols ...string) *Schema {
		return parse(t, record(field("e", enum(symbols...)), field("n", `["null","E"]`), field("l", array(`"E"`)), field("m", `["int","E"]`)))
	}
	body := func(e int) []byte {
		b := byte(2 * e)
		return []byte{b, 2, b, 4, b, 0, 0, 2, b}
	}
	version := func(base *Aggregated, s *Schema) *Aggregated {
		fields, _, err := Project(s, sel)
		if err != nil {
			t.Fatal(err)
		}
		a := derive(t, base, fields, "mean")
		if base != nil && base.Covers(fields, base.Operations) != (base.Text == a.Text) {
			t.Errorf("a version covers fields that need another text, or the reverse:\n%s\n%s", base.Text, a.Text)
		}
		again, err := ParseAggregated(a.Text)
		if err != nil {
			t.Fatal(err)
		}
		return again
	}
	indexes := func(a *Aggregated, s *Schema, e int) string {
		d, err := NewDecoder(s, sel, a)
		if err != nil {
			t.Fatal(err)
		}
		var row Row
		if err := d.Decode(body(e), &row); err != nil {
			t.Fatal(err)
		}
		hostile(t, d, body(e), 1)
		if !stats.IsNull(row.Scalars[3]) {
			t.Errorf("beside a number a symbol is %v", row.Scalars[3])
		}
		if got := fmt.Sprint(row.Scalars[:2], row.Arrays[2]); !strings.Contains(got, "NaN") {
			return got
		}
		return "null"
	}
	first, moved, fewer := schema("OFF", "ON"), schema("FAULT", "OFF", "ON"), schema("ON")
	a := version(nil, first)
	if got := indexes(a, first, 1); got != "[1 1] [1 0]" {
		t.Errorf("ON is %s", got)
	}
	if got := indexes(a, moved, 0); got != "null" {
		t.Errorf("a symbol that is not in the aggregated schema is %s", got)
	}
	b := version(a, moved)
	if !slices.Equal(b.Fields[0].Symbols, []string{"OFF", "ON", "FAULT"}) || !slices.Equal(b.Fields[2].Symbols, b.Fields[0].Symbols) || len(b.Fields[3].Symbols) > 0 {
		t.Errorf("symbols %q", b.Fields[0].Symbols)
	}
	for e, want := range []string{"[2 2] [2 2]", "[0 0] [0 2]", "[1 1] [1 2]"} {
		if got := indexes(b, moved, e); got != want {
			t.Errorf("symbol %d is %s, want %s", e, got, want)
		}
	}
	if got := indexes(b, fewer, 0); got != "[1 1] [1 1]" {
		t.Errorf("the only symbol ON is %s", got)
	}
	if c := version(b, fewer); c.Text != b.Text {
		t.Errorf("fewer symbols make another version:\n%s", c.Text)
	}
	many := make([]string, maxSymbols+1)
	for i := range many {
		many[i] = fmt.Sprint("S", i)
	}
	if fields, left := projectText(t, record(field("e", enum(many...))), sel); len(fields) > 0 || !strings.Contains(left[0].Reason, "more than 1000 symbols") {
		t.Errorf("%v %v", fields, left)
	}
}
