package codec

import (
	"fmt"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// Symbols of enums whose values are samples stand in the aggregated schema, so
// there are limits.
const (
	maxSymbols     = 1000    // of an enum
	maxSymbolBytes = 1 << 20 // of all enums of a schema
)

// union appends to a list of symbols those that it lacks. The list itself stays.
func union(symbols, more []string) []string {
	switch {
	case len(symbols) == 0:
		return more
	case len(more) == 0 || slices.Equal(symbols, more):
		return symbols
	}
	at := indexes(symbols)
	symbols = slices.Clip(symbols)
	for _, s := range more {
		if _, ok := at[s]; !ok {
			at[s] = len(symbols)
			symbols = append(symbols, s)
		}
	}
	return symbols
}

// indexes are the places of symbols in a list; of one that is there twice, the first.
func indexes(symbols []string) map[string]int {
	at := make(map[string]int, len(symbols))
	for i, s := range symbols {
		if _, ok := at[s]; !ok {
			at[s] = i
		}
	}
	return at
}

// symbols are those of the enums whose values are samples of t, and whether there
// is room for them.
func (p *projection) symbols(t *typ) (symbols []string, ok bool) {
	if !p.sel.sampling(t).enums {
		return nil, true
	}
	for _, b := range t.types() {
		if b.kind == kindEnum && b.size <= maxSymbols {
			symbols = union(symbols, b.symbols)
		}
	}
	for _, s := range symbols {
		p.enums += len(s) + len(`"",`)
	}
	return symbols, p.enums <= maxSymbolBytes
}

// whyNotEnum says why the symbols of an enum are no samples.
func (t *typ) whyNotEnum() string {
	if t.size > maxSymbols {
		return "enums of more than 1000 symbols do not count"
	}
	return "enums count only when asked for (fields.enums)"
}

// enum is the table of what the symbols of an enum are as samples of a field: their
// indexes in the aggregated schema, which are not those in the schema of the record
// if symbols were moved. One that is not there, as a registry has refused the
// version that has it, is null.
func (c *compiler) enum(t *typ, field int) int32 {
	table := make([]float64, len(t.symbols))
	at := indexes(c.d.aggregated.Fields[c.slots[field]].Symbols)
	for i, s := range t.symbols {
		table[i] = stats.Null
		if index, ok := at[s]; ok {
			table[i] = float64(index)
		}
	}
	c.d.enums = append(c.d.enums, table)
	return int32(len(c.d.enums) - 1)
}

// enum reads the symbol of an enum.
func (d *Decoder) enum(p *program, pc int, b []byte, pos int, dst []float64) (int, error) {
	in := &p.code[pc]
	v, next := varint(b, pos)
	if next < 0 {
		return p.fail(pc, 0, pos, badVarint(next))
	}
	if uint64(v) >= uint64(in.n) {
		return p.fail(pc, 0, pos, fmt.Sprintf("enum has no symbol %d", v))
	}
	dst[in.slot] = d.enums[in.m][v]
	return next, nil
}
