package stats

import (
	"math"
	"slices"
)

// Of windows in which a partition had too many samples to keep, sampleSet has
// in values those that were kept, from this and other partitions, and the rest
// in the sketches of the segments. Moments are summed exactly in both. The
// quantiles are found among the samples of all, each with its weight; so
// merging sketches is no more than looking at them together, and neither their
// order nor their number adds an error.

// loadSketches adds to what gather found what the sketches know.
func (s *sampleSet) loadSketches() {
	scatter := 0.0
	for i := range s.segs {
		k := s.segs[i].Sketch
		if k == nil || k.n == 0 {
			continue
		}
		s.lo, s.hi = min(s.lo, k.lo.value), max(s.hi, k.hi.value)
		s.n += int(k.n)
		if k.needs.quantiles {
			scatter += k.quantiles.scatter()
		}
	}
	// 2·exp(-t²/2S) = 1 %, see kll.scatter.
	const twiceLog = 10.596634733096073 // 2·ln(200)
	s.rankError = math.Sqrt(twiceLog*scatter) / float64(s.n)
}

// sketchedRange is the largest minus the smallest sample, of integers exactly.
func (s *sampleSet) sketchedRange() float64 {
	if s.kind != Integer {
		return s.hi - s.lo
	}
	lo, hi := extreme{s.lo, math.MaxInt16}, extreme{s.hi, math.MinInt16}
	for i := range s.segs {
		if k := s.segs[i].Sketch; k != nil && k.n > 0 {
			if k.lo.less(lo) {
				lo = k.lo
			}
			if hi.less(k.hi) {
				hi = k.hi
			}
		}
	}
	rests := s.rests
	for i, x := range s.values {
		e := extreme{value: x}
		if len(rests) > 0 && int(rests[0].Row) == i {
			e.rest, rests = rests[0].Value, rests[1:]
		}
		if e.less(lo) {
			lo = e
		}
		if hi.less(e) {
			hi = e
		}
	}
	a, aok := joinInt64(lo.value, lo.rest)
	b, bok := joinInt64(hi.value, hi.rest)
	if !aok || !bok {
		return s.hi - s.lo
	}
	return float64(uint64(b) - uint64(a)) // fits, as the difference of any two int64
}

// weighted finds samples of given ranks among those of sketches.
type weighted struct {
	runs  []run
	light []float64 // of weight 1
}

// run is ascending samples that stand for weight samples each.
type run struct {
	values []float64
	weight int64
}

// pick sets dst[i] to the sample of rank ranks[i] (ascending).
func (w *weighted) pick(dst []float64, ranks []int, s *sampleSet) {
	w.runs, w.light = w.runs[:0], append(w.light[:0], s.values...)
	for i := range s.segs {
		k := s.segs[i].Sketch
		if k == nil || k.n == 0 {
			continue
		}
		w.light = append(w.light, k.quantiles.level(0)...)
		for h := 1; h < k.quantiles.height; h++ {
			if level := k.quantiles.level(h); len(level) > 0 {
				w.runs = append(w.runs, run{level, 1 << h})
			}
		}
	}
	slices.Sort(w.light)
	w.runs = append(w.runs, run{w.light, 1})
	from := ordered(s.lo)
	for i, rank := range ranks {
		switch rank {
		case 0:
			dst[i] = s.lo
		case s.n - 1:
			dst[i] = s.hi
		default:
			from = w.find(int64(rank), from, ordered(s.hi))
			dst[i] = unordered(from) + 0 // makes 0 of -0, which is before it
		}
	}
	clear(w.runs)
}

// find returns the least number between from and to up to which there are more
// than rank samples.
func (w *weighted) find(rank int64, from, to uint64) uint64 {
	for from < to {
		middle := from + (to-from)/2
		if w.upTo(unordered(middle)) > rank {
			to = middle
		} else {
			from = middle + 1
		}
	}
	return from
}

// upTo is the number of samples <= x.
func (w *weighted) upTo(x float64) (n int64) {
	for _, r := range w.runs {
		low, high := 0, len(r.values)
		for low < high {
			if middle := int(uint(low+high) / 2); r.values[middle] <= x {
				low = middle + 1
			} else {
				high = middle
			}
		}
		n += int64(low) * r.weight
	}
	return n
}

// ordered maps doubles to integers of the same order; unordered is its inverse.
func ordered(x float64) uint64 {
	b := math.Float64bits(x)
	if b>>63 == 1 {
		return ^b
	}
	return b | 1<<63
}

func unordered(b uint64) float64 {
	if b>>63 == 1 {
		return math.Float64frombits(b &^ (1 << 63))
	}
	return math.Float64frombits(^b)
}
