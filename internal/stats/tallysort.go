package stats

import (
	"cmp"
	"math"
	"slices"
)

// tallySorter is the scratch of Tally.sort.
type tallySorter struct {
	counts [maxBuckets]uint16
	rows   []uint16
}

// tallyBucket is how many samples, or up to twice as many, a bucket has on
// average.
const tallyBucket = 1

// tallyBuckets is how many buckets there are for n samples, and the scale that
// goes with it. It is false if the samples are too far apart, or too close.
func tallyBuckets(n int, lo, hi float64) (buckets int, scale float64, ok bool) {
	if hi-lo == 0 { // and finite
		return 1, 0, true
	}
	buckets = 1
	for buckets < maxBuckets && 2*tallyBucket*buckets <= n {
		buckets *= 2
	}
	scale = (float64(buckets) - 0.5) / (hi - lo) // see picker.spread
	return buckets, scale, scale > 0 && scale <= math.MaxFloat64
}

// sort puts the rows of the samples in buckets, and in order in those that are
// crowded.
func (t *Tally) sort(values, samples []float64, s *tallySorter) {
	buckets, scale, ok := tallyBuckets(len(samples), t.lo, t.hi)
	if !ok {
		return
	}
	first := buckets + 1
	index := slices.Grow(t.index, first+len(samples))[:first+len(samples)]
	t.scale, t.buckets, t.index = scale, int32(buckets), index
	if t.lo == t.hi {
		index[0], index[1] = uint16(first), uint16(len(index))
		to := first
		for row, x := range values {
			if x == x {
				index[to] = uint16(row)
				to++
			}
		}
		return
	}
	lo, counts := t.lo, &s.counts
	clear(counts[:buckets])
	for _, x := range samples {
		counts[uint32(int32((x-lo)*scale))&(maxBuckets-1)]++
	}
	at, most := uint16(first), uint16(0)
	for b, n := range counts[:buckets] {
		index[b], counts[b] = at, at
		at += n
		most = max(most, n)
	}
	index[buckets] = at
	for row, x := range values {
		if x == x {
			to := &counts[uint32(int32((x-lo)*scale))&(maxBuckets-1)]
			index[*to] = uint16(row)
			*to++
		}
	}
	if most > fewSamples {
		for b := range buckets {
			if rows := index[index[b]:index[b+1]]; len(rows) > fewSamples {
				s.sort(rows, values)
			}
		}
	}
}

// sort puts the rows of a crowded bucket in ascending order of their values.
func (s *tallySorter) sort(rows []uint16, values []float64) {
	lo, hi, sorted := values[rows[0]], values[rows[0]], true
	before := lo
	for _, row := range rows {
		x := values[row]
		sorted = sorted && x >= before
		before = x
		lo, hi = min(lo, x), max(hi, x)
	}
	if sorted { // such as many that are equal
		return
	}
	buckets, scale, ok := tallyBuckets(len(rows), lo, hi)
	if !ok {
		sortRows(rows, values)
		return
	}
	counts := &s.counts
	clear(counts[:buckets])
	for _, row := range rows {
		counts[uint32(int32((values[row]-lo)*scale))&(maxBuckets-1)]++
	}
	at, most := uint16(0), uint16(0)
	for b, n := range counts[:buckets] {
		counts[b] = at
		at += n
		most = max(most, n)
	}
	if most > fewSamples {
		sortRows(rows, values)
		return
	}
	s.rows = append(s.rows[:0], rows...)
	for _, row := range s.rows {
		to := &counts[uint32(int32((values[row]-lo)*scale))&(maxBuckets-1)]
		rows[*to] = row
		*to++
	}
	for i := 1; i < len(rows); i++ {
		row := rows[i]
		x := values[row]
		j := i
		for ; j > 0 && values[rows[j-1]] > x; j-- {
			rows[j] = rows[j-1]
		}
		rows[j] = row
	}
}

func sortRows(rows []uint16, values []float64) {
	slices.SortFunc(rows, func(a, b uint16) int { return cmp.Compare(values[a], values[b]) })
}

// first is where the rows begin in the index.
func (t *Tally) first() int { return int(t.buckets) + 1 }

// bucket is that of x, lo <= x <= hi.
func (t *Tally) bucket(x float64) int { return int((x - t.lo) * t.scale) }
