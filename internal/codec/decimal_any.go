package codec

import "fmt"

// anyDecimal reads a decimal that comes with its scale: Debezium's
// VariableScaleDecimal, whose two fields may stand in either order, or Avro's
// big-decimal, which is bytes with the value, as bytes, and the scale in them.
func (d *Decoder) anyDecimal(p *program, pc int, b []byte, pos int, dst []float64) (int, error) {
	in := &p.code[pc]
	from, at, end := pos, pos, -1
	if in.m == 2 {
		text, next, reason := decimalBytes(b, pos)
		if reason != "" {
			return p.fail(pc, 0, pos, reason)
		}
		end, at = next, next-len(text)
		b = b[:end]
	}
	var value []byte
	var scale int64
	for i := range 2 {
		reason := ""
		if (in.m == 0) == (i == 0) { // the scale
			var next int
			if scale, next = varint(b, at); next < 0 {
				reason = badVarint(next)
			} else if scale != int64(int32(scale)) {
				reason = fmt.Sprintf("%d is no 32-bit integer", scale)
			} else {
				at = next
			}
		} else {
			value, at, reason = decimalBytes(b, at)
		}
		if reason != "" {
			return p.fail(pc, 0, at, reason)
		}
	}
	if end >= 0 && at != end {
		return p.fail(pc, 0, from, fmt.Sprintf("decimal with %d bytes behind it", end-at))
	}
	dst[in.slot] = d.scratch.value(value, int32(scale))
	return at, nil
}

// decimalBytes reads the bytes of a decimal.
func decimalBytes(b []byte, pos int) (value []byte, next int, reason string) {
	size, next := varint(b, pos)
	switch {
	case next < 0:
		return nil, pos, badVarint(next)
	case size < 0 || size > int64(len(b)-next):
		return nil, pos, fmt.Sprintf("decimal of %d bytes, %d are left", size, len(b)-next)
	case size > maxDecimal:
		return nil, pos, fmt.Sprintf("decimal of %d bytes, more than %d", size, maxDecimal)
	}
	return b[next : next+int(size)], next + int(size), ""
}
