// Package stats computes the statistics of the samples of one field in one
// window. It is a leaf: it knows neither Kafka, nor Avro, nor the clock.
package stats

import "math"

// A sample is stored as a float64. Two kinds of "no sample" are stored in the
// same place, as NaNs with a payload of their own, so that the samples of a
// field stay aligned with the records of the window without a bitmap.
const (
	nullBits   = 0x7ff8_0000_0000_0a11 // the field was null
	absentBits = 0x7ff8_0000_0000_0ab5 // the record's schema had no such field, or its array was shorter
	nanBits    = 0x7ff8_0000_0000_0001 // NaN as math.NaN gives it: a NaN that was in the data
)

// Null marks a null value in a Column; NaN marks a NaN of the data (decoders
// must store every NaN they read as this one); Absent marks a record that has
// no such field at all.
var (
	Null   = math.Float64frombits(nullBits)
	Absent = math.Float64frombits(absentBits)
	NaN    = math.Float64frombits(nanBits)
)

// IsNull and IsAbsent tell the marks from other NaNs.
func IsNull(v float64) bool   { return math.Float64bits(v) == nullBits }
func IsAbsent(v float64) bool { return math.Float64bits(v) == absentBits }

// Residual is what the nearest float64 of a 64-bit integer leaves out: the
// exact value of sample Row is Values[Row] + Value. |Value| <= 512.
type Residual struct {
	Row   int32
	Value int16
}

// SplitInt64 returns the float64 nearest to v and the rest: v = f + rest exactly.
func SplitInt64(v int64) (f float64, rest int16) {
	f = float64(v)
	if f == 1<<63 { // int64(f) would overflow
		return f, int16(v - math.MaxInt64 - 1)
	}
	return f, int16(v - int64(f))
}

// Kind says how a field's samples were typed in Avro. It decides in which
// arithmetic quantiles interpolate: exact integers, or float64 as Python does.
type Kind uint8

const (
	Real    Kind = iota // float, double, decimal, or a union with one of them
	Integer             // int, long and unions of them only (and booleans, where they count)
)

// Segment is the samples of one field in one window from one source
// partition, in offset order. Times has the event time (ns since the epoch)
// of each row and may be nil if no operation needs it; otherwise
// len(Times) >= len(Values). Residuals are sorted by Row and mostly empty.
//
// Where there were too many samples to be kept, Sketch has those that came
// before Values; else it is nil. Where windows share the segment, Tally may be
// that of Values, of which it must have been made.
type Segment struct {
	Values    []float64
	Residuals []Residual
	Times     []int64
	Sketch    *Sketch
	Tally     *Tally
}
