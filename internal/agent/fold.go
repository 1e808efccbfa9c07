package agent

import (
	"math"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// A pane keeps at most Settings.ExactLimit records. With the next one, all of
// them are folded: each column is added to a sketch, from which quantiles are
// approximate and all else is exact. From then on rows are but a buffer of
// foldRows records, folded whenever it is full, so that a fold works through
// one column after the other. (A pooled array has more samples than records
// and is folded by their number.)
//
// When a pane is folded depends on the number of its records alone, and they
// are added in order of their offsets; so its sketches are the same whenever,
// however often and by whom its records are read.

// foldRows is the number of rows that are kept in a pane that was folded.
const foldRows = 4096

// sketches hold the folded samples of one field: of a scalar or a pooled array
// one sketch, of another array one for each element that a record had.
type sketches struct {
	list []*stats.Sketch
	// nulls has the null arrays, for elements that are in no sketch yet.
	nulls *stats.Sketch
}

func (s *sketches) size() (n int64) {
	for _, k := range s.list {
		n += k.Size()
	}
	return n
}

// limit is the number of rows that the pane may keep.
func (p *pane) limit(l *layout) int {
	if p.whole {
		return math.MaxInt
	}
	if p.folded > 0 {
		return min(l.limit, foldRows)
	}
	return l.limit
}

// poolLimit is the number of elements of a pooled array that it may keep.
func (p *pane) poolLimit(slot int, l *layout) int {
	if p.whole {
		return math.MaxInt
	}
	if p.sketch(slot, 0) != nil {
		return min(l.limit, foldRows)
	}
	return l.limit
}

// sketch has the folded samples of a field (of an array that is not pooled:
// of an element of it), nil if there are none.
func (p *pane) sketch(slot, element int) *stats.Sketch {
	if slot >= len(p.large) {
		return nil
	}
	s := &p.large[slot]
	if element < len(s.list) {
		return s.list[element]
	}
	return s.nulls
}

// fold moves all rows to sketches.
func (p *pane) fold(l *layout) {
	first := p.folded == 0
	p.tallies.drop()
	for len(p.large) < p.slots {
		p.large = append(p.large, sketches{})
	}
	var scratch stats.Segment
	for slot := range p.slots {
		switch {
		case l.isPooled[slot]:
			p.foldPool(slot, l)
		case l.isArray[slot]:
			p.foldElements(slot, l, &scratch)
		default:
			p.extend(slot, 1, l)
			p.large[slot].list[0].Add(&stats.Segment{Values: p.column(slot), Residuals: p.rests[slot], Times: p.times})
			p.rests[slot] = p.rests[slot][:0]
		}
		if first { // far more memory than is needed from now on
			p.arrays[slot] = arrayColumn{}
		}
		p.arrays[slot].reset()
	}
	p.folded += p.rows
	p.rows, p.times, p.offsets = 0, p.times[:0], p.offsets[:0]
	if room := p.limit(l); p.room > room {
		p.room, p.scalars, p.times, p.offsets = room, make([]float64, p.slots*room), make([]int64, 0, room), make([]int64, 0, room)
	}
}

// extend makes sketches for the first n elements of a field.
func (p *pane) extend(slot, n int, l *layout) {
	s := &p.large[slot]
	for len(s.list) < n {
		k := stats.NewSketch(l.needs, p.start, p.seed)
		if s.nulls != nil {
			k.AddNulls(s.nulls.Nulls())
		}
		s.list = append(s.list, k)
	}
}

// foldElements folds an array element by element.
func (p *pane) foldElements(slot int, l *layout, scratch *stats.Segment) {
	s := &p.large[slot]
	p.extend(slot, p.arrays[slot].longest(), l)
	for e, k := range s.list {
		scratch.Values = p.tile(slot, e, 1, scratch.Values)
		scratch.Residuals = p.elementRests(slot, e, scratch.Residuals[:0])
		scratch.Times = p.times
		k.Add(scratch)
	}
	if s.nulls == nil {
		s.nulls = stats.NewSketch(stats.Needs{}, p.start, 0)
	}
	for _, mark := range p.column(slot) {
		if stats.IsNull(mark) {
			s.nulls.AddNulls(1)
		}
	}
}

// foldPool folds the elements of a pooled array; the rows stay.
func (p *pane) foldPool(slot int, l *layout) {
	for len(p.large) < p.slots {
		p.large = append(p.large, sketches{})
	}
	p.extend(slot, 1, l)
	var seg stats.Segment
	seg.Values, seg.Residuals, seg.Times = p.flatten(slot, nil, nil, nil)
	p.large[slot].list[0].Add(&seg)

	col := &p.arrays[slot]
	col.pad(p.rows)
	col.values, col.rests, col.folded = col.values[:0], col.rests[:0], p.rows
	if p.rows > 0 {
		col.ends[p.rows-1] = 0 // where the next row begins
	}
}
