package agent

import (
	"cmp"
	"math"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Settings of an agent, times in ns.
type Settings struct {
	Grid          window.Grid // which windows there are, an output for each of its shapes
	Grace         int64       // how long a window waits for records that are out of order
	IdleAfter     int64       // silence after which a partition that is read to its end is passed over
	MaxFutureSkew int64       // how far ahead of the clock a record may be stamped
	Stamping      Stamping    // where event times come from
	Confirm       int64       // for how many records a clock that is ahead of the others is doubted; 0: it is believed at once
	Empty         []bool      // of each output, whether it has records of empty windows; nil: none has

	// Of the records of a window, a partition keeps at most ExactLimit (and of
	// a pooled array so many elements); if there are more, they go to sketches
	// that keep what Needs says. 0: no limit.
	ExactLimit int
	Needs      stats.Needs

	// Once says that partials come once. It is looked at with the build tag
	// invariants only.
	Once bool
}

// Verdict is what became of a record.
type Verdict uint8

const (
	Accepted Verdict = iota // it is in its window
	Late                    // its window is final
	Future                  // stamped more than MaxFutureSkew ahead of the clock
	Replayed                // it was counted before a restart, and its window is out or shipped, or it was set aside then: nothing to do
	Bad                     // its bytes do not fit its schema
)

// Plan is how the records of one source schema are read.
type Plan struct {
	Decoder  *codec.Decoder // used by one partition only
	Versions []int          // of each output: index of the first version of its schema that has all fields
}

// Partition is the state of one source partition: its watermark and the panes
// of the slices of which windows are open. Its feed is the partition itself, or the
// partials of a topic that is split, which all its partitions share.
type Partition struct {
	*Feed
	ID int32

	set       *Settings
	layout    *layout
	watermark int64
	readAt    int64  // wall clock at which the partition was last known to be read to its end, ns; 0 if it was not
	merged    claims // of a partition whose records come as partials
	sent      []load // of one that ships, by window

	row     codec.Row
	panes   []*pane // that windows to come need, by start
	current *pane   // the one hit last
	free    []*pane
	kept    int64 // size of the free ones
	taken   int   // panes since the free ones were last counted
	least   int   // free ones that there were at any time since
	hint    int   // records of the window released last
	time    int64 // event time of the newest record, NoTime if it has none

	verdicts *Verdicts // nil without the build tag invariants
}

// layout is what the partitions of an agent share; the agent changes it
// between batches only.
type layout struct {
	paths    []string // by slot
	isArray  []bool   // by slot
	isPooled []bool
	pooled   []int // slots of pooled arrays
	limit    int   // rows that a pane may keep
	needs    stats.Needs
}

// MaxTime is the highest event time met, window.Unset before the first.
func (p *Partition) MaxTime() int64 { return p.maxTime }

// Watermark is the time up to which no more records come, by their order: the
// event time that is believed (see clocks) minus the grace.
func (p *Partition) Watermark() int64 { return p.watermark }

// reached is the time, by the fastest clock of the partition, from which it goes
// on by the wall clock.
func (p *Partition) reached() int64 {
	if p.merges {
		return p.merged.reached
	}
	return window.Back(p.maxTime, p.set.Grace)
}

// Add takes the record at offset, with Kafka's timestamp and clock now (ns). The
// error says why a record is Bad.
//
// If its event time is that timestamp, the record is judged first, and decoded if it
// is not late. Else it is decoded first. If it cannot be, or has no time, it is Bad
// and tells the clocks nothing, whenever it is read.
//
// A record is late if its slice ends at or before the watermark of its own
// partition, even where the topic's watermark, held by a slower partition, has
// not reached it. So what is late follows from the order of the records in
// their partition, and not from how far ahead of the others it happened to be
// read; and the records that are read again after a restart are judged as they
// were the first time. It is late for all windows that its slice is in, also
// for long ones that are still open: what is in the short windows of an hour is
// in the hour, and nothing else.
func (p *Partition) Add(offset int64, epoch int32, kafka, now int64, plan *Plan, body []byte) (Verdict, error) {
	in := int64(window.Unset) // the window that it is in
	replay := p.read(offset, epoch, kafka)
	p.Counts.Records++
	t, decoded := kafka, p.set.Stamping.ID != 0
	if invariants.Enabled && p.verdicts != nil {
		defer func() { p.judged(offset, t, replay, in) }()
	}
	if decoded {
		var err error
		if t, err = p.timed(offset, kafka, now, replay, plan, body); err != nil {
			return p.aside(replay, 1, Bad, &p.Counts.Bad), err
		}
	}
	p.time = t
	start := p.set.Grid.Start(t)
	end := p.set.Grid.End(start)
	switch {
	// It was refused for a reason that may have passed: by the clock, or by what the
	// registry said.
	case replay && p.refused.has(offset):
		return p.aside(replay, 1, Future, &p.Counts.Future), nil
	case end <= p.watermark:
		p.tell(t, now, replay) // it is of a clock nevertheless
		return p.late(replay, 1, false, t), nil
	// The slice is final, which the clock or another partition may have done
	// while this one was silent. After a restart records come again of one that
	// was open then: they count for the time as they did.
	case end <= p.agent.final && !(replay && p.needed(start)):
		if replay {
			p.met(t, now, replay)
		} else {
			p.refused = p.refused.add(offset)
		}
		return p.late(replay, 1, true, t), nil
	// The clock has moved on since it was refused for the first time, and the
	// checkpoint had no room for it. It did not move the highest time. Nor do those
	// that cannot be decoded.
	case replay && t > p.resume.MaxTime && (decoded || plan.Decoder.Decode(body, &p.row) == nil):
		return p.aside(replay, 1, Future, &p.Counts.Future), nil
	// Without a checkpoint the highest time is not known, and all there is to
	// ask is the clock.
	case t > window.Forward(now, p.set.MaxFutureSkew) && (!replay || p.resume.MaxTime == math.MaxInt64):
		if !replay {
			p.refused = p.refused.add(offset)
		}
		return p.aside(replay, 1, Future, &p.Counts.Future), nil
	}
	if !decoded {
		if err := plan.Decoder.Decode(body, &p.row); err != nil {
			p.tell(t, now, replay) // what time it was stamped at is no worse for that
			return p.aside(replay, 1, Bad, &p.Counts.Bad), err
		}
	}
	if replay && end <= p.resume.Shipped {
		p.met(t, now, replay)
		return p.aside(replay, 1, Replayed, nil), nil
	}
	c := p.current
	if c == nil || c.start != start {
		c = p.open(start, t)
	}
	c.add(&p.row, offset, t, p.layout)
	c.need(plan.Versions)
	if plan.Decoder.Others() > 0 && !replay {
		p.others(plan)
	}
	if invariants.Enabled {
		in = start
		p.took(p, c, offset)
	}
	p.met(t, now, replay)
	if c.final {
		p.Counts.Replayed++
	}
	return Accepted, nil
}

// others counts the values of a record that are no samples.
func (p *Partition) others(plan *Plan) {
	if p.Others == nil {
		p.Others = map[*codec.Branch]int64{}
	}
	plan.Decoder.CountOthers(p.Others)
}

// needed reports whether the slice that starts at start is in a window that is
// not final.
func (p *Partition) needed(start int64) bool { return p.set.Grid.Kept(start) > p.agent.final }

// met moves the watermark with the event time of an accepted record.
func (p *Partition) met(t, now int64, replay bool) {
	if invariants.Enabled {
		p.watch.met(t)
	}
	p.maxTime = max(p.maxTime, t)
	p.tell(t, now, replay)
}

// tell tells the clocks of the event time of a record.
func (p *Partition) tell(t, now int64, replay bool) {
	switch {
	case p.set.Confirm == 0 || replay && p.resume.trusting:
		p.clocks.trust(p.maxTime)
	case t >= window.Back(p.clocks.believed, p.set.MaxFutureSkew):
		p.clocks.take(t, now, p.set)
	}
	p.watermark = window.Back(p.clocks.believed, p.set.Grace)
}

// InDoubt reports whether it takes the wall clock to know what time it is, which
// helps where the partition is known to be read to its end.
func (p *Partition) InDoubt() bool { return p.set.Confirm > 0 && !p.clocks.sure() }

// ReadToEnd notes that at the wall clock (ns) all records of the partition had
// been read.
func (p *Partition) ReadToEnd(wall int64) {
	if p.readAt = max(p.readAt, wall); p.InDoubt() {
		p.clocks.start(wall)
	}
}

// now is the time up to which no more records come: the watermark, or, where it is
// in doubt which clock is right, what the wall clock knows of it.
func (p *Partition) now() int64 {
	if p.merges {
		return max(p.watermark, p.merged.now)
	}
	if !p.InDoubt() || p.readAt == 0 {
		return p.watermark
	}
	return max(p.watermark, window.Back(p.clocks.now(p.readAt, p.set.IdleAfter), p.set.Grace))
}

// Tombstone takes a record without a value.
func (p *Partition) Tombstone(offset int64, epoch int32, t int64) {
	replay := p.read(offset, epoch, t)
	p.Counts.Records++
	p.aside(replay, 1, Accepted, &p.Counts.Tombstones)
	if invariants.Enabled && p.verdicts != nil {
		p.judged(offset, t, replay, window.Unset)
	}
}

// Refusal says for how long a record is refused that cannot be decoded.
type Refusal uint8

const (
	// ForGood: by what it is itself, so that it is refused whenever it is read.
	ForGood Refusal = iota
	// ForNow: by what the registry says of its schema. That may be another
	// thing when it is read again, but the record stays refused.
	ForNow
)

// Reject takes a record that was refused before it could be decoded, for
// instance for its wire header. It tells whether it is refused for the first
// time, Bad, or was Replayed.
func (p *Partition) Reject(offset int64, epoch int32, t int64, until Refusal) Verdict {
	replay := p.read(offset, epoch, t)
	if !replay && until == ForNow {
		p.refused = p.refused.add(offset)
	}
	if invariants.Enabled && p.verdicts != nil {
		p.judged(offset, t, replay, window.Unset)
	}
	p.Counts.Records++
	return p.aside(replay, 1, Bad, &p.Counts.Bad)
}

// open finds or makes the pane of the slice that starts at start, for a
// record with event time t.
func (p *Partition) open(start, t int64) *pane {
	i, found := slices.BinarySearchFunc(p.panes, start, func(c *pane, start int64) int { return cmp.Compare(c.start, start) })
	if !found {
		end := p.set.Grid.End(start)
		c := p.take(p.agent.ships(p, end))
		if p.gap {
			p.gap, p.doubt = false, max(p.doubt, window.Forward(t, p.set.Grace))
		}
		c.partial, c.final = start <= p.doubt, end <= p.agent.final
		c.start, c.opened, c.last = start, p.here(), -1
		c.seed = recordHash(int64(p.ID), start)
		p.panes = slices.Insert(p.panes, i, c)
	}
	p.current = p.panes[i]
	return p.current
}

// take is an empty pane, one that is kept whole or not.
func (p *Partition) take(whole bool) *pane {
	c := &pane{hint: p.hint}
	if n := len(p.free); n > 0 {
		c = p.free[n-1]
		p.free = p.free[:n-1]
		p.kept -= c.size()
		if invariants.Enabled {
			c.spoiled(p.agent.Topic, p.ID)
		}
	}
	p.shrink()
	c.owner = p
	if c.whole = whole; c.room > c.limit(p.layout) { // it was whole before
		c.room, c.slots, c.scalars = 0, 0, nil
	}
	return c
}

// shrink lets go of empty panes that were not needed for the last windows: a
// backlog opens many at once, which would stay for ever.
func (p *Partition) shrink() {
	const windows = 32
	p.least = min(p.least, len(p.free))
	if p.taken++; p.taken < windows {
		return
	}
	for _, c := range p.free[:p.least] {
		p.kept -= c.size()
	}
	p.free = slices.Delete(p.free, 0, p.least)
	p.taken, p.least = 0, len(p.free)
}

// remove takes the open pane at index i out.
func (p *Partition) remove(i int) *pane {
	c := p.panes[i]
	p.panes = slices.Delete(p.panes, i, i+1)
	if p.current == c {
		p.current = nil
	}
	return c
}

// A partition keeps some empty panes for its next windows: a few, and more if
// they are small. A partition that catches up ahead of the others opens many.
const (
	keepFree  = 4
	keepBytes = 2 << 20
)

func (p *Partition) release(c *pane) {
	if c.folded == 0 {
		p.hint = c.rows
	}
	if size := c.size(); len(p.free) < keepFree || p.kept+size <= keepBytes {
		c.reset()
		if invariants.Enabled {
			c.spoil()
		}
		p.kept += c.size()
		p.free = append(p.free, c)
	}
}
