package stats

import "math"

// runs finds samples of given ranks among those of tallied segments. A tally
// has its samples in buckets, each of which is below the next. Taken as evenly
// spread within a bucket, they tell nearly how many samples are below any
// number: so two numbers are found between which the wanted sample should be
// with few others. Then the buckets that these fall into are looked at, one or
// two of each segment, which tells exactly how many samples are below the first
// and how many between them. If the wanted one is not among these, it is looked
// for on that side, with more room.
type runs struct {
	segs   []Segment
	lo, hi point
	slope  float64   // of the number of samples below, where find was last
	near   []float64 // samples between two numbers
	crowds []crowd   // and those of them that are not in near
}

// point is a number and about how many samples are below it.
type point struct{ x, below float64 }

// crowd is ascending samples of a segment, of rows rows: part of a crowded
// bucket.
type crowd struct {
	values []float64
	rows   []uint16
}

// worth reports whether it is faster to go round the segments for each of the
// ranks than to look at all of n samples.
func (r *runs) worth(n, segments, ranks int) bool {
	const round = 8 // as many samples looked at take as long as a segment
	return n >= round*ranks*segments
}

// load takes segments, which are known, with n samples from lo to hi. It is
// false if one of them is not in order.
func (r *runs) load(segs []Segment, n int, lo, hi float64) bool {
	for i := range segs {
		if t := segs[i].Tally; t != nil && t.n > 0 && t.buckets == 0 {
			return false
		}
	}
	r.segs, r.lo, r.hi = segs, point{lo, 0}, point{hi, float64(n)}
	return true
}

// pick sets dst[i] to the sample of rank ranks[i] (ascending).
func (r *runs) pick(dst []float64, ranks []int, p *picker) {
	// Whether a sample is below a number in its bucket is as if by lot: this is
	// more than the standard deviation of how many are.
	spread := 1 + math.Sqrt(tallyBucket*float64(len(r.segs)))
	from := r.lo
	for len(ranks) > 0 {
		// The two samples that a cut lies between are found together.
		k := 1
		if len(ranks) > 1 && ranks[1] == ranks[0]+1 {
			k = 2
		}
		i, j := ranks[0], ranks[k-1]
		to := r.hi
		for margin := spread; ; margin *= 8 {
			low, _ := r.find(float64(i)-1.5*margin, margin/2, from, to)
			rank := float64(j+1) + 1.5*margin
			high := point{low.x + (rank-low.below)/r.slope, rank}
			if margin > spread || !(high.x > low.x && high.x < to.x) { // not as simple as that
				_, high = r.find(rank, margin/2, low, to)
			}
			below, between := r.collect(low.x, high.x)
			if below <= i && j < below+between {
				r.choose(dst[:k], i-below, p)
				from = low
				break
			}
			low.below, high.below = float64(below), float64(below+between)
			from, to = r.lo, r.hi
			switch {
			case i >= below+between:
				from = high
			case i >= below:
				from = low
			}
			switch {
			case j < below:
				to = low
			case j < below+between:
				to = high
			}
		}
		dst, ranks = dst[k:], ranks[k:]
	}
	r.segs = nil
	clear(r.crowds[:cap(r.crowds)])
}

// find returns two points, between from and to, below the first of which there
// are no more than about rank samples, and below the second no fewer: the same
// one if it is off by no more than some.
func (r *runs) find(rank, some float64, from, to point) (low, high point) {
	r.slope = 0
	switch {
	case rank <= from.below:
		return from, from
	case rank >= to.below:
		return to, to
	}
	// Regula falsi, with bisection where it makes no way.
	for step := range maxSteps {
		part := (rank - from.below) / (to.below - from.below)
		r.slope = (to.below - from.below) / (to.x - from.x)
		if step%4 == 3 {
			part = 0.5
		}
		x := from.x + (to.x-from.x)*part
		if !(from.x < x && x < to.x) {
			break
		}
		at := point{x, r.below(x)}
		switch {
		case math.Abs(at.below-rank) <= some:
			return at, at
		case at.below < rank:
			from = at
		default:
			to = at
		}
	}
	return from, to
}

// maxSteps is after how many points the search is given up: the samples are of
// very different size.
const maxSteps = 10

// below is about how many samples are below x.
func (r *runs) below(x float64) (n float64) {
	for i := range r.segs {
		t := r.segs[i].Tally
		switch {
		case t == nil || x < t.lo:
		case x > t.hi:
			n += float64(t.n)
		default:
			at := (x - t.lo) * t.scale
			b := int(at)
			bounds := t.index[b : b+2]
			from := int(bounds[0])
			n += float64(from-t.first()) + (at-float64(b))*float64(int(bounds[1])-from)
		}
	}
	return n
}

