package codec

import (
	"errors"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// number is what the library's generic value is as a sample.
func number(v any, booleans bool) (f float64, rest int16) {
	switch v := v.(type) {
	case int32:
		return float64(v), 0
	case int64:
		return stats.SplitInt64(v)
	case float32:
		f = float64(v)
	case float64:
		f = v
	case *big.Rat:
		f, _ = v.Float64()
	case bool:
		if !booleans {
			return stats.Null, 0
		}
		if v {
			f = 1
		}
	default:
		return stats.Null, 0
	}
	if math.IsNaN(f) {
		f = stats.NaN
	}
	return f, 0
}

// expected makes the row of a generically decoded record, field by field.
func expected(a *Aggregated, v any, booleans bool) *Row {
	row := &Row{Scalars: make([]float64, len(a.Fields)), Arrays: make([][]float64, len(a.Fields))}
	for slot, f := range a.Fields {
		at := v
		for _, step := range strings.Split(f.Path, ".") {
			if m, ok := at.(map[string]any); ok {
				at = m[step]
			} else {
				at = nil
			}
		}
		if !f.Array {
			var rest int16
			if row.Scalars[slot], rest = number(at, booleans); rest != 0 {
				row.Rests = append(row.Rests, Rest{Slot: int32(slot), Value: rest})
			}
			continue
		}
		elements, ok := at.([]any)
		if !ok {
			row.Scalars[slot] = stats.Null
			continue
		}
		row.Arrays[slot] = make([]float64, len(elements))
		for i, e := range elements {
			f, rest := number(e, booleans)
			row.Arrays[slot][i] = f
			if rest != 0 {
				row.Rests = append(row.Rests, Rest{Slot: int32(slot), Element: int32(i), Value: rest})
			}
		}
	}
	return row
}

func sameRow(t *testing.T, got, want *Row) bool {
	t.Helper()
	ok := sameFloats(got.Scalars, want.Scalars) && len(got.Rests) == len(want.Rests)
	ok = ok && (len(got.Rests) == 0 || reflect.DeepEqual(got.Rests, want.Rests))
	for i := range want.Arrays {
		ok = ok && (got.Arrays[i] == nil) == (want.Arrays[i] == nil) && sameFloats(got.Arrays[i], want.Arrays[i])
	}
	if !ok {
		t.Errorf("got  %v %v %v\nwant %v %v %v", got.Scalars, got.Arrays, got.Rests, want.Scalars, want.Arrays, want.Rests)
	}
	return ok
}

// expectedTop makes the row of a record of a schema that is no record, with
// what the branch that it was written with is by itself.
func expectedTop(t *testing.T, s *Schema, sel Selection, a *Aggregated, body []byte, v any) *Row {
	t.Helper()
	top := s.root
	if top.kind == kindUnion {
		i, _ := varint(body, 0)
		top = top.branches[i]
	}
	value := map[string]any{"value": v}
	if top.kind != kindRecord && top.numeric(sel.Booleans) {
		v = value
	}
	row := expected(a, v, sel.Booleans)
	var its []Field
	union := false // of numbers only, which is one field that is null or not
	switch {
	case top.kind == kindRecord:
		fields, _, err := Project(&Schema{root: top}, sel)
		if err != nil {
			t.Fatal(err)
		}
		its = fields
	case top.numeric(sel.Booleans):
		its = []Field{{Path: "value"}}
	default:
		union = true
	}
	for slot, f := range a.Fields {
		if !union && !slices.ContainsFunc(its, func(g Field) bool { return g.Path == f.Path && g.Array == f.Array }) {
			row.Scalars[slot], row.Arrays[slot] = stats.Absent, nil
			row.Rests = slices.DeleteFunc(row.Rests, func(r Rest) bool { return r.Slot == int32(slot) })
		}
	}
	return row
}

// TestDifferential compares the decoder with the library's generic decoding
// on random schemas and records, and feeds it every prefix and random
// changes of them. Of every third schema the top is no record.
func TestDifferential(t *testing.T) {
	fields, arrays, tops := 0, 0, 0
	for seed := range uint64(900) {
		r := newRand(seed)
		top := randomRecord(r)
		if seed%3 == 0 {
			top = randomTop(r)
		}
		s, err := avro.Parse(top.text())
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, top.text())
		}
		sel := Selection{Booleans: seed%2 == 0}
		source := parse(t, top.text())
		found, _, err := Project(source, sel)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		a, err := Derive("a", "s", nil, found, ops(t, "mean"), stats.Exclusive)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		d, err := NewDecoder(source, sel, a)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		fields += len(a.Fields)
		var row Row
		for range 5 {
			body := top.encode(r, nil, 8)
			var v any
			if rest, err := s.Decode(body, &v); err != nil || len(rest) > 0 {
				t.Fatalf("seed %d: the library: %v, %d bytes left\n%s", seed, err, len(rest), top.text())
			}
			if err := d.Decode(body, &row); err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, top.text())
			}
			want := expected(a, v, sel.Booleans)
			if top.kind != "record" {
				want = expectedTop(t, source, sel, a, body, v)
				tops += len(a.Fields)
			}
			if !sameRow(t, &row, want) {
				t.Fatalf("seed %d\n%s", seed, top.text())
			}
			for _, x := range row.Arrays {
				arrays += len(x)
			}
			hostile(t, d, body, r.Uint64())
		}
	}
	if fields < 1000 || arrays < 1000 || tops < 1000 {
		t.Errorf("only %d fields, %d elements and %d values of unions were compared", fields, arrays, tops)
	}
}

// hostile feeds every prefix of body, which must be refused, body with more
// behind it, and body with changed bits, which must do no harm.
func hostile(t *testing.T, d *Decoder, body []byte, seed uint64) {
	t.Helper()
	var row Row
	var e *DecodeError
	for n := range body {
		if err := d.Decode(body[:n], &row); !errors.As(err, &e) || e.Offset > n || e.Offset < 0 {
			t.Fatalf("%d of %d bytes: %v", n, len(body), err)
		}
	}
	if err := d.Decode(append(body[:len(body):len(body)], 0), &row); !errors.As(err, &e) {
		t.Fatalf("a byte too many: %v", err)
	}
	r := newRand(seed)
	for range 50 {
		bad := append([]byte(nil), body...)
		if len(bad) == 0 {
			return
		}
		for range 1 + r.IntN(3) {
			bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
		}
		_ = d.Decode(bad, &row)
	}
}
