package eventtime

import (
	"math"
	"math/big"
	"math/bits"
)

// Unit is how many ns a unit has; 0 if it is not known.
type Unit int64

// The units that times are counted in.
const (
	Nanosecond  Unit = 1
	Microsecond Unit = 1e3
	Millisecond Unit = 1e6
	Second      Unit = 1e9
)

// units by what they are called in a configuration.
var units = map[string]Unit{"s": Second, "ms": Millisecond, "us": Microsecond, "ns": Nanosecond}

// ParseUnit is the unit of that name: s, ms, us or ns; 0 for any other.
func ParseUnit(name string) Unit { return units[name] }

// String is the name of the unit.
func (u Unit) String() string {
	for name, v := range units {
		if v == u {
			return name
		}
	}
	return "no unit"
}

// Form is how values mean a time.
type Form struct {
	Unit Unit // of numbers
	TAI  bool // they count, or read, TAI; else UTC
}

// Int is the time of a whole number of units.
func (f Form) Int(v int64) Time {
	switch {
	case v == 0:
		return No(Zero)
	case v < 0:
		return No(Past)
	}
	hi, ns := bits.Mul64(uint64(v), uint64(f.Unit))
	if hi > 0 || ns > math.MaxInt64 {
		return latest
	}
	return f.scaled(int64(ns))
}

// Float is the time of a number of units, to the nearest µs: the doubles near to the
// time of today are 0.24 µs apart if they count seconds, so that none is 0.1 s past
// a second. The nearest µs is what the producer meant.
func (f Form) Float(v float64) Time {
	switch {
	case v != v:
		return No(NaN)
	case v == 0:
		return No(Zero)
	case v < 0:
		return No(Past)
	case v*float64(f.Unit) >= math.MaxInt64:
		return latest
	}
	whole := int64(v)
	ns := whole * int64(f.Unit)
	switch rest := v - float64(whole); {
	case f.Unit == Nanosecond:
		ns = (min(ns, math.MaxInt64-1000) + 500) / 1000 * 1000
	case f.Unit == Second && ns < math.MaxInt64-2e9: // as nearly always
		ns += int64(rest*1e6+0.5) * 1000
	case ns < math.MaxInt64-2*int64(f.Unit):
		ns += int64(rest*float64(f.Unit/Microsecond)+0.5) * 1000
	}
	if ns == 0 { // less than half a µs
		return No(Zero)
	}
	return f.scaled(ns)
}

// maxScale is more digits behind the point than a decimal has that is not 0 to the ns.
const maxScale = 1300

// Decimal is the time of a decimal number of units: a big-endian integer in two's
// complement, divided by 10^scale. What is less than a ns is cut off.
func (f Form) Decimal(b []byte, scale int) Time {
	for len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80) {
		b = b[1:] // repeats the sign
	}
	switch {
	case len(b) == 0 || len(b) == 1 && b[0] == 0 || scale > maxScale:
		return No(Zero)
	case b[0] >= 0x80:
		return No(Past)
	case len(b) > 8 || scale >= len(tens):
		return f.large(b, scale)
	}
	v := uint64(0)
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	hi, lo := bits.Mul64(v, uint64(f.Unit))
	if hi >= tens[scale] {
		return latest
	}
	ns, _ := bits.Div64(hi, lo, tens[scale])
	switch {
	case ns == 0:
		return No(Zero)
	case ns > math.MaxInt64:
		return latest
	}
	return f.scaled(int64(ns))
}

// tens are the powers of ten that 64 bits hold.
var tens = func() (out [20]uint64) {
	for i, v := 0, uint64(1); i < len(out); i, v = i+1, v*10 {
		out[i] = v
	}
	return out
}()

func (f Form) large(b []byte, scale int) Time {
	v := new(big.Int).SetBytes(b)
	v.Mul(v, big.NewInt(int64(f.Unit)))
	v.Quo(v, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
	switch {
	case v.Sign() == 0:
		return No(Zero)
	case !v.IsInt64():
		return latest
	}
	return f.scaled(v.Int64())
}

// scaled is the time of ns that count from 1970 in the form's scale.
func (f Form) scaled(ns int64) Time {
	if f.TAI {
		if ns = UTC(ns); ns <= 0 {
			return No(Past)
		}
	}
	return Time(ns)
}
