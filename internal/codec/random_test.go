package codec

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
)

// randomType is a random Avro type that can write random values of itself.
type randomType struct {
	kind     string // of the generator: null, boolean, …, decimal, record, ref
	name     string
	fields   []*randomType // record; names f0, f1 …
	names    []string
	elem     *randomType // array, map
	branches []*randomType
	size     int
	ref      *randomType
}

type generator struct {
	r     *rand.Rand
	count int
	open  []*randomType // records that are being made, for recursion
	done  []*randomType // records that can be referred to
}

func (g *generator) pick(kinds ...string) string { return kinds[g.r.IntN(len(kinds))] }

var leafKinds = []string{
	"double", "double", "float", "int", "long", "boolean", "string", "bytes", "enum", "fixed",
	"decimal", "decimalfixed", "timestamp", "null", "duration", "bigdecimal", "variable", "unsigned", "connecttime",
}

// bases are the types that others stand on: a union has each once.
var bases = map[string]string{"timestamp": "long", "unsigned": "long", "connecttime": "long", "decimal": "bytes", "bigdecimal": "bytes", "variable": "record"}

func (g *generator) typ(depth int) *randomType {
	kind := g.pick(leafKinds...)
	if depth > 0 && g.r.IntN(2) == 0 {
		kind = g.pick("record", "array", "array", "map", "union", "union", "union", "ref")
	}
	return g.make(kind, depth)
}

func (g *generator) make(kind string, depth int) *randomType {
	g.count++
	t := &randomType{kind: kind, name: fmt.Sprintf("T%d", g.count)}
	switch kind {
	case "fixed":
		t.size = g.r.IntN(12)
	case "decimalfixed":
		t.size = 1 + g.r.IntN(20)
	case "enum":
		t.size = 1 + g.r.IntN(200)
	case "array", "map":
		t.elem = g.typ(depth - 1)
	case "union":
		seen := map[string]bool{}
		for range 1 + g.r.IntN(4) {
			k := g.pick("null", "double", "float", "int", "long", "boolean", "string", "decimal", "record", "record", "array", "timestamp", "map", "enum", "variable", "unsigned")
			base := bases[k]
			if base == "" {
				base = k
			}
			if (k == "record" || k == "array" || k == "map") && depth <= 0 || seen[base] && base != "record" && base != "enum" {
				continue
			}
			seen[base] = true
			t.branches = append(t.branches, g.make(k, depth-1))
		}
		if len(t.branches) == 0 {
			t.branches = []*randomType{g.make("null", 0)}
		}
		if len(g.open) > 0 && !seen["record"] && seen["null"] && g.r.IntN(3) == 0 {
			t.branches = append(t.branches, &randomType{kind: "ref", ref: g.open[g.r.IntN(len(g.open))]})
		}
	case "ref":
		if len(g.done) == 0 {
			return g.make("double", 0)
		}
		t.ref = g.done[g.r.IntN(len(g.done))]
	case "record":
		g.record(t, depth-1, g.r.IntN(6))
	}
	return t
}

func (g *generator) record(t *randomType, depth, n int) {
	g.open = append(g.open, t)
	for i := range n {
		t.names = append(t.names, fmt.Sprintf("f%d", i))
		t.fields = append(t.fields, g.typ(depth))
	}
	g.open = g.open[:len(g.open)-1]
	g.done = append(g.done, t)
}

// randomRecord makes the schema of a topic.
func randomRecord(r *rand.Rand) *randomType {
	g := &generator{r: r}
	t := &randomType{kind: "record", name: "Top"}
	g.record(t, 4, 1+r.IntN(10))
	return t
}

// randomTop makes the schema of a topic that is no record: a number, or a union
// of records, of which some fields are called alike, and whatever else.
func randomTop(r *rand.Rand) *randomType {
	g := &generator{r: r}
	numbers := []string{"double", "float", "int", "long", "decimal", "decimalfixed"}
	if r.IntN(4) == 0 {
		return g.make(g.pick(numbers...), 0)
	}
	g.count++
	t := &randomType{kind: "union", name: fmt.Sprintf("T%d", g.count)}
	seen := map[string]bool{}
	for range 1 + r.IntN(6) {
		k := g.pick("record", "record", "record", "null", "double", "int", "decimal", "string", "timestamp", "map", "array", "boolean", "enum")
		base := bases[k]
		if base == "" {
			base = k
		}
		if seen[base] && k != "record" && k != "enum" {
			continue
		}
		seen[base] = true
		t.branches = append(t.branches, g.make(k, 3))
	}
	if !seen["record"] && !seen["double"] {
		t.branches = append(t.branches, g.make("double", 0))
	}
	return t
}

