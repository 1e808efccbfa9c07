package example

import (
	"encoding/binary"
	"math"
)

// Generator makes the records of one topic. Two generators with the same
// arguments make the same bytes.
type Generator struct {
	fields []state
	random random
	header [5]byte // Confluent wire format: 0, schema id
}

// NewGenerator returns the generator of topic t's records.
func NewGenerator(seed uint64, t Topic) *Generator {
	g := &Generator{
		fields: make([]state, t.Fields),
		random: random{state: seed ^ uint64(t.Index+1)*0xd1342543de82ef95},
	}
	binary.BigEndian.PutUint32(g.header[1:], uint32(t.SchemaID))
	for i := range g.fields {
		g.fields[i] = state{
			phase: g.random.uniform(),
			scale: 5 * math.Exp2(2*g.random.uniform()+2), // 5 to 80 s
		}
	}
	return g
}

// Size is the length of a record in bytes.
func (g *Generator) Size() int { return len(g.header) + 8*(1+len(g.fields)) }

// Append appends the next record, made at t (ns since the Unix epoch), in
// Confluent's wire format.
func (g *Generator) Append(dst []byte, t int64) []byte {
	return g.AppendData(append(dst, g.header[:]...), t)
}

// AppendData appends the next record without what names its schema.
func (g *Generator) AppendData(dst []byte, t int64) []byte {
	seconds := float64(t) / 1e9
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(seconds))
	for i := range g.fields {
		v := shapes[i%len(shapes)].next(&g.fields[i], seconds, &g.random)
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
	}
	return dst
}
