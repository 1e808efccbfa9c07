package agent

import (
	"sync"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// Where slices are in several windows, their scalars are tallied when the first
// of these is computed, and all are computed of the tallies: see stats.Tally. The
// bytes are the same with them and without.

// tallies are those of a pane, by slot. Windows that share the pane may be
// computed at the same time, so its tallies are made and found under a lock. They
// stay as they are until there are more records, which is not before all windows
// of this turn are computed.
type tallies struct {
	mu   sync.Mutex
	list []stats.Tally
	rows int   // that the pane had when it was tallied; 0: it was not
	size int64 // memory, in bytes
}

// tallyRows is how many records a pane of a window must have on average for it
// to be worth it. With fewer, it takes as long to go round the tallies as to look at
// all samples, and they take as much memory.
const tallyRows = 48

// tally sees to it that the panes of a window have tallies, if that is worth it.
func (c *Computer) tally(a *Agent, w Window) {
	c.tallied = a.set.Grid.Shared() && w.Rows() >= tallyRows*int64(len(w.panes))
	for _, p := range w.panes {
		c.tallied = c.tallied && p.folded == 0
	}
	if !c.tallied {
		return
	}
	for _, p := range w.panes {
		p.tally(c.sum, a.set.Needs, &a.layout)
	}
}

// tally makes the tallies of a pane, unless there are some of all its records.
func (p *pane) tally(s *stats.Summarizer, needs stats.Needs, l *layout) {
	t := &p.tallies
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows == p.rows {
		return
	}
	if n := p.slots - len(t.list); n > 0 {
		t.list = append(t.list, make([]stats.Tally, n)...)
	}
	t.rows, t.size = p.rows, 0
	for slot := range t.list {
		k := &t.list[slot]
		if slot < p.slots && !l.isArray[slot] && len(p.rests[slot]) == 0 {
			s.Tally(k, p.column(slot), needs)
		} else {
			k.Reset()
		}
		t.size += k.Size()
	}
}

// drop lets go of the tallies of records that become a sketch.
func (t *tallies) drop() { t.list, t.rows, t.size = nil, 0, 0 }
