package stats

import "math"

// kll is a quantile sketch: it keeps some of the samples, each of which stands
// for a power of two of them, so that the rank of any value is known to within
// a small part of their number. The memory is fixed.
//
// Samples enter at level 0. When there is no room left, the lowest level that
// has its fill is compacted: sorted, and every second sample of it moves one
// level up, where it stands for twice as many. Whether it is the odd or the
// even ones is drawn by lot, so that errors cancel. Levels below the top have
// geometrically less room, since errors there weigh less.
//
// Reference: Karnin, Lang, Liberty, Optimal Quantile Approximation in Streams,
// FOCS 2016 (https://arxiv.org/abs/1603.05346). Drawing lots for pairs of
// compactions is from Ivkin, Liberty, Lang, Karnin, Braverman, Streaming
// Quantiles Algorithms with Small Space and Update Time
// (https://arxiv.org/abs/1907.00236).
//
// The lots are a function of the seed, the level and the number of the
// compaction, so the samples kept depend on nothing but the samples, their
// order and the seed.
type kll struct {
	seed   uint64
	n      int64
	height int // levels there are

	// Level h is items[start[h]:start[h+1]], ascending but for level 0. Below
	// start[0] is free room; start[height] = len(items).
	items       []float64
	start       [maxLevels + 1]int32
	compactions [maxLevels]int64 // done at each level
}

const (
	// kllTop is the room of the top level: the k of the paper. The rank error
	// goes with 1/kllTop, the memory with 3·kllTop.
	kllTop = 4096
	// kllLeast is the least room of a level. More takes memory, less takes time:
	// compacting few samples at once costs more for each.
	kllLeast  = 32
	maxLevels = 40 // for 2^50 samples
)

// kllRoom is the room of a level by its depth below the top.
var kllRoom = func() (room [maxLevels]int32) {
	for depth := range room {
		room[depth] = max(kllLeast, int32(math.Ceil(kllTop*math.Pow(2.0/3, float64(depth)))))
	}
	return room
}()

// kllItems is the number of samples that a kll has room for.
var kllItems = func() (n int32) {
	for _, room := range kllRoom {
		n += room
	}
	return n
}()

// reset makes k one of no samples.
func (k *kll) reset(seed uint64) {
	if k.items == nil {
		k.items = make([]float64, kllItems)
	}
	*k = kll{seed: seed, height: 1, items: k.items}
	k.start[0], k.start[1] = kllItems, kllItems
}

// add adds samples; a NaN is none.
func (k *kll) add(values []float64) {
	for len(values) > 0 {
		if k.start[0] == 0 {
			k.compact()
		}
		free := k.items[:k.start[0]]
		part := values[:min(len(values), len(free))]
		values = values[len(part):]
		at := len(free)
		for _, x := range part {
			free[at-1] = x + 0 // makes 0 of -0
			if x == x {
				at--
			}
		}
		k.n += int64(len(free) - at)
		k.start[0] = int32(at)
	}
}

// compact makes room at level 0.
func (k *kll) compact() {
	h := 0
	for k.start[h+1]-k.start[h] < kllRoom[k.height-1-h] {
		h++ // not beyond the top: all levels together have room for no more than this
	}
	if h == k.height-1 {
		k.height++
		k.start[k.height] = kllItems
	}
	from, to := k.start[h], k.start[h+1]
	level := k.items[from:to]
	if h == 0 {
		scatterSort(level)
	}
	odd := int32(len(level) & 1) // the first one stays
	half := int32(len(level)) / 2
	i := odd + k.lot(h)
	for j := odd; j < odd+half; j++ {
		level[j] = level[i]
		i += 2
	}
	// Merge what moves up with what is there. Writing starts where reading the
	// first ends, and does not catch up with reading the second.
	merge(k.items[from+odd+half:k.start[h+2]], level[odd:odd+half], k.items[to:k.start[h+2]])
	k.start[h+1] = from + odd + half
	if odd == 1 {
		k.items[k.start[h+1]-1] = level[0]
	}
	// The lower levels move up to it.
	shift := k.start[h+1] - odd - from
	copy(k.items[k.start[0]+shift:], k.items[k.start[0]:from])
	for l := range k.start[:h+1] {
		k.start[l] += shift
	}
}

// merge merges ascending a and b into dst.
func merge(dst, a, b []float64) {
	for len(a) > 0 && len(b) > 0 {
		if b[0] < a[0] {
			dst[0], b = b[0], b[1:]
		} else {
			dst[0], a = a[0], a[1:]
		}
		dst = dst[1:]
	}
	copy(dst, a) // what is left of b is in its place
}

// lot draws 0 or 1 for the next compaction of a level: for the second of two
// the opposite of the first, so that their errors tend to cancel.
func (k *kll) lot(level int) int32 {
	c := k.compactions[level]
	k.compactions[level]++
	// The finalizer of MurmurHash3 of a counter.
	h := k.seed + uint64(c/2)*0x9e3779b97f4a7c15 + uint64(level)*0xc2b2ae3d27d4eb4f
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return int32((h>>63 ^ uint64(c)) & 1)
}

// level returns the samples of level h, each of which stands for 2^h.
func (k *kll) level(h int) []float64 { return k.items[k.start[h]:k.start[h+1]] }

// scatter is the sum of squares of the largest errors that the draws of lots
// can make in the number of samples up to any one value.
//
// Of a compacted level with samples of weight w, either the odd or the even
// ones are kept with weight 2w. If an even number of them is up to a value,
// nothing changes for it; else w too many or too few are counted, and which
// one it is is drawn. Of two compactions that share a draw the errors cancel, or
// there is but one. What is in a level does not depend on the draws for it. So
// the errors of all pairs, taken level by level, are a martingale with steps
// of at most w, and by Azuma and Hoeffding the whole error exceeds t with a
// probability of at most 2·exp(-t²/2S), S being the sum of w² over all pairs.
func (k *kll) scatter() float64 {
	sum := 0.0
	for h, c := range k.compactions[:k.height] {
		sum += math.Ldexp(float64((c+1)/2), 2*h)
	}
	return sum
}
