package agent

import (
	"cmp"
	"iter"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Window is a window that has become final, with the panes of its slices.
type Window struct {
	Output int // index of its shape
	Start  int64

	// Unfilled is how many empty windows there would be before this one, if they are
	// too many to be made.
	Unfilled uint64

	panes   []*pane // by start, and of one slice by partition
	partial bool    // some of its records may be missing
	version int     // of the schema, at least: that of an empty window is that of the one behind the gap
}

// Close makes all windows that end at or before the watermark final and
// appends those that are computed here to ws, in order of their ends. It stops
// short of a slice of which records wait to be shipped: should its partition be
// taken away before that, its next owner must not find the slice final. And
// it stops where those end that are shipped, until these are out; and when it has made
// Enough windows of an output with those that are empty.
func (a *Agent) Close(watermark int64, ws []Window) []Window {
	if a.through != window.Unset {
		watermark = min(watermark, a.through)
	}
	for _, p := range a.parts {
		if a.oldest(p) > 0 {
			watermark = min(watermark, a.set.Grid.End(p.panes[0].start)-1)
		}
	}
	if watermark = a.enough(watermark); watermark <= a.final {
		return ws
	}
	n := len(ws)
	for output, s := range a.set.Grid.Shapes {
		ws = a.collect(ws, output, s, watermark)
	}
	if len(a.set.Grid.Shapes) > 1 {
		slices.SortStableFunc(ws[n:], func(x, y Window) int { return cmp.Compare(a.end(x), a.end(y)) })
	}
	a.makeFinal(watermark)
	return ws
}

func (a *Agent) end(w Window) int64 { return window.End(w.Start, a.set.Grid.Shapes[w.Output].Size) }

// collect appends the windows of a shape that have records, and end after what
// is final and no later than the watermark; and the empty ones before them, if the
// output has these.
func (a *Agent) collect(ws []Window, output int, s window.Shape, watermark int64) []Window {
	for start, end := range a.ending(s, watermark) {
		if w := a.gather(Window{Output: output, Start: start}, end); len(w.panes) > 0 {
			ws = a.fill(ws, &w)
			ws = append(ws, w)
		}
	}
	return ws
}

// ending are the windows of a shape, from start to end, that a slice is here of, and that
// end after what is final and no later than the watermark.
func (a *Agent) ending(s window.Shape, watermark int64) iter.Seq2[int64, int64] {
	return func(yield func(start, end int64) bool) {
		start := int64(window.Unset)
		if a.final != window.Unset {
			start = s.First(a.final)
		}
		for {
			slice, found := a.next(start)
			if !found {
				return
			}
			start = max(start, s.First(slice))
			if end := window.End(start, s.Size); end > watermark || !yield(start, end) {
				return
			}
			if start = window.Forward(start, s.Advance); start%s.Advance != 0 { // the end of time
				return
			}
		}
	}
}

// next is the start of the first slice at or after start that is here, in any
// partition, and not to be shipped.
func (a *Agent) next(start int64) (slice int64, found bool) {
	for _, p := range a.parts {
		if i := max(p.search(start), a.oldest(p)); i < len(p.panes) && (!found || p.panes[i].start < slice) {
			slice, found = p.panes[i].start, true
		}
	}
	return slice, found
}

// search is the index of a partition's first pane that starts at start or later.
func (p *Partition) search(start int64) int {
	i, _ := slices.BinarySearchFunc(p.panes, start, func(c *pane, start int64) int { return cmp.Compare(c.start, start) })
	return i
}

// gather adds the panes of a window that ends at end.
func (a *Agent) gather(w Window, end int64) Window {
	for _, p := range a.parts {
		n := len(w.panes)
		for i := max(p.search(w.Start), a.oldest(p)); i < len(p.panes) && p.panes[i].start < end; i++ {
			c := p.limit(i)
			if c.count() == 0 { // of a record that came in part only
				continue
			}
			c.users++
			w.panes = append(w.panes, c)
			w.partial = w.partial || c.partial
		}
		w.partial = w.partial || len(w.panes) > n && w.Start <= p.doubt
	}
	if end-w.Start > a.set.Grid.Slice {
		slices.SortStableFunc(w.panes, func(x, y *pane) int { return cmp.Compare(x.start, y.start) })
	}
	return w
}

// Release gives the memory of a window back to its partitions, once it has
// been computed, as far as no other window needs it.
func (a *Agent) Release(w Window) {
	for _, c := range w.panes {
		if c.users--; c.users == 0 && c.gone {
			c.owner.release(c)
		}
	}
}

// Rows counts the records of the window.
func (w Window) Rows() (n int64) {
	for _, c := range w.panes {
		n += c.count()
	}
	return n
}

// makeFinal notes that windows that end at or before t are out, and lets go of
// slices that no window to come needs.
func (a *Agent) makeFinal(t int64) {
	before := a.final
	if t <= before {
		return
	}
	a.final = t
	for _, p := range a.parts {
		oldest := a.oldest(p)
		i := oldest
		if before != window.Unset {
			i = max(i, p.search(window.Back(before, a.set.Grid.Slice)))
		}
		for ; i < len(p.panes) && a.set.Grid.End(p.panes[i].start) <= t; i++ {
			if c := p.panes[i]; !c.final {
				c.final = true
				p.Counts.InWindows += c.count()
			}
		}
		for oldest < len(p.panes) && !p.needed(p.panes[oldest].start) {
			p.letGo(p.remove(oldest))
		}
	}
}

// letGo gives a pane back that is in no window to come.
func (p *Partition) letGo(c *pane) {
	if invariants.Enabled {
		p.left(p, c)
	}
	if c.gone = true; c.users == 0 {
		p.release(c)
	}
}

// CloseAll is the watermark that makes every open window final.
func (a *Agent) CloseAll() int64 {
	t := a.final
	for _, p := range a.parts {
		if p.shipped != window.Unset { // its windows are open elsewhere
			t = max(t, a.set.Grid.Kept(p.shipped-1))
		}
		if n := len(p.panes); n > 0 {
			t = max(t, a.set.Grid.Kept(p.panes[n-1].start))
		}
	}
	return t
}

// lastEnd is the end of the last window that has records and ends at or before
// t; window.Unset if there is none.
func (a *Agent) lastEnd(t int64) int64 {
	last := int64(window.Unset)
	for _, p := range a.parts {
		for _, s := range a.set.Grid.Shapes {
			if p.shipped != window.Unset { // its windows are open elsewhere
				last = max(last, min(p.shipped, t), s.LastEnd(p.shipped-1, t))
			}
			for _, c := range slices.Backward(p.panes) {
				if end := s.LastEnd(c.start, t); end != window.Unset {
					last = max(last, end)
					break
				}
			}
		}
	}
	return last
}

// Open counts the windows of all shapes that have records and are not final.
func (a *Agent) Open() (n int) {
	var starts []int64 // of slices that windows to come need
	for _, p := range a.parts {
		for _, c := range p.panes {
			starts = append(starts, c.start)
		}
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	for _, s := range a.set.Grid.Shapes {
		next := int64(window.Unset) // the first window that is not counted
		if a.final != window.Unset {
			next = s.First(a.final)
		}
		for _, start := range starts {
			first, last := max(next, s.First(start)), s.Last(start)
			if first <= last {
				n += int((last-first)/s.Advance) + 1
				next = window.Forward(last, s.Advance)
			}
		}
	}
	return n
}
