package codec

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// maxCalls bounds how deep records that are skipped may be nested in the
// data (a linked list is one level per element).
const maxCalls = 500

// varint reads an Avro long. next is where it ends; negative values are
// errors for badVarint.
func varint(b []byte, pos int) (v int64, next int) {
	if pos < len(b) && b[pos] < 0x80 {
		u := b[pos]
		return int64(u>>1) ^ -int64(u&1), pos + 1
	}
	var u uint64
	for shift := 0; shift < 70; shift += 7 {
		if pos >= len(b) {
			return 0, -1
		}
		c := b[pos]
		pos++
		u |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if shift == 63 && c > 1 {
				return 0, -2
			}
			return int64(u>>1) ^ -int64(u&1), pos
		}
	}
	return 0, -2
}

func badVarint(next int) string {
	if next == -1 {
		return "truncated inside an integer"
	}
	return "integer of more than 64 bits"
}

func (p *program) fail(pc, part, pos int, reason string) (int, error) {
	return pos, &DecodeError{Path: p.where(pc, part), Offset: pos, Reason: reason}
}

func truncated(need, left int) string {
	return fmt.Sprintf("truncated: needs %d bytes, %d are left", need, left)
}

// within puts the path of what contains it before the path of an error.
func within(err error, outer string) error {
	if e, ok := err.(*DecodeError); ok && outer != "" {
		if e.Path != "" {
			outer += "." + e.Path
		}
		e.Path = outer
	}
	return err
}

// run executes a program on b from pos, stores numbers in dst and returns
// where it ended.
func (d *Decoder) run(p *program, b []byte, pos int, dst []float64, row *Row, depth int) (int, error) {
	var err error
	for pc := 0; pc < len(p.code); pc++ {
		in := &p.code[pc]
		n := int(in.n)
		switch in.op {
		case opDouble:
			left := len(b) - pos
			if left < 8*n {
				return p.fail(pc, left/8, pos+left/8*8, truncated(8, left%8))
			}
			doubles(dst[in.slot:int(in.slot)+n], b[pos:])
			pos += 8 * n

		case opFloat:
			left := len(b) - pos
			if left < 4*n {
				return p.fail(pc, left/4, pos+left/4*4, truncated(4, left%4))
			}
			floats(dst[in.slot:int(in.slot)+n], b[pos:])
			pos += 4 * n

		case opNullableDouble, opNullableFloat:
			next, done, reason := nullables(dst[in.slot:int(in.slot)+n], b, pos, in.op, int64(in.m))
			if reason != "" {
				return p.fail(pc, done, next, reason)
			}
			pos = next

		case opInt:
			out := dst[in.slot : int(in.slot)+n]
			for i := range out {
				v, next := varint(b, pos)
				if next < 0 {
					return p.fail(pc, i, pos, badVarint(next))
				}
				if v != int64(int32(v)) {
					return p.fail(pc, i, pos, fmt.Sprintf("%d is no 32-bit integer", v))
				}
				out[i] = float64(v)
				pos = next
			}

		case opLong:
			out := dst[in.slot : int(in.slot)+n]
			for i := range out {
				v, next := varint(b, pos)
				if next < 0 {
					return p.fail(pc, i, pos, badVarint(next))
				}
				f, rest := stats.SplitInt64(v)
				if rest != 0 {
					row.Rests = append(row.Rests, Rest{Slot: in.slot + int32(i), Element: in.m, Value: rest})
				}
				out[i] = f
				pos = next
			}

		case opBoolean:
			out := dst[in.slot : int(in.slot)+n]
			for i := range out {
				if pos >= len(b) {
					return p.fail(pc, i, pos, truncated(1, 0))
				}
				if b[pos] > 1 {
					return p.fail(pc, i, pos, fmt.Sprintf("boolean is %d", b[pos]))
				}
				out[i] = float64(b[pos])
				pos++
			}

		case opDecimalBytes:
			size, next := varint(b, pos)
			if next < 0 {
				return p.fail(pc, 0, pos, badVarint(next))
			}
			if size < 0 || size > int64(len(b)-next) {
				return p.fail(pc, 0, pos, fmt.Sprintf("decimal of %d bytes, %d are left", size, len(b)-next))
			}
			if size > maxDecimal {
				return p.fail(pc, 0, pos, fmt.Sprintf("decimal of %d bytes, more than %d", size, maxDecimal))
			}
			pos = next + int(size)
			dst[in.slot] = d.scratch.value(b[next:pos], in.m)

		case opDecimalFixed:
			if len(b)-pos < n {
				return p.fail(pc, 0, pos, truncated(n, len(b)-pos))
			}
			if n > maxDecimal {
				return p.fail(pc, 0, pos, fmt.Sprintf("decimal of %d bytes, more than %d", n, maxDecimal))
			}
			dst[in.slot] = d.scratch.value(b[pos:pos+n], in.m)
			pos += n

		case opEnum:
			if pos, err = d.enum(p, pc, b, pos, dst); err != nil {
				return pos, err
			}

		case opList:
			if pos, err = d.list(p, pc, b, pos, row, depth); err != nil {
				return pos, err
			}

		case opKeys:
			if pos, err = d.keys(p, pc, b, pos, dst, row, depth); err != nil {
				return pos, err
			}

		case opAnyDecimal:
			if pos, err = d.anyDecimal(p, pc, b, pos, dst); err != nil {
				return pos, err
			}

		case opUnsigned:
			if pos, err = unsigned(p, pc, b, pos, dst, row); err != nil {
				return pos, err
			}

		case opArray, opAppend:
			if pos, err = d.array(p, pc, b, pos, row, depth); err != nil {
				return pos, err
			}

		case opNull:
			for i := range n {
				dst[int(in.slot)+i] = stats.Null
			}

		case opNullArray:
			row.Scalars[in.slot] = stats.Null
			row.Arrays[in.slot] = nil

		case opUnion:
			branch, next := varint(b, pos)
			if next < 0 {
				return p.fail(pc, 0, pos, badVarint(next))
			}
			if uint64(branch) >= uint64(n) {
				return p.fail(pc, 0, pos, fmt.Sprintf("union has no branch %d", branch))
			}
			pos = next
			pc = int(p.targets[int(in.m)+int(branch)]) - 1

		case opOther:
			d.noted = append(d.noted, in.n)

		case opJump:
			pc = n - 1

		case opTime:
			t := &d.times[in.m]
			row.Times[t.slot] = t.read(b, pos)

		case opCall:
			if depth >= maxCalls {
				return p.fail(pc, 0, pos, fmt.Sprintf("records nested deeper than %d levels", maxCalls))
			}
			if pos, err = d.run(d.subs[in.m], b, pos, nil, row, depth+1); err != nil {
				return pos, within(err, p.where(pc, 0))
			}

		default:
			if pos, err = d.skip(p, pc, b, pos, row, depth); err != nil {
				return pos, err
			}
		}
	}
	return pos, nil
}

