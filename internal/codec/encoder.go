package codec

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// Encoder writes the records of one aggregated topic. It has no state that
// changes, so it is safe for concurrent use.
type Encoder struct {
	header [5]byte // the wire format's: zero, then the schema id, big-endian
	plan   []run
	ops    int
	most   int // bytes that all scalars and heads can take
}

// run is a row of fields whose results lie next to each other: first is the
// index of the first result, count how many. first < 0: there are none.
type run struct {
	first, count int
	array        bool
}

// Head is what every aggregated record starts with.
type Head struct {
	Time       float64 // middle of the window, seconds
	Start, End int64   // milliseconds since the epoch
	Size       float64 // seconds
	Count      int64   // records in the window
}

// Results are the values of one window, at index slot*ops + operation. NaN
// means no value. A nil array has no values at all.
type Results struct {
	Scalars []float64
	Arrays  [][]float64
}

// NewEncoder makes an encoder for records of a, registered as schemaID.
// slots has, for each of a.Fields, the slot in Results that holds its values,
// or -1 if there are none: then null, or an empty array, is written. ops is
// how many operations Results have per slot; the first ones are a.Operations.
func NewEncoder(a *Aggregated, schemaID int, slots []int, ops int) *Encoder {
	if len(slots) != len(a.Fields) || ops < len(a.Operations) {
		panic(fmt.Sprintf("BUG: %d slots for %d fields, %d operations for %d", len(slots), len(a.Fields), ops, len(a.Operations)))
	}
	e := &Encoder{ops: ops}
	binary.BigEndian.PutUint32(e.header[1:], uint32(schemaID))
	n := len(a.Operations)
	scalars := 0
	for i, f := range a.Fields {
		next := run{first: -1, count: n, array: f.Array && !f.Pool}
		if slots[i] >= 0 {
			next.first = slots[i] * ops
		}
		scalars += n
		if last := len(e.plan) - 1; last >= 0 {
			prev := &e.plan[last]
			gone := prev.first < 0 && next.first < 0
			if prev.array == next.array && (gone || prev.first >= 0 && next.first == prev.first+prev.count) {
				prev.count += n
				continue
			}
		}
		e.plan = append(e.plan, next)
	}
	e.most = len(e.header) + 2*8 + 3*binary.MaxVarintLen64 + 9*scalars
	return e
}

// Append writes one record, with its wire header, behind dst.
func (e *Encoder) Append(dst []byte, h Head, r *Results) []byte {
	dst = slices.Grow(dst, e.most)
	dst = append(dst, e.header[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(h.Time))
	dst = binary.AppendVarint(dst, h.Start)
	dst = binary.AppendVarint(dst, h.End)
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(h.Size))
	dst = binary.AppendVarint(dst, h.Count)
	for _, p := range e.plan {
		switch {
		case p.first < 0:
			for range p.count {
				dst = append(dst, 0) // null, or the end of an array
			}
		case p.array:
			for _, values := range r.Arrays[p.first : p.first+p.count] {
				dst = appendArray(dst, values)
			}
		default:
			for _, v := range r.Scalars[p.first : p.first+p.count] {
				if v != v {
					dst = append(dst, 0)
					continue
				}
				dst = append(dst, 2)
				dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
			}
		}
	}
	return dst
}

func appendArray(dst []byte, values []float64) []byte {
	if len(values) == 0 {
		return append(dst, 0)
	}
	dst = binary.AppendVarint(dst, int64(len(values)))
	dst = slices.Grow(dst, 8*len(values)+1)
	for _, v := range values {
		if v != v {
			v = stats.NaN // one NaN only, so that the same window has the same bytes
		}
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
	}
	return append(dst, 0)
}
