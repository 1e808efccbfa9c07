package agent

import (
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// verify checks that the columns of a pane fit each other: with the build tag
// invariants.
func (p *Partition) verify(c *pane) {
	fail := func(what string, figures ...int64) {
		invariants.Violated("%s/%d window %d: %s: %d; rows %d, room %d, folded %d, slots %d", p.agent.Topic, p.ID, c.start, what, figures, c.rows, c.room, c.folded, c.slots)
	}
	if len(c.times) != c.rows || len(c.offsets) != c.rows || c.rows > c.room {
		fail("times, offsets", int64(len(c.times)), int64(len(c.offsets)))
	}
	if len(c.scalars) != c.slots*c.room || len(c.rests) < c.slots || len(c.arrays) < c.slots {
		fail("scalars, residuals, arrays", int64(len(c.scalars)), int64(len(c.rests)), int64(len(c.arrays)))
	}
	if k := &c.tallies; k.rows > c.rows || len(k.list) == 0 && (k.rows > 0 || k.size > 0) {
		fail("tallies, of rows", int64(len(k.list)), int64(k.rows), k.size)
	}
	for output, v := range c.versions {
		if n := len(p.agent.outputs[output].versions); v >= n && c.count() > 0 {
			fail("version", int64(output), int64(v), int64(n))
		}
	}
	end := p.set.Grid.End(c.start)
	for i, t := range c.times {
		if t < c.start || t >= end && end-c.start == p.set.Grid.Slice {
			fail("an event time outside", t, c.offsets[i])
		}
		if i > 0 && c.offsets[i] <= c.offsets[i-1] {
			fail("offsets out of order", c.offsets[i-1], c.offsets[i])
		}
	}
	if c.rows > 0 && (c.offsets[c.rows-1] != c.last || c.folded == 0 && c.offsets[0] != c.first) {
		fail("first and last offset", c.first, c.last, c.offsets[0], c.offsets[c.rows-1])
	}
	for slot := range c.slots {
		for row, v := range c.column(slot) {
			if invariants.IsFreed(v) {
				fail("memory that was given back, at slot and row", int64(slot), int64(row))
			}
		}
		if p.layout.isArray[slot] {
			a := &c.arrays[slot]
			begin := int32(0)
			for row := max(0, a.folded-1); row < len(a.ends); row++ { // those before went to a sketch
				e := a.ends[row]
				if e < begin || int(e) > len(a.values) {
					fail("an array's end, by slot and row", int64(slot), int64(row), int64(e), int64(len(a.values)))
				}
				begin = e
			}
			if len(a.ends) > c.rows || int(begin) != len(a.values) {
				fail("arrays, elements of a slot", int64(slot), int64(len(a.ends)), int64(len(a.values)), int64(begin))
			}
			if slices.ContainsFunc(a.values, invariants.IsFreed) {
				fail("memory that was given back, in arrays of slot", int64(slot))
			}
			verifyRests(a.rests, len(a.values), fail, slot)
		}
		verifyRests(c.rests[slot], c.rows, fail, slot)
	}
}

// verifyRests checks residuals of n values.
func verifyRests(rests []stats.Residual, n int, fail func(string, ...int64), slot int) {
	for i, r := range rests {
		if int(r.Row) >= n || i > 0 && r.Row <= rests[i-1].Row {
			fail("a residual, by slot and row", int64(slot), int64(r.Row), int64(n))
		}
	}
}

// spoil fills the memory of an empty pane, so that who still uses it is found.
func (p *pane) spoil() {
	for i := range p.scalars {
		p.scalars[i] = invariants.Freed
	}
	for _, list := range [][]int64{p.times[:cap(p.times)], p.offsets[:cap(p.offsets)]} {
		for i := range list {
			list[i] = invariants.FreedInt
		}
	}
	for i := range p.arrays {
		values := p.arrays[i].values[:cap(p.arrays[i].values)]
		for j := range values {
			values[j] = invariants.Freed
		}
	}
}

// spoiled checks that nobody wrote to the memory of an empty pane.
func (p *pane) spoiled(topic string, id int32) {
	ok := !slices.ContainsFunc(p.scalars, func(v float64) bool { return !invariants.IsFreed(v) })
	for _, list := range [][]int64{p.times[:cap(p.times)], p.offsets[:cap(p.offsets)]} {
		ok = ok && !slices.ContainsFunc(list, func(v int64) bool { return v != invariants.FreedInt })
	}
	for i := range p.arrays {
		values := p.arrays[i].values
		ok = ok && !slices.ContainsFunc(values[:cap(values)], func(v float64) bool { return !invariants.IsFreed(v) })
	}
	if !ok {
		invariants.Violated("%s/%d: a pane was written to after it was given back (room %d, slots %d)", topic, id, p.room, p.slots)
	}
}

// verifyFrames reads frames back and compares them with the pane that they
// were made of.
func (p *Partition) verifyFrames(frames [][]byte, c *pane, slots int) {
	fail := func(what string, figures ...any) {
		invariants.Violated("%s/%d window %d: a frame that is read back differs: %s: %v", p.agent.Topic, p.ID, c.start, what, figures)
	}
	slots = min(slots, c.slots)
	same := make([]int, slots)
	for s := range slots {
		same[s] = s
	}
	row, body := 0, []byte(nil)
	var read columns
	for _, frame := range frames {
		var in reader
		h, err := in.open(frame)
		if err != nil || h.kind != kindRows || h.partition != p.ID {
			fail("head", h, err)
		}
		u, err := in.run()
		if err != nil || u.start != c.start || u.size != p.set.Grid.Slice || u.partial != c.partial {
			fail("window", u, err)
		}
		if u.piece == 0 {
			body = body[:0]
		}
		if body = append(body, in.b...); u.piece < u.of-1 {
			continue
		}
		in = reader{b: body, ok: true}
		if err := in.body(&read, u, same, p.layout.isArray); err != nil {
			fail("body", err)
		}
		n := len(read.offsets)
		if row+n > c.rows || !slices.Equal(read.offsets, c.offsets[row:row+n]) || !slices.Equal(read.times, c.times[row:row+n]) {
			fail("offsets or times", row, n, c.rows)
		}
		p.verifyColumns(&read, c, row, n, fail)
		row += n
	}
	if row != c.rows {
		fail("rows", row, c.rows)
	}
}

// verifyColumns compares n rows of a pane with what was read of them.
func (p *Partition) verifyColumns(read *columns, c *pane, row, n int, fail func(string, ...any)) {
	for s := range read.scalars {
		for i := range n {
			got := stats.Absent
			if read.scalars[s] != nil {
				got = read.scalars[s][i]
			}
			if !sameBits(got, c.column(s)[row+i]) {
				fail("slot, row", s, row+i, got, c.column(s)[row+i])
			}
			if p.layout.isArray[s] && !slices.EqualFunc(read.arrays[s].at(i), c.arrays[s].at(row+i), sameBits) {
				fail("array of slot, row", s, row+i)
			}
		}
		got, have, base, end := read.rests[s], c.rests[s], row, row+n
		if a := &c.arrays[s]; p.layout.isArray[s] {
			got, have, base, end = read.arrays[s].rests, a.rests, a.begin(row), a.begin(row+n)
		}
		var want []stats.Residual
		for _, r := range have {
			if int(r.Row) >= base && int(r.Row) < end {
				want = append(want, stats.Residual{Row: r.Row - int32(base), Value: r.Value})
			}
		}
		if !slices.Equal(got, want) {
			fail("residuals of slot", s, got, want)
		}
	}
}
