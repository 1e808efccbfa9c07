package codec

import (
	"testing"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// FuzzProject feeds texts of schemas: whatever parses is projected within
// the limits, can be derived and compiled, and gives a schema that parses.
func FuzzProject(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(randomRecord(newRand(seed)).text(), []byte("\x00\x02\x04"))
	}
	f.Add(record(`{"name":"a.b","type":"int"}`, `{"name":"1","type":["null","R"]}`), []byte{})
	f.Fuzz(func(t *testing.T, text string, body []byte) {
		s, err := ParseSchema(text)
		if err != nil {
			return
		}
		all, err := ParsePattern("/./")
		if err != nil {
			t.Fatal(err)
		}
		sel := Selection{Booleans: true, Enums: true, Unsigned: []Pattern{all}, Maps: []ArrayRule{{all, ArrayPool}}}
		fields, _, err := Project(s, sel)
		if err != nil {
			return
		}
		a, err := Derive("t", "s", nil, fields, ops(t, "mean"), stats.Inclusive)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseAggregated(a.Text); err != nil {
			t.Fatalf("%v\n%s", err, a.Text)
		}
		d, err := NewDecoder(s, sel, a)
		if err != nil {
			t.Fatal(err)
		}
		_ = d.Decode(body, &Row{})
	})
}

// FuzzDecode feeds bytes to decoders of random schemas and compares what is
// accepted, also by the library, with the reference.
func FuzzDecode(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, randomRecord(newRand(seed)).encode(newRand(seed+100), nil, 8))
	}
	f.Fuzz(func(t *testing.T, seed uint64, body []byte) {
		top := randomRecord(newRand(seed))
		s, a, d := build(t, top.text(), Selection{Booleans: true})
		var row Row
		if err := d.Decode(body, &row); err != nil {
			return
		}
		var v any
		if rest, err := s.Decode(body, &v); err != nil || len(rest) > 0 {
			return // stricter than we are, about what we skip
		}
		sameRow(t, &row, (&reference{booleans: true}).row(t, top, a, body))
	})
}

// FuzzParseSchema feeds texts: whatever the library takes, we take.
func FuzzParseSchema(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(randomRecord(newRand(seed)).text())
		f.Add(randomTop(newRand(seed)).text())
	}
	f.Add(`{"type":"record","name":"n.R","namespace":null,"fields":[{"name":"e","type":"enum","symbols":["A"],"default":5},{"name":"r","type":["null",{"type":"R"}],"units":"K"}]}`)
	f.Add("\ufeff/*c*/{\"type\":{\"type\":\"fixed\",\"name\":\".Z\",\"size\":\"3\",\"logicalType\":\"decimal\",\"precision\":64,\"scale\":127}}//")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := ParseSchema(text)
		if err == nil || len(text) > MaxText {
			return
		}
		if _, theirs := avro.Parse(text, avro.WithLaxNames(nil)); theirs == nil {
			t.Errorf("refused: %v", err)
		}
	})
}
