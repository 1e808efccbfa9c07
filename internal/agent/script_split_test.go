package agent

import (
	"fmt"
	"math"

	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// share says to all workers how the topic is shared; the merger joins.
func (w *world) share(s Sharing) {
	w.sharing = s
	for _, m := range w.named("") {
		m.agent.Share(s)
	}
	w.joinMerger()
}

// take moves partitions to a worker.
func (w *world) take(name string, ids []string) {
	m := w.members[name]
	if m == nil {
		m = w.join(name)
	}
	for _, text := range ids {
		id := w.partition(text)
		if from := w.members[w.owners[id]]; from != nil {
			if len(from.pending) > 0 {
				w.fail("worker %s has windows that are not committed", from.name)
			}
			from.agent.Revoke(int32(id))
		}
		w.owners[id] = name
		w.assign(m, id)
	}
}

// commit makes windows visible, ships what is to be shipped, and commits offsets.
func (w *world) commit(m *member) {
	if m.merger != nil {
		m.merger.Check()
		w.publish(m)
		w.merged = hold(w.t, w.merged, m.merger.Feed)
		offset, c := resume(w.t, w.merged)
		w.print("partials: offset %d, head %d", offset, c.Head)
		return
	}
	w.ship(m)
	w.publish(m)
	for _, p := range m.agent.Partitions() {
		p.Check()
		before := w.held[p.ID]
		w.held[p.ID] = hold(w.t, before, p.Feed)
		offset, c := resume(w.t, w.held[p.ID])
		text := fmt.Sprintf("%d: offset %d, head %d", p.ID, offset, c.Head)
		for i, s := range c.Refused {
			if i == 0 {
				text += ", not taken"
			}
			text += " " + span(int(p.ID), s.First, s.Last)
		}
		if c.Shipped != window.Unset {
			text += ", shipped to " + clockTime(c.Shipped)
		}
		w.print("%s", text)
	}
}

// publish makes the windows visible that a worker has taken out.
func (w *world) publish(m *member) {
	for _, r := range m.pending {
		if w.visible[string(r.Key)] {
			w.t.Errorf("%s: the window %s comes a second time", w.at, interval(r.Start, r.End))
		}
		w.visible[string(r.Key)] = true
	}
	m.pending = nil
}

// ship writes what a worker ships to the topic of partials.
func (w *world) ship(m *member) {
	for _, p := range m.agent.Partitions() {
		frames, err := p.Ship([16]byte{1}, w.silent[p.ID], nil)
		if err != nil {
			w.fail("%v", err)
		}
		for _, f := range frames {
			w.print("ships %s", w.frame(f))
		}
		w.partials = append(w.partials, frames...)
	}
	merged, newest := int64(math.MinInt64), []Newest(nil)
	if w.merged.text != "" {
		_, c := resume(w.t, w.merged)
		merged, newest = c.Final, c.Newest
	}
	m.agent.Shipped(merged, newest)
}

// frame writes what a frame says.
func (w *world) frame(f []byte) string {
	var r reader
	h, err := r.open(f)
	if err != nil {
		w.fail("%v", err)
	}
	if h.kind == kindClaim {
		c, err := r.claim()
		if err != nil {
			w.fail("%v", err)
		}
		text := fmt.Sprintf("%d: time has come to %s", h.partition, clockTime(c.watermark))
		if c.silent > 0 {
			text += ", silent for " + clockTime(c.silent) + "s"
		}
		return text
	}
	u, err := r.run()
	if err != nil {
		w.fail("%v", err)
	}
	var cols columns
	if err := r.body(&cols, u, []int{0}, []bool{false}); err != nil {
		w.fail("%v", err)
	}
	n := len(cols.offsets)
	text := fmt.Sprintf("%d: slice %s %s", h.partition, interval(u.start, u.start+u.size), span(int(h.partition), cols.offsets[0], cols.offsets[n-1]))
	if int64(n) != cols.offsets[n-1]-cols.offsets[0]+1 {
		text += fmt.Sprintf(" (%d)", n)
	}
	if u.settled {
		text += ", final"
	}
	return text
}

// merge reads what was shipped and takes windows out.
func (w *world) merge() {
	m := w.member([]string{mergerName})
	for m.merger.Position() < int64(len(w.partials)) {
		o := m.merger.Position()
		v, err := m.merger.Add(o, 0, 0, w.partials[o], &MergePlan{Slots: []int{0}})
		if err != nil {
			w.print("frame %d: %v", o, err)
		}
		if v == Late {
			for _, r := range m.merger.Late {
				w.taken[place{r.Partition, r.Offset}] = false
				w.print("%d/%d at %s: late by the clock", r.Partition, r.Offset, clockTime(r.Time))
			}
		}
	}
	w.close(m)
}