// doubles reads len(out) doubles from b, which has that many.
func doubles(out []float64, b []byte) {
	b = b[:8*len(out)]
	for i := range out {
		v := math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		if v != v {
			v = stats.NaN // whatever its payload, it must not look like one of our marks
		}
		out[i] = v
	}
}

// floats reads len(out) floats from b, which has that many.
func floats(out []float64, b []byte) {
	b = b[:4*len(out)]
	for i := range out {
		v := float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])))
		if v != v {
			v = stats.NaN
		}
		out[i] = v
	}
}

// nullables reads len(out) unions of null, which is branch null, and double
// or float. On failure it says why, how many it has read, and where it is.
func nullables(out []float64, b []byte, pos int, op opcode, null int64) (next, done int, reason string) {
	size := 8
	if op == opNullableFloat {
		size = 4
	}
	for i := range out {
		branch, at := varint(b, pos)
		switch {
		case at < 0:
			return pos, i, badVarint(at)
		case branch == null:
			out[i] = stats.Null
			pos = at
			continue
		case uint64(branch) > 1:
			return pos, i, fmt.Sprintf("union has no branch %d", branch)
		case len(b)-at < size:
			return at, i, truncated(size, len(b)-at)
		}
		var v float64
		if size == 8 {
			v = math.Float64frombits(binary.LittleEndian.Uint64(b[at:]))
		} else {
			v = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[at:])))
		}
		if v != v {
			v = stats.NaN
		}
		out[i] = v
		pos = at + size
	}
	return pos, len(out), ""
}
