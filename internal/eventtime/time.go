package eventtime

import "math"

// Time is a time in ns since 1970-01-01T00:00:00Z if it is positive, and a Reason why
// there is none otherwise. What is too late for ns in 64 bits, after the year 2262, is
// the latest there is, which is ahead of any clock.
type Time int64

const latest = Time(math.MaxInt64)

// Reason is why a value is not taken for the time of a record.
type Reason uint8

// The reasons in the order in which they are shown.
const (
	Missing    Reason = iota // the schema has no such field, or none that can have a time
	Null                     // or an empty text
	NaN                      // not a number
	Zero                     // the beginning of 1970, which is what a field holds that nobody has set
	Past                     // before 1970
	Future                   // further ahead than may be
	Unreadable               // a text that is no time, or a value of another type
	Reasons    = iota
)

// String is the reason in one word: missing, null, nan, zero, past, future or unreadable.
func (r Reason) String() string {
	return [Reasons]string{"missing", "null", "nan", "zero", "past", "future", "unreadable"}[r]
}

// No is that there is no time.
func No(r Reason) Time { return -1 - Time(r) }

// Valid reports whether it is a time.
func (t Time) Valid() bool { return t > 0 }

// Reason is why there is no time; only for those that are not valid.
func (t Time) Reason() Reason { return Reason(-1 - t) }
