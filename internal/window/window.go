// Package window has the arithmetic of windows: half-open intervals
// [start, start+size) aligned to the Unix epoch, in integer nanoseconds.
package window

import "math"

// Unset is the time before all times: the watermark of a partition that has
// had no record.
const Unset = math.MinInt64

// Start is the start of the tumbling window of the given size (ns, > 0) that
// holds the time t (ns since the epoch, may be negative).
func Start(t, size int64) int64 {
	r := t % size
	if r < 0 {
		r += size
	}
	if t < math.MinInt64+r { // the window that holds the oldest times of all
		return math.MinInt64
	}
	return t - r
}

// End is the end of the window that starts at start, at most the largest time.
func End(start, size int64) int64 {
	if start > math.MaxInt64-size {
		return math.MaxInt64
	}
	return start + size
}

// Back is t-d without overflow; Unset stays Unset.
func Back(t, d int64) int64 {
	if t == Unset || t < math.MinInt64+1+d {
		return Unset
	}
	return t - d
}

// Forward is t+d (d >= 0) without overflow; Unset stays Unset.
func Forward(t, d int64) int64 {
	if t == Unset {
		return Unset
	}
	if t > math.MaxInt64-d {
		return math.MaxInt64
	}
	return t + d
}