func (t *randomType) text() string {
	b, err := json.Marshal(t.json())
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (t *randomType) json() any {
	switch t.kind {
	case "decimal":
		return map[string]any{"type": "bytes", "logicalType": "decimal", "precision": 60, "scale": 25}
	case "decimalfixed":
		return map[string]any{"type": "fixed", "name": t.name, "size": t.size, "logicalType": "decimal", "precision": 2, "scale": 1}
	case "timestamp":
		return map[string]any{"type": "long", "logicalType": "timestamp-micros"}
	case "bigdecimal":
		return map[string]any{"type": "bytes", "logicalType": "big-decimal"}
	case "unsigned":
		return map[string]any{"type": "long", "logicalType": "uint64"}
	case "connecttime":
		return map[string]any{"type": "long", "connect.name": "io.debezium.time.MicroTimestamp"}
	case "variable":
		return map[string]any{"type": "record", "name": t.name, "connect.name": variableDecimal, "fields": []any{
			map[string]any{"name": "scale", "type": "int"}, map[string]any{"name": "value", "type": "bytes"},
		}}
	case "duration":
		return map[string]any{"type": "fixed", "name": t.name, "size": 12, "logicalType": "duration"}
	case "fixed":
		return map[string]any{"type": "fixed", "name": t.name, "size": t.size}
	case "enum":
		symbols := make([]string, t.size)
		for i := range symbols {
			symbols[i] = fmt.Sprintf("S%d", i)
		}
		return map[string]any{"type": "enum", "name": t.name, "symbols": symbols}
	case "array":
		return map[string]any{"type": "array", "items": t.elem.json()}
	case "map":
		return map[string]any{"type": "map", "values": t.elem.json()}
	case "union":
		out := []any{}
		for _, b := range t.branches {
			out = append(out, b.json())
		}
		return out
	case "record":
		fields := []any{}
		for i, f := range t.fields {
			fields = append(fields, map[string]any{"name": t.names[i], "type": f.json()})
		}
		return map[string]any{"type": "record", "name": t.name, "fields": fields}
	case "ref":
		return t.ref.name
	}
	return t.kind
}

// encode appends a random value. As depth runs out, unions with null are null.
func (t *randomType) encode(r *rand.Rand, b []byte, depth int) []byte {
	switch t.kind {
	case "null":
	case "boolean":
		b = append(b, byte(r.IntN(2)))
	case "int":
		b = binary.AppendVarint(b, int64(int32(r.Uint32())>>r.IntN(32)))
	case "long":
		b = binary.AppendVarint(b, int64(r.Uint64())>>r.IntN(64))
	case "unsigned":
		b = binary.AppendVarint(b, int64(r.Uint64()>>r.IntN(64)))
	case "bigdecimal":
		b = appendText(b, binary.AppendVarint(appendText(nil, randomBytes(r, 1+r.IntN(20), 0)), int64(r.IntN(30)-10)))
	case "variable":
		b = appendText(binary.AppendVarint(b, int64(r.IntN(30)-10)), randomBytes(r, r.IntN(20), 0))
	case "timestamp", "connecttime":
		b = binary.AppendVarint(b, r.Int64N(1<<50))
	case "float":
		b = binary.LittleEndian.AppendUint32(b, r.Uint32())
	case "double":
		bits := r.Uint64()
		if r.IntN(10) == 0 {
			bits |= 0x7ff << 52 // NaN, mostly
		}
		b = binary.LittleEndian.AppendUint64(b, bits)
	case "string":
		b = appendText(b, randomBytes(r, r.IntN(20), 'a'))
	case "bytes":
		b = appendText(b, randomBytes(r, r.IntN(20), 0))
	case "decimal":
		b = appendText(b, randomBytes(r, 1+r.IntN(24), 0))
	case "decimalfixed", "fixed":
		b = append(b, randomBytes(r, t.size, 0)...)
	case "duration":
		b = append(b, randomBytes(r, 12, 0)...)
	case "enum":
		b = binary.AppendVarint(b, int64(r.IntN(t.size)))
	case "record":
		for _, f := range t.fields {
			b = f.encode(r, b, depth-1)
		}
	case "ref":
		b = t.ref.encode(r, b, depth-1)
	case "union":
		i := r.IntN(len(t.branches))
		for j, x := range t.branches {
			if depth < 0 && x.kind == "null" {
				i = j
			}
		}
		b = binary.AppendVarint(b, int64(i))
		b = t.branches[i].encode(r, b, depth-1)
	case "array", "map":
		for depth >= 0 && r.IntN(2) == 0 {
			var items []byte
			n := 1 + r.IntN(4)
			for range n {
				if t.kind == "map" {
					items = appendText(items, randomBytes(r, r.IntN(5), 'a'))
				}
				items = t.elem.encode(r, items, depth-1)
			}
			if r.IntN(2) == 0 {
				b = binary.AppendVarint(b, int64(n))
			} else {
				b = binary.AppendVarint(b, -int64(n))
				b = binary.AppendVarint(b, int64(len(items)))
			}
			b = append(b, items...)
		}
		b = append(b, 0)
	}
	return b
}

func appendText(b, text []byte) []byte {
	return append(binary.AppendVarint(b, int64(len(text))), text...)
}

func randomBytes(r *rand.Rand, n int, letters byte) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
		if letters != 0 {
			out[i] = letters + out[i]%26
		}
	}
	return out
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, math.MaxUint32)) }
