package codec

import (
	"math/big"
	"math/bits"
	"strconv"
	"unsafe"
)

// maxDecimal is the longest unscaled value that is read, in bytes: 1233
// digits, four times what a double can express.
const maxDecimal = 512

// pow10 are the powers of ten that a double holds exactly.
var pow10 = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// decimalScratch is memory for decimals that need more than one division.
type decimalScratch struct {
	text  []byte
	large big.Int
	mag   []byte
}

// value is the double nearest to a decimal: a big-endian two's complement
// integer divided by 10^scale. No bytes are 0.
func (s *decimalScratch) value(b []byte, scale int32) float64 {
	for len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80) {
		b = b[1:] // repeats the sign
	}
	if len(b) > 8 {
		return s.largeValue(b, scale)
	}
	var v int64
	if len(b) > 0 {
		v = int64(int8(b[0]))
		for _, c := range b[1:] {
			v = v<<8 | int64(c)
		}
	}
	if v > -1<<53 && v < 1<<53 { // where both are exact, this rounds once
		switch {
		case uint32(scale) < uint32(len(pow10)):
			return float64(v) / pow10[scale]
		case scale < 0 && scale > -int32(len(pow10)):
			return float64(v) * pow10[-scale]
		}
	}
	s.text = strconv.AppendInt(s.text[:0], v, 10)
	return s.parse(scale)
}

// largeValue goes by way of the decimal digits, which strconv rounds correctly.
func (s *decimalScratch) largeValue(b []byte, scale int32) float64 {
	s.text = s.text[:0]
	s.mag = append(s.mag[:0], b...)
	if b[0] >= 0x80 {
		s.text = append(s.text, '-')
		carry := true // the magnitude is the complement plus one; the sign bit leaves room for it
		for i := len(s.mag) - 1; i >= 0; i-- {
			s.mag[i] = ^s.mag[i]
			if carry {
				s.mag[i]++
				carry = s.mag[i] == 0
			}
		}
	}
	if len(s.mag) > 16 {
		s.text = s.large.SetBytes(s.mag).Append(s.text, 10)
		return s.parse(scale)
	}
	var hi, lo uint64 // up to 38 digits, without the memory that big.Int takes
	for _, c := range s.mag {
		hi, lo = hi<<8|lo>>56, lo<<8|uint64(c)
	}
	const e19 = 10_000_000_000_000_000_000
	top, rest := bits.Div64(hi%e19, lo, e19)
	over, mid := bits.Div64(hi/e19, top, e19)
	switch {
	case over > 0:
		s.text = strconv.AppendUint(s.text, over, 10)
		s.digits19(mid)
		s.digits19(rest)
	case mid > 0:
		s.text = strconv.AppendUint(s.text, mid, 10)
		s.digits19(rest)
	default:
		s.text = strconv.AppendUint(s.text, rest, 10)
	}
	return s.parse(scale)
}

// digits19 appends v with leading zeros.
func (s *decimalScratch) digits19(v uint64) {
	var d [19]byte
	for i := len(d) - 1; i >= 0; i-- {
		d[i] = '0' + byte(v%10)
		v /= 10
	}
	s.text = append(s.text, d[:]...)
}

func (s *decimalScratch) parse(scale int32) float64 {
	s.text = append(s.text, 'e')
	s.text = strconv.AppendInt(s.text, -int64(scale), 10)
	// ParseFloat does not keep its argument, so the text need not be copied.
	// Its only error here is a value out of range, which comes as ±Inf.
	v, _ := strconv.ParseFloat(unsafe.String(unsafe.SliceData(s.text), len(s.text)), 64)
	return v
}
