package codec

import (
	"fmt"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// array decodes an array of numbers into the row. What is allocated is
// bounded by what the bytes can hold, not by what they announce.
func (d *Decoder) array(p *program, pc int, b []byte, pos int, row *Row, depth int) (int, error) {
	in := &p.code[pc]
	slot := in.slot
	least := int64(1)
	switch opcode(in.n) {
	case opDouble:
		least = 8
	case opFloat:
		least = 4
	case opElement:
		least = max(d.subs[in.m].min, 1)
	}
	out := row.buffers[slot]
	if in.op == opArray {
		out = out[:0]
	}
	for {
		items, next, end, reason := block(b, pos)
		if reason != "" {
			return p.fail(pc, 0, pos, reason)
		}
		if items == 0 {
			pos = next
			break
		}
		if reason := d.tooMany(items, least, len(b)-next, len(out)); reason != "" {
			return p.fail(pc, 0, pos, reason)
		}
		from := len(out)
		out = slices.Grow(out, int(items))[:from+int(items)]
		row.buffers[slot] = out
		pos = next
		var err error
		if pos, err = d.elements(p, pc, b, pos, out[from:], from, row, depth); err != nil {
			return pos, err
		}
		if end >= 0 && pos != end {
			return p.fail(pc, 0, pos, fmt.Sprintf("array block ends at byte %d, its head says %d", pos, end))
		}
	}
	if out == nil {
		out = make([]float64, 0, 1) // an empty array is not a missing one
		row.buffers[slot] = out
	}
	if in.op == opArray {
		row.Arrays[slot] = out
		row.Scalars[slot] = 0
	}
	return pos, nil
}

// elements decodes len(out) elements; first is the index of the first one.
func (d *Decoder) elements(p *program, pc int, b []byte, pos int, out []float64, first int, row *Row, depth int) (int, error) {
	in := &p.code[pc]
	switch opcode(in.n) {
	case opDouble:
		doubles(out, b[pos:])
		return pos + 8*len(out), nil
	case opFloat:
		floats(out, b[pos:])
		return pos + 4*len(out), nil
	case opNullableDouble, opNullableFloat:
		next, done, reason := nullables(out, b, pos, opcode(in.n), int64(in.m))
		if reason != "" {
			return d.failElement(p, pc, first+done, next, reason)
		}
		return next, nil
	case opInt:
		for i := range out {
			v, next := varint(b, pos)
			if next < 0 {
				return d.failElement(p, pc, first+i, pos, badVarint(next))
			}
			if v != int64(int32(v)) {
				return d.failElement(p, pc, first+i, pos, fmt.Sprintf("%d is no 32-bit integer", v))
			}
			out[i] = float64(v)
			pos = next
		}
		return pos, nil
	case opLong:
		for i := range out {
			v, next := varint(b, pos)
			if next < 0 {
				return d.failElement(p, pc, first+i, pos, badVarint(next))
			}
			f, rest := stats.SplitInt64(v)
			if rest != 0 {
				row.Rests = append(row.Rests, Rest{Slot: in.slot, Element: int32(first + i), Value: rest})
			}
			out[i] = f
			pos = next
		}
		return pos, nil
	}
	sub := d.subs[in.m]
	for i := range out {
		rests := len(row.Rests)
		next, err := d.run(sub, b, pos, d.element[:], row, depth+1)
		if err != nil {
			if e, ok := err.(*DecodeError); ok {
				e.Path = fmt.Sprintf("%s[%d]", p.where(pc, 0), first+i)
			}
			return pos, err
		}
		out[i] = d.element[0]
		for j := rests; j < len(row.Rests); j++ {
			row.Rests[j].Slot, row.Rests[j].Element = in.slot, int32(first+i)
		}
		pos = next
	}
	return pos, nil
}

func (d *Decoder) failElement(p *program, pc, i, pos int, reason string) (int, error) {
	return pos, &DecodeError{Path: fmt.Sprintf("%s[%d]", p.where(pc, 0), i), Offset: pos, Reason: reason}
}

// tooMany says why a block of elements, of least bytes each or more, cannot be: fewer bytes
// are left, or the array, which has some already, would be longer than arrays may be.
func (d *Decoder) tooMany(items, least int64, left, have int) string {
	switch {
	case items > int64(left)/least:
		return fmt.Sprintf("array block of %d elements, %d bytes are left", items, left)
	case items > int64(d.maxElements-have):
		return fmt.Sprintf("array of more than %d elements (fields.max_elements)", d.maxElements)
	}
	return ""
}
