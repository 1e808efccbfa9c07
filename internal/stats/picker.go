package stats

import (
	"math"
	"slices"
)

// picker finds samples of given ranks without sorting all. It spreads the
// samples over buckets of equal width, counts them, and sorts only the buckets
// that hold a wanted rank.
//
// The bucket of x is the integer part of (x-lo)·scale. Each of the three steps
// is monotone also with its rounding, so samples in a lower bucket are not
// larger than those in a higher one, whatever the rounding does: only the
// speed depends on how evenly the buckets are filled.
type picker struct {
	ids    []uint16  // bucket of each sample
	part   []float64 // samples of the wanted buckets; below them those of the recursion
	counts [maxBuckets]uint32
	wanted []bucket
}

// bucket is one that holds wanted ranks.
type bucket struct {
	from, to     int // of part
	below        int // number of samples in lower buckets
	first, after int // of ranks
}

const (
	maxBuckets = 4096
	fewSamples = 36 // up to which sorting is faster
	maxDepth   = 2  // of buckets within buckets; then the samples are of very different size
)

// pick sets dst[i] to the value of rank ranks[i] (ascending) among values,
// whose smallest and largest are lo and hi. There is no NaN among them.
// values stays as it is.
func (p *picker) pick(dst []float64, ranks []int, values []float64, lo, hi float64) {
	if len(values) > fewSamples {
		p.part, p.wanted = p.part[:0], p.wanted[:0]
		p.spread(dst, ranks, 0, values, lo, hi, 0)
		return
	}
	p.part = append(p.part[:0], values...)
	sortFew(p.part)
	for i, r := range ranks {
		dst[i] = p.part[r]
	}
}

// spread is pick for values of which below samples are known to be smaller.
func (p *picker) spread(dst []float64, ranks []int, below int, values []float64, lo, hi float64, depth int) {
	if lo == hi {
		for i := range ranks {
			dst[i] = lo
		}
		return
	}
	buckets := bucketsFor(len(values))
	// Half a bucket less, so that the bucket of hi is the last one in spite
	// of rounding.
	scale := (float64(buckets) - 0.5) / (hi - lo)
	if depth > maxDepth || !(scale > 0 && scale <= math.MaxFloat64) {
		// hi - lo is infinite, or too small to divide by.
		p.part = append(p.part, values...)
		sorted := p.part[len(p.part)-len(values):]
		slices.Sort(sorted)
		for i, r := range ranks {
			dst[i] = sorted[r-below]
		}
		return
	}

	p.count(values, lo, scale, buckets)
	wanted := p.find(ranks, below, buckets)
	p.collect(values, wanted)
	for i := range wanted {
		b := wanted[i]
		p.finish(dst[b.first:b.after], ranks[b.first:b.after], b, depth)
	}
}

// bucketsFor is a power of two: so many that a bucket has a few samples, but
// not so many that counting them takes longer than sorting.
func bucketsFor(n int) int {
	switch {
	case n <= 128:
		return 64
	case n <= 4096:
		return 256
	case n <= 65536:
		return 1024
	}
	return maxBuckets
}

// count notes the bucket of each value and counts them.
func (p *picker) count(values []float64, lo, scale float64, buckets int) {
	if cap(p.ids) < len(values) {
		p.ids = make([]uint16, len(values)+len(values)/4)
	}
	ids := p.ids[:len(values)]
	clear(p.counts[:buckets])
	for i, x := range values {
		b := uint16(int32((x-lo)*scale)) & (maxBuckets - 1)
		ids[i] = b
		p.counts[b]++
	}
}

// find lists the buckets that hold the ranks, and replaces the counts by one
// plus the index in that list, or zero.
func (p *picker) find(ranks []int, below, buckets int) []bucket {
	start := len(p.wanted)
	next, at := 0, len(p.part)
	for b := range p.counts[:buckets] {
		n := int(p.counts[b])
		p.counts[b] = 0
		if next < len(ranks) && ranks[next] < below+n {
			w := bucket{from: at, to: at, below: below, first: next}
			for next < len(ranks) && ranks[next] < below+n {
				next++
			}
			w.after = next
			at += n
			p.wanted = append(p.wanted, w)
			p.counts[b] = uint32(len(p.wanted) - start)
		}
		below += n
	}
	p.part = slices.Grow(p.part, at-len(p.part))[:at]
	return p.wanted[start:]
}

// collect copies the samples of the wanted buckets to their place in part.
func (p *picker) collect(values []float64, wanted []bucket) {
	ids := p.ids[:len(values)]
	part := p.part
	for i, b := range ids {
		if w := p.counts[b&(maxBuckets-1)]; w != 0 {
			to := &wanted[w-1].to
			part[*to] = values[i]
			*to++
		}
	}
}

// finish picks the ranks that are in one bucket.
func (p *picker) finish(dst []float64, ranks []int, b bucket, depth int) {
	values := p.part[b.from:b.to]
	if len(values) <= fewSamples {
		sortFew(values)
		for i, r := range ranks {
			dst[i] = values[r-b.below]
		}
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
	part, wanted := len(p.part), len(p.wanted)
	p.spread(dst, ranks, b.below, values, lo, hi, depth+1)
	p.part, p.wanted = p.part[:part], p.wanted[:wanted]
}

// sortFew sorts a few values by insertion.
func sortFew(v []float64) {
	for i := 1; i < len(v); i++ {
		x := v[i]
		j := i
		for ; j > 0 && v[j-1] > x; j-- {
			v[j] = v[j-1]
		}
		v[j] = x
	}
}
