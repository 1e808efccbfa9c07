package codec

import (
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// shown are scalars with their marks.
func shown(values []float64) (out []string) {
	for _, v := range values {
		switch {
		case stats.IsNull(v):
			out = append(out, "null")
		case stats.IsAbsent(v):
			out = append(out, "absent")
		default:
			out = append(out, strconv.FormatFloat(v, 'g', -1, 64))
		}
	}
	return out
}

func sameRow(t *testing.T, got, want *Row) bool {
	t.Helper()
	ok := sameFloats(got.Scalars, want.Scalars) && slices.Equal(sorted(got.Rests), sorted(want.Rests))
	for i := range want.Arrays {
		ok = ok && (got.Arrays[i] == nil) == (want.Arrays[i] == nil) && sameFloats(got.Arrays[i], want.Arrays[i])
	}
	if !ok {
		t.Errorf("got  %s %v %v\nwant %s %v %v", shown(got.Scalars), got.Arrays, got.Rests, shown(want.Scalars), want.Arrays, want.Rests)
	}
	return ok
}

// TestDifferential compares the decoder with the reference on random schemas and
// records, all of which the library takes, and feeds it every prefix and random
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
		sel := Selection{Booleans: seed%2 == 0, Enums: seed%5 < 2}
		if seed%4 < 2 {
			sel.Maps = []ArrayRule{{pattern(t, "/./"), ArrayPool}}
		}
		x := &reference{booleans: sel.Booleans, enums: sel.Enums, maps: len(sel.Maps) > 0}
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
			if top.kind != "record" {
				tops += len(a.Fields)
			}
			if !sameRow(t, &row, x.row(t, top, a, body)) {
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
