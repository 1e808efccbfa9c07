package codec

import (
	"fmt"
	"math"
)

// skip executes one instruction that passes over values.
func (d *Decoder) skip(p *program, pc int, b []byte, pos int, row *Row, depth int) (int, error) {
	in := &p.code[pc]
	n := int(in.n)
	switch in.op {
	case opSkipBytes:
		if left := len(b) - pos; left < n {
			return p.fail(pc, left, pos, truncated(n, left))
		}
		return pos + n, nil

	case opSkipInt, opSkipLong:
		for i := range n {
			v, next := varint(b, pos)
			if next < 0 {
				return p.fail(pc, i, pos, badVarint(next))
			}
			if in.op == opSkipInt && v != int64(int32(v)) {
				return p.fail(pc, i, pos, fmt.Sprintf("%d is no 32-bit integer", v))
			}
			pos = next
		}
		return pos, nil

	case opSkipEnum:
		v, next := varint(b, pos)
		if next < 0 {
			return p.fail(pc, 0, pos, badVarint(next))
		}
		if uint64(v) >= uint64(n) {
			return p.fail(pc, 0, pos, fmt.Sprintf("enum has no symbol %d", v))
		}
		return next, nil

	case opSkipBoolean:
		for i := range n {
			if pos >= len(b) {
				return p.fail(pc, i, pos, truncated(1, 0))
			}
			if b[pos] > 1 {
				return p.fail(pc, i, pos, fmt.Sprintf("boolean is %d", b[pos]))
			}
			pos++
		}
		return pos, nil

	case opSkipText:
		for i := range n {
			next, reason := skipText(b, pos)
			if reason != "" {
				return p.fail(pc, i, pos, reason)
			}
			pos = next
		}
		return pos, nil

	case opSkipArray, opSkipMap:
		return d.skipBlocks(p, pc, b, pos, row, depth)
	}
	panic(fmt.Sprintf("BUG: opcode %d", in.op))
}

// skipText passes over bytes or a string.
func skipText(b []byte, pos int) (next int, reason string) {
	size, next := varint(b, pos)
	if next < 0 {
		return pos, badVarint(next)
	}
	if size < 0 || size > int64(len(b)-next) {
		return pos, fmt.Sprintf("length %d, %d bytes are left", size, len(b)-next)
	}
	return next + int(size), ""
}

// block reads the head of a block of an array or map: how many items follow
// (0: no more blocks), and where the block ends (-1 if it does not say).
func block(b []byte, pos int) (items int64, next, end int, reason string) {
	items, next = varint(b, pos)
	if next < 0 {
		return 0, pos, -1, badVarint(next)
	}
	if items >= 0 {
		return items, next, -1, ""
	}
	if items == math.MinInt64 {
		return 0, pos, -1, "block of 2^63 items"
	}
	size, after := varint(b, next)
	if after < 0 {
		return 0, pos, -1, badVarint(after)
	}
	if size < 0 || size > int64(len(b)-after) {
		return 0, pos, -1, fmt.Sprintf("block of %d bytes, %d are left", size, len(b)-after)
	}
	return -items, after, after + int(size), ""
}

// skipBlocks passes over an array or map. Blocks that say how long they are
// are jumped over.
func (d *Decoder) skipBlocks(p *program, pc int, b []byte, pos int, row *Row, depth int) (int, error) {
	in := &p.code[pc]
	sub := d.subs[in.m]
	least := sub.min
	if in.op == opSkipMap {
		least++ // the key's length
	}
	if depth >= maxCalls {
		return p.fail(pc, 0, pos, fmt.Sprintf("values nested deeper than %d levels", maxCalls))
	}
	for {
		items, next, end, reason := block(b, pos)
		if reason != "" {
			return p.fail(pc, 0, pos, reason)
		}
		if items == 0 {
			return next, nil
		}
		if end >= 0 {
			pos = end
			continue
		}
		if least == 0 {
			// Items without bytes, as in an array of nulls: nothing to pass over.
			if items > int64(d.maxElements) {
				return p.fail(pc, 0, pos, fmt.Sprintf("block of %d items, more than %d", items, d.maxElements))
			}
			pos = next
			continue
		}
		if items > int64(len(b)-next)/least {
			return p.fail(pc, 0, pos, fmt.Sprintf("block of %d items, %d bytes are left", items, len(b)-next))
		}
		pos = next
		for range items {
			if in.op == opSkipMap {
				if pos, reason = skipText(b, pos); reason != "" {
					return p.fail(pc, 0, pos, reason)
				}
			}
			var err error
			if pos, err = d.run(sub, b, pos, nil, row, depth+1); err != nil {
				return pos, within(err, p.where(pc, 0))
			}
		}
	}
}
