package agent

import (
	"encoding/binary"

	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// A window into which no record got is empty. Outputs that are to have records of
// these get them between two windows that have records, when the second one is
// closed: it is known then that the gap is over, and that nothing comes before it
// any more. So which empty windows there are follows from those that have
// records, and from the newest of them that is out. That one is committed with
// every offset, and said with every claim, whether empty ones are wanted or not: a
// worker that has it from another one, or from before a change of the
// configuration, can rely on it.

// MaxGap is how many empty windows are made between two that have records. In a
// longer gap there are none: a clock that was wrong once, or a topic that rested for
// a year, would make millions of them.
const MaxGap = 3600

// Newest is the start (ns) of the newest window of a shape that is out and has records.
type Newest struct {
	Shape window.Shape
	Start int64
}

// fill appends the empty windows that lie between the newest window of its output
// that is out and w, which is the next one that has records.
func (a *Agent) fill(ws []Window, w *Window) []Window {
	last := a.newest[w.Output]
	a.newest[w.Output] = max(last, w.Start)
	if !a.fills(w.Output) {
		return ws
	}
	advance := a.set.Grid.Shapes[w.Output].Advance
	n := emptyBetween(last, w.Start, advance)
	if n > MaxGap {
		w.Unfilled = n
		return ws
	}
	version := 0
	for _, c := range w.panes {
		version = max(version, c.version(w.Output))
	}
	for ; n > 0; n-- {
		ws = append(ws, Window{Output: w.Output, Start: w.Start - int64(n)*advance, partial: w.partial, version: version})
	}
	return ws
}

// Enough is how many windows of an output, with the empty ones, are made at once: a sparse
// topic that catches up has many gaps.
const Enough = 8 << 10

// enough is the watermark, or where Enough windows end if that is before.
func (a *Agent) enough(watermark int64) int64 {
	for output, s := range a.set.Grid.Shapes {
		if !a.fills(output) {
			continue
		}
		last, n := a.newest[output], uint64(0)
		for start, end := range a.ending(s, watermark) {
			if gap := emptyBetween(last, start, s.Advance); gap <= MaxGap {
				n += gap
			}
			last = max(last, start)
			if n++; n > Enough {
				watermark = end
				break
			}
		}
	}
	return watermark
}

// fills reports whether an output has records of empty windows.
func (a *Agent) fills(output int) bool { return output < len(a.set.Empty) && a.set.Empty[output] }

// emptyBetween is how many windows begin between the last one and start.
func emptyBetween(last, start, advance int64) uint64 {
	if last == window.Unset || last >= start {
		return 0
	}
	return (uint64(start) - uint64(last) - 1) / uint64(advance)
}

// Empty reports whether no record is in the window.
func (w Window) Empty() bool { return len(w.panes) == 0 }

// Newest are the newest windows of each output that are out and have records, as
// far as they are known.
func (a *Agent) Newest() (list []Newest) {
	for output, start := range a.newest {
		if start != window.Unset {
			list = append(list, Newest{a.set.Grid.Shapes[output], start})
		}
	}
	return list
}

// SetOut notes that a window of an output is out and has records.
func (a *Agent) SetOut(output int, start int64) {
	a.newest[output] = max(a.newest[output], start)
}

// learn notes which windows are known to be out.
func (a *Agent) learn(list []Newest) {
	for _, n := range list {
		for output, s := range a.set.Grid.Shapes {
			if s == n.Shape {
				a.SetOut(output, n.Start)
			}
		}
	}
}

// appendNewest writes windows as varints:
//
//	newest = n n×(size advance start)
func appendNewest(b []byte, list []Newest) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, n := range list {
		b = binary.AppendUvarint(b, uint64(n.Shape.Size))
		b = binary.AppendUvarint(b, uint64(n.Shape.Advance))
		b = binary.AppendVarint(b, n.Start)
	}
	return b
}

// newest reads what appendNewest wrote.
func (r *reader) newest() (list []Newest) {
	for range r.count(3) {
		n := Newest{Shape: window.Shape{Size: r.whole(), Advance: r.whole()}}
		if n.Start = r.int(); n.Shape.Advance == 0 || n.Shape.Advance > n.Shape.Size || n.Start == window.Unset {
			r.fail()
			return nil
		}
		list = append(list, n)
	}
	return list
}
