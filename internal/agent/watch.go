package agent

import (
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// watch is what the dear checks of a feed remember of it; there is one only
// with the build tag invariants. It counts again, in another way, what the
// feed and its panes count as they go.
type watch struct {
	records []seen // read from the low offset on
	lowTime int64  // highest event time of those below it that moved the watermark

	rows  map[place]int64           // records that went into each open window
	parts map[int32]map[int64]int64 // window of each record in an open one, by partition and offset

	first  bool // no checkpoint was made yet
	offset int64
	last   Checkpoint

	anchored bool // how many records it was resumed with is not known
	same     bool // those that were read again are those of the checkpoint
}

// seen is a record, or a message with partials, that was read.
type seen struct {
	offset, stamp int64 // as Kafka has them
	time          int64 // event time
	moved         bool  // the highest event time counts it
}

// place is a window of a partition.
type place struct {
	partition int32
	start     int64
}

func newWatch(c Checkpoint) *watch {
	return &watch{lowTime: c.LowTime, rows: map[place]int64{}, parts: map[int32]map[int64]int64{}, first: true, anchored: c.Count < 0}
}

func (w *watch) read(offset, stamp int64) {
	w.records = append(w.records, seen{offset: offset, stamp: stamp})
}

// met notes that the newest record counts for the highest event time.
func (w *watch) met(t int64) {
	r := &w.records[len(w.records)-1]
	r.time, r.moved = t, true
}

// took notes that a record of a partition went into a window.
func (f *Feed) took(p *Partition, c *pane, offset int64) {
	w := f.watch
	w.rows[place{p.ID, c.start}]++
	if w.parts[p.ID] == nil {
		w.parts[p.ID] = map[int64]int64{}
	}
	if was, twice := w.parts[p.ID][offset]; twice && !(f.merges && !f.agent.set.Once) {
		invariants.Violated("%s/%d: offset %d is in window %d already and goes into window %d", f.agent.Topic, p.ID, offset, was, c.start)
	}
	w.parts[p.ID][offset] = c.start
}

// left notes that a pane is closed or shipped.
func (f *Feed) left(p *Partition, c *pane) {
	p.verify(c)
	w, at := f.watch, place{p.ID, c.start}
	if w.rows[at] != c.count() {
		invariants.Violated("%s/%d window %d: %d records went in, and %d come out", f.agent.Topic, p.ID, c.start, w.rows[at], c.count())
	}
	delete(w.rows, at)
	for offset, start := range w.parts[p.ID] {
		if start == c.start {
			delete(w.parts[p.ID], offset)
		}
	}
}

// verifyLow checks what Low says, low being the offset to commit.
func (f *Feed) verifyLow(low int64, c *Checkpoint) {
	w, topic := f.watch, f.agent.Topic
	if low > f.next || low < f.from || c.Head < low {
		invariants.Violated("%s: committed offset %d, head %d, position %d, resumed from %d", topic, low, c.Head, f.next, f.from)
	}
	for _, p := range f.into {
		for _, pane := range p.panes {
			if low > pane.opened.offset || !f.merges && pane.count() > 0 && pane.opened.offset != pane.first {
				invariants.Violated("%s/%d window %d: committed offset %d, but the window was opened by offset %d, its first record is %d", topic, p.ID, pane.start, low, pane.opened.offset, pane.first)
			}
		}
	}
	for _, p := range f.into {
		for _, pane := range p.panes {
			if !f.merges && !f.Replaying() && p.set.Grid.End(pane.start) <= f.shipped {
				invariants.Violated("%s/%d window %d: %d records are committed as if they were shipped (up to %d)", topic, p.ID, pane.start, pane.count(), f.shipped)
			}
		}
	}
	if !w.first && (low < w.offset || c.Final < w.last.Final) {
		invariants.Violated("%s: committed offset and final time go back from %d, %d to %d, %d", topic, w.offset, w.last.Final, low, c.Final)
	}
	w.offset, w.first = low, false
	if f.Replaying() {
		w.last.Final = c.Final
		return
	}
	n, hash, lowTime, maxTime := 0, uint64(0), w.lowTime, w.lowTime
	for _, r := range w.records {
		if r.moved {
			maxTime = max(maxTime, r.time)
		}
		if r.offset >= low {
			n++
			hash += recordHash(r.offset, r.stamp)
		} else if r.moved {
			lowTime = max(lowTime, r.time)
		}
	}
	w.records, w.lowTime = slices.DeleteFunc(w.records, func(r seen) bool { return r.offset < low }), lowTime
	if int64(n) != c.Count || hash != c.Hash || lowTime != c.LowTime || maxTime != c.MaxTime {
		invariants.Violated("%s: the checkpoint at offset %d has count %d, hash %x, times %d and %d; counted again they are %d, %x, %d and %d", topic, low, c.Count, c.Hash, c.LowTime, c.MaxTime, n, hash, lowTime, maxTime)
	}
	if c.Head < w.last.Head || c.Head > 0 && w.last.Head > 0 && (c.MaxTime < w.last.MaxTime || c.LowTime < w.last.LowTime) {
		invariants.Violated("%s: head and times go back from %d, %d, %d to %d, %d, %d", topic, w.last.Head, w.last.MaxTime, w.last.LowTime, c.Head, c.MaxTime, c.LowTime)
	}
	last := low - 1
	for _, s := range c.Refused {
		if s.First <= last && s.Last <= last || s.Last < s.First || s.Last >= c.Head {
			invariants.Violated("%s: refused offsets %d to %d, behind %d, committed offset %d, head %d", topic, s.First, s.Last, last, low, c.Head)
		}
		last = s.Last
	}
	w.last = *c
}

// verifyAll checks all that is in memory of the feed: at each commit.
func (f *Feed) verifyAll() {
	for _, p := range f.into {
		p.verifyPanes()
		if !f.Replaying() {
			p.settled()
		}
	}
	windows := 0
	for _, p := range f.into {
		for _, c := range p.panes {
			n := f.watch.rows[place{p.ID, c.start}]
			if n != c.count() {
				invariants.Violated("%s/%d window %d: %d records went in, and %d are there", f.agent.Topic, p.ID, c.start, n, c.count())
			}
			if n > 0 {
				windows++
			}
		}
	}
	if windows != len(f.watch.rows) {
		invariants.Violated("%s: %d windows have records, and %d are open", f.agent.Topic, len(f.watch.rows), windows)
	}
}

// verifyPanes checks the open and the empty panes of a partition.
func (p *Partition) verifyPanes() {
	a := p.agent
	before, current := int64(window.Unset), p.current == nil
	for i, c := range p.panes {
		if i > 0 && c.start <= before {
			invariants.Violated("%s/%d: window %d stands behind %d", a.Topic, p.ID, c.start, before)
		}
		before = c.start
		current = current || c == p.current
		if end := p.set.Grid.End(c.start); !a.ships(p, end) && ((end <= a.final) != c.final || !p.needed(c.start)) {
			invariants.Violated("%s/%d: the slice %d is here with %d records, final %t, and time has come to %d", a.Topic, p.ID, c.start, c.count(), c.final, a.final)
		}
		if slices.Contains(p.free, c) {
			invariants.Violated("%s/%d window %d: its pane was given back", a.Topic, p.ID, c.start)
		}
		p.verify(c)
	}
	if !current {
		invariants.Violated("%s/%d: the pane of the newest record (window %d) is not open", a.Topic, p.ID, p.current.start)
	}
	kept := int64(0)
	for _, c := range p.free {
		kept += c.size()
	}
	if kept != p.kept {
		invariants.Violated("%s/%d: %d empty panes have %d bytes, counted %d", a.Topic, p.ID, len(p.free), kept, p.kept)
	}
}
