package agent

import (
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Merger fills an agent from the partials of a topic that is split. Records
// get into panes as if they had been read from their partitions, so what is
// computed from them has the same bytes.
//
// Time comes from the claims of the workers that ship. It is measured by the
// timestamps of the frames, best those that the broker gives them on arrival,
// and not by the clock of the worker that merges, which may lag.
type Merger struct {
	*Feed
	// Late are the records of the frame added last that are late: those whose
	// window the clock has closed while they were on the way.
	Late []LateRecord
	// Topic is the TopicHash of the source topic. Frames of another one of the
	// same name, which was there before, are passed over: none of its records is
	// to get into a window with those of this one.
	Topic uint32

	now  int64 // highest timestamp of a frame
	in   reader
	cols columns
	row  codec.Row
}

// MergePlan is how frames with the slots of one aggregated schema are read.
type MergePlan struct {
	Slots    []int // in the newest version, of each slot of the schema
	Versions []int // of each output: index of the first version of its schema that has all fields
}

// LateRecord is a record that is late. Its bytes are in the source topic.
type LateRecord struct {
	Partition    int32
	Offset, Time int64 // Time in ns
}

// claims is what was last said of a partition.
type claims struct {
	reached int64
	silent  int64
	now     int64
	heard   int64
}

// trusted is how long, by the time of the frames, it holds that a partition is
// silent: a few of the intervals at which it is said again.
const trusted = int64(3e9)

// Merge makes the agent one that is filled from partials, which are resumed at
// offset with a checkpoint.
func (a *Agent) Merge(offset int64, c Checkpoint) *Merger {
	a.final = max(a.final, c.Final)
	a.learn(c.Newest)
	m := &Merger{Feed: newFeed(a, offset, c), now: window.Unset}
	m.merges = true
	return m
}

// FrameSchema is the id of the aggregated schema that has to be known to read
// a frame with rows; other frames need none.
func FrameSchema(frame []byte) (id int, rows bool, err error) {
	var r reader
	h, err := r.open(frame)
	if err != nil || h.kind != kindRows {
		return 0, false, err
	}
	u, err := r.run()
	return u.schema, true, err
}

// FrameTopic is the TopicHash of the source topic that a frame comes from.
func FrameTopic(frame []byte) (hash uint32, err error) {
	var r reader
	h, err := r.open(frame)
	return h.topic, err
}

// Add takes the frame at offset with timestamp t (ns). The error says why a
// frame is Bad. plan belongs to the schema of the frame.
func (m *Merger) Add(offset int64, epoch int32, t int64, frame []byte, plan *MergePlan) (Verdict, error) {
	replay := m.read(offset, epoch, t)
	m.now = max(m.now, t)
	m.Late = m.Late[:0]
	if replay && m.refused.has(offset) {
		m.Counts.Records++
		return m.aside(replay, 1, Bad, &m.Counts.Bad), nil
	}
	v, err := m.add(offset, replay, t, frame, plan)
	if err != nil {
		m.Counts.Records++
		return m.aside(replay, 1, Bad, &m.Counts.Bad), err
	}
	return v, nil
}

// Reject takes a frame that was refused before it could be read.
func (m *Merger) Reject(offset int64, epoch int32, t int64, until Refusal) Verdict {
	replay := m.read(offset, epoch, t)
	m.Counts.Records++
	if !replay && until == ForNow {
		m.refused = m.refused.add(offset)
	}
	return m.aside(replay, 1, Bad, &m.Counts.Bad)
}

func (m *Merger) add(offset int64, replay bool, t int64, frame []byte, plan *MergePlan) (Verdict, error) {
	h, err := m.in.open(frame)
	switch {
	case err != nil:
		return Bad, err
	case h.topic != m.Topic, h.kind == kindClaim && h.stamping != m.agent.set.Stamping.ID:
		return Replayed, nil
	case h.kind == kindClaim:
		c, err := m.in.claim()
		if err != nil {
			return Bad, err
		}
		p := m.partition(h)
		p.watermark = max(p.watermark, c.watermark)
		p.merged.reached, p.merged.silent, p.merged.heard = c.reached, c.silent, t
		p.merged.now = max(p.merged.now, c.now)
		m.agent.of = max(m.agent.of, c.of)
		m.agent.learn(c.newest)
		return Accepted, nil
	}
	u, err := m.in.run()
	switch {
	case err != nil:
		return Bad, err
	case h.stamping != m.agent.set.Stamping.ID:
		return Bad, errors.New("event_time was another when the partial was made, so that its records may belong to other windows")
	case u.size != m.agent.set.Grid.Slice:
		return Bad, fmt.Errorf("slices had %d ns when the partial was made and have %d ns now, since windows are others", u.size, m.agent.set.Grid.Slice)
	}
	p := m.partition(h)
	if u.settled {
		m.agent.makeFinal(u.final)
	}
	end := window.End(u.start, u.size)
	open := end > m.agent.final || (u.settled || replay) && p.needed(u.start)
	switch {
	case u.of == 1:
	case open:
		if !p.assemble(&m.in, u) {
			return Accepted, nil
		}
	default: // one record or a few: what is in it is not known any more
		if !replay && p.needed(u.start) {
			m.refused = m.refused.add(offset)
		}
		if u.piece > 0 {
			return Accepted, nil
		}
		m.Counts.Records++
		return m.late(replay || end <= p.watermark, 1, true, u.start), nil
	}
	if err := m.in.body(&m.cols, u, plan.Slots, p.layout.isArray); err != nil {
		return Bad, err
	}
	n := int64(len(m.cols.offsets))
	m.Counts.Records += n
	if invariants.Enabled && !replay && !u.settled && m.agent.set.Once && end <= p.watermark {
		invariants.Violated("%s/%d window %d: %d records from offset %d come, though it was said that no more would (up to %d)", m.agent.Topic, p.ID, u.start, n, m.cols.offsets[0], p.watermark)
	}
	if !open {
		if !replay && p.needed(u.start) {
			m.refused = m.refused.add(offset)
		}
		// The clock has closed the window; or, if the worker that sends it has
		// said before that no more will come, it is sent a second time.
		v := m.late(replay || end <= p.watermark, n, true, u.start)
		for i := 0; v == Late && i < len(m.cols.offsets); i++ {
			m.Late = append(m.Late, LateRecord{p.ID, m.cols.offsets[i], m.cols.times[i]})
		}
		return v, nil
	}
	c := p.open(u.start, end)
	c.need(plan.Versions)
	c.partial = c.partial || u.partial
	if c.final {
		m.Counts.Replayed += n
	}
	if c.addColumns(&m.cols, plan.Slots, p.layout) {
		for i := 0; invariants.Enabled && i < len(m.cols.offsets); i++ {
			m.took(p, c, m.cols.offsets[i])
		}
		return Accepted, nil
	}
	blank(&m.row, len(p.layout.isArray))
	for i, offset := range m.cols.offsets {
		if offset <= c.last { // sent twice, by workers that do not use transactions
			if invariants.Enabled && m.agent.set.Once {
				invariants.Violated("%s/%d window %d: offset %d comes twice, or out of order; the last was %d", m.agent.Topic, p.ID, u.start, offset, c.last)
			}
			m.cols.next(nil, p.layout.isArray, plan.Slots)
			if !c.final {
				m.Counts.Replayed++
			}
			continue
		}
		m.cols.next(&m.row, p.layout.isArray, plan.Slots)
		c.add(&m.row, offset, m.cols.times[i], p.layout)
		if invariants.Enabled {
			m.took(p, c, offset)
		}
	}
	return Accepted, nil
}

// partition finds or makes the partition of a frame.
func (m *Merger) partition(h header) *Partition {
	if i, found := m.agent.search(h.partition); found {
		return m.agent.parts[i]
	}
	return m.agent.partition(h.partition, m.Feed)
}

// Activity is the agent's Activity by what the workers that ship have said.
func (m *Merger) Activity(p *Partition) int64 {
	if m.now-p.merged.heard > trusted {
		return 0
	}
	return p.merged.silent
}

// pieces are what there is of the body of a frame that was cut.
type pieces struct {
	sum      uint32
	of, have int
	body     []byte
}

// assemble adds a piece to what there is of its body. When the body is whole,
// the reader goes on with it. Pieces may come twice, and those of several
// bodies mixed, where workers do not use transactions.
func (p *Partition) assemble(r *reader, u run) bool {
	c := p.open(u.start, p.set.Grid.End(u.start))
	i := 0
	for i < len(c.pieces) && (c.pieces[i].sum != u.sum || c.pieces[i].of != u.of) {
		i++
	}
	if i == len(c.pieces) {
		c.pieces = append(c.pieces, pieces{sum: u.sum, of: u.of})
	}
	s := &c.pieces[i]
	if u.piece != s.have {
		return false
	}
	s.body = append(s.body, r.b...)
	if s.have++; s.have < s.of {
		return false
	}
	r.b = s.body
	s.body = nil // the rest of the entry stays, so that a repetition is known as such
	return crc32.ChecksumIEEE(r.b) == u.sum
}
