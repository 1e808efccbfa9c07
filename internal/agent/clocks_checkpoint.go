package agent

import (
	"encoding/binary"

	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// clocks are those that the records of a partition are read on with.
func (c *Checkpoint) clocks() clocks {
	switch s := since(c.LowTime); {
	case c.Clocks != nil:
		s = *c.Clocks
		s.named = s.seen
		return s
	case c.trusting && c.LowTime != window.Unset:
		s.trust(c.LowTime)
		return s
	default:
		return s
	}
}

// kept is what a checkpoint has of clocks.
func (f *Feed) kept(c clocks) *clocks {
	if f.merges || f.agent.set.Confirm == 0 {
		return nil
	}
	for i := range c.n { // of the wall clock and producers nothing is known after a restart
		c.list[i].at, c.list[i].over, c.list[i].producer = 0, false, 0
	}
	c.from, c.named = 0, 0
	return &c
}

// append writes clocks, as varints:
//
//	clocks = n known seen elapsed rhythm believed n×(last elapsed-since records seen-since missed)
//	       | noClocks
//
// where last is the difference to the one before, at first to believed.
func (c *clocks) append(b []byte) []byte {
	if c == nil {
		return append(b, noClocks)
	}
	known := byte(0)
	if c.known {
		known = 1
	}
	b = append(b, byte(c.n), known)
	b = binary.AppendUvarint(b, uint64(c.seen))
	b = binary.AppendUvarint(b, uint64(c.elapsed))
	b = binary.AppendUvarint(b, uint64(c.rhythm))
	b = binary.AppendVarint(b, c.believed)
	last := c.believed
	for _, k := range c.list[:c.n] {
		b = binary.AppendVarint(b, k.last-last)
		b = binary.AppendUvarint(b, uint64(c.elapsed-k.elapsed))
		b = binary.AppendUvarint(b, uint64(k.records))
		b = binary.AppendUvarint(b, uint64(c.seen-k.seen))
		b = binary.AppendUvarint(b, uint64(k.missed))
		last = k.last
	}
	return b
}

// noClocks stands where time is believed at once.
const noClocks = 0xff

// clocks reads what append wrote.
func (r *reader) clocks() *clocks {
	n := int(r.byte())
	if n == noClocks {
		return nil
	}
	c := &clocks{n: n}
	known := r.byte()
	if n > maxClocks || known > 1 {
		r.fail()
		return c
	}
	c.known = known == 1
	c.seen, c.elapsed, c.rhythm, c.believed = r.whole(), r.whole(), r.whole(), r.int()
	last := c.believed
	for i := range c.n {
		k := &c.list[i]
		k.last = last + r.int()
		k.elapsed, k.records = c.elapsed-r.whole(), r.whole()
		k.seen, k.missed = c.seen-r.whole(), r.whole()
		if i > 0 && k.last < last || k.records == 0 || k.seen < 0 {
			r.fail()
		}
		last = k.last
	}
	return c
}
