package stats

import (
	"math"
	"slices"
)

// scatterSize is the largest number of values that scatterSort can scatter;
// its scratch is on the stack.
const scatterSize = 2048

// scatterSort sorts values, among which there is no NaN. Each goes to one of
// as many buckets of equal width as there are values, which brings it next to
// its place; insertion does the rest. The bucket is a monotone function of the
// value, see picker. Values that crowd in a few buckets are sorted as usual.
func scatterSort(values []float64) {
	n := len(values)
	if n <= fewSamples {
		sortFew(values)
		return
	}
	lo, hi := values[0], values[0]
	for _, x := range values {
		if x < lo {
			lo = x
		}
		if x > hi {
			hi = x
		}
	}
	scale := (float64(n) - 0.5) / (hi - lo)
	if n > scatterSize || !(scale > 0 && scale <= math.MaxFloat64) {
		slices.Sort(values) // too many, equal, or too far apart
		return
	}
	var ids, counts [scatterSize]uint16
	var sorted [scatterSize]float64
	for i, x := range values {
		b := uint16(int32((x-lo)*scale)) & (scatterSize - 1)
		ids[i] = b
		counts[b]++
	}
	most, from := uint16(0), uint16(0)
	for b, c := range counts[:n] {
		most = max(most, c)
		counts[b] = from
		from += c
	}
	if most > fewSamples {
		slices.Sort(values)
		return
	}
	for i, x := range values {
		b := ids[i]
		sorted[counts[b]&(scatterSize-1)] = x
		counts[b]++
	}
	copy(values, sorted[:n])
	sortFew(values)
}