// collect gathers the samples from x to y, and counts them and those below x.
func (r *runs) collect(x, y float64) (below, between int) {
	r.near, r.crowds = r.near[:0], r.crowds[:0]
	for i := range r.segs {
		t := r.segs[i].Tally
		switch {
		case t == nil || y < t.lo:
			continue
		case x > t.hi:
			below += int(t.n)
			continue
		}
		if t.lo == t.hi {
			between += int(t.n)
			r.crowds = append(r.crowds, crowd{r.segs[i].Values, t.index[t.first():]})
			continue
		}
		first, last := 0, int(t.buckets)-1
		if x > t.lo {
			first = t.bucket(x)
		}
		if y < t.hi {
			last = t.bucket(y)
		}
		values := r.segs[i].Values
		from := t.index[first]
		below += int(from) - t.first()
		for _, to := range t.index[first+1 : last+2] {
			rows := t.index[from:to]
			from = to
			if len(rows) > fewSamples {
				b := crowd{values, rows}
				at := b.search(x, false)
				b.rows = rows[at:]
				b.rows = b.rows[:b.search(y, true)]
				below += at
				between += len(b.rows)
				r.crowds = append(r.crowds, b)
				continue
			}
			for _, row := range rows {
				switch v := values[row]; {
				case v < x:
					below++
				case v <= y:
					r.near = append(r.near, v+0) // makes 0 of -0
				}
			}
		}
	}
	return below, between + len(r.near)
}

// search is how many samples of b are below x, or equal.
func (b crowd) search(x float64, orEqual bool) int {
	low, high := 0, len(b.rows)
	if high > 0 { // often all are equal
		if v := b.values[b.rows[0]]; v > x || v == x && !orEqual {
			return 0
		}
		if v := b.values[b.rows[high-1]]; v < x || v == x && orEqual {
			return high
		}
	}
	for low < high {
		middle := int(uint(low+high) / 2)
		if v := b.values[b.rows[middle]]; v < x || orEqual && v == x {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// choose sets dst, of one or two, to the samples of rank i and above among
// those gathered.
func (r *runs) choose(dst []float64, i int, p *picker) {
	last := i + len(dst) - 1
	for len(r.crowds) > 0 {
		// There are many samples of much the same size, maybe the same: the
		// middle one of the longest crowd is below or above many others, or is
		// the one that is wanted.
		longest := r.crowds[0]
		for _, b := range r.crowds {
			if len(b.rows) > len(longest.rows) {
				longest = b
			}
		}
		if len(longest.rows) <= fewSamples {
			break
		}
		v := longest.values[longest.rows[len(longest.rows)/2]] + 0
		below, upTo := r.around(v)
		if below <= i && last < upTo {
			for k := range dst {
				dst[k] = v
			}
			return
		}
		if last < below {
			r.cut(v, false)
		} else if i >= upTo {
			r.cut(v, true)
			i, last = i-upTo, last-upTo
		} else {
			break
		}
	}
	for _, b := range r.crowds {
		for _, row := range b.rows {
			r.near = append(r.near, b.values[row]+0)
		}
	}
	if len(r.near) <= fewSamples {
		sortFew(r.near)
		copy(dst, r.near[i:])
		return
	}
	lo, hi := r.near[0], r.near[0]
	for _, v := range r.near {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	ranks := [2]int{i, i + 1}
	p.pick(dst, ranks[:len(dst)], r.near, lo, hi)
}

// around counts the samples gathered that are below v, and that are not above.
func (r *runs) around(v float64) (below, upTo int) {
	for _, x := range r.near {
		if x < v {
			below++
		}
		if x <= v {
			upTo++
		}
	}
	for _, b := range r.crowds {
		below += b.search(v, false)
		upTo += b.search(v, true)
	}
	return below, upTo
}

// cut keeps the samples gathered that are above v, or those below.
func (r *runs) cut(v float64, above bool) {
	near := r.near[:0]
	for _, x := range r.near {
		if above && x > v || !above && x < v {
			near = append(near, x)
		}
	}
	r.near = near
	for i := range r.crowds {
		b := &r.crowds[i]
		if above {
			b.rows = b.rows[b.search(v, true):]
		} else {
			b.rows = b.rows[:b.search(v, false)]
		}
	}
}
