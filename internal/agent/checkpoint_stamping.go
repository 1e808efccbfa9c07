package agent

import (
	"encoding/binary"
	"math"

	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// anyTime is the doubt of a partition of which no record was read since its event
// time is another one.
const anyTime = math.MaxInt64

// Restamped is the checkpoint of a partition that begins again at offset with another
// event time. What is out stays out, and what was shipped was. Records below the offset
// had another time when they were read, and records from there on are judged as if they
// had never been. So the first windows that the partition has records of are partial,
// unless none below was ever accepted.
func (c *Checkpoint) Restamped(offset int64, stamping uint64) Checkpoint {
	r := Fresh(offset)
	r.Cluster, r.TopicID = c.Cluster, c.TopicID
	r.Final, r.Shipped, r.Newest, r.Stamping = c.Final, c.Shipped, c.Newest, stamping
	if c.LowTime != window.Unset || c.Shipped != window.Unset || c.Doubt != window.Unset {
		r.Doubt = anyTime
	}
	return r
}

// begin takes the doubt of a checkpoint.
func (f *Feed) begin(doubt int64) {
	if doubt == anyTime {
		f.gap = true
	} else {
		f.doubt = doubt
	}
}

// doubted is the doubt to commit. It is over when the windows are out that it is about.
func (f *Feed) doubted() int64 {
	switch g := &f.agent.set.Grid; {
	case f.gap:
		return anyTime
	case f.doubt != window.Unset && g.Kept(g.Start(f.doubt)) > f.agent.final:
		return f.doubt
	}
	return window.Unset
}

// stamping is the ID to commit; that of partials, which have times of their own, is none.
func (f *Feed) stamping() uint64 {
	if f.merges {
		return 0
	}
	return f.agent.set.Stamping.ID
}

// appendStamping writes what the fourth format has beside the third:
//
//	stamping = id(8) doubt choices
func (c *Checkpoint) appendStamping(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, c.Stamping)
	b = binary.AppendVarint(b, c.Doubt)
	return c.ahead.append(b, c.Head)
}

// stamping reads what appendStamping wrote.
func (r *reader) stamping(c *Checkpoint) {
	if len(r.b) < 8 {
		r.fail()
		return
	}
	c.Stamping, r.b = binary.BigEndian.Uint64(r.b), r.b[8:]
	c.Doubt = r.int()
	c.ahead = r.choices(c.Head)
	if c.Stamping == 0 && c.Doubt == window.Unset {
		r.fail() // it would have the third format
	}
}
