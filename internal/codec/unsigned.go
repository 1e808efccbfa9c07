package codec

import "github.com/lsst-sqre/kafka-aggregator/internal/stats"

// splitUnsigned is the sample of an unsigned integer that is kept in a long: up to
// 2^63 exactly, as that of any long, and above the nearest float64, which is off by
// at most 1024 and whose rest is lost.
func splitUnsigned(v int64) (f float64, rest int16) {
	if v < 0 {
		return float64(uint64(v)), 0
	}
	return stats.SplitInt64(v)
}

// unsigned reads n longs that hold unsigned integers, into n slots.
func unsigned(p *program, pc int, b []byte, pos int, dst []float64, row *Row) (int, error) {
	in := &p.code[pc]
	for i := range int(in.n) {
		v, next := varint(b, pos)
		if next < 0 {
			return p.fail(pc, i, pos, badVarint(next))
		}
		f, rest := splitUnsigned(v)
		if rest != 0 {
			row.Rests = append(row.Rests, Rest{Slot: in.slot + int32(i), Element: in.m, Value: rest})
		}
		dst[int(in.slot)+i] = f
		pos = next
	}
	return pos, nil
}
