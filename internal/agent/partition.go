package agent

import (
	"fmt"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Settings of an agent, times in ns.
type Settings struct {
	Size          int64 // of a window, > 0
	Grace         int64 // how long a window waits for records that are out of order
	IdleAfter     int64 // silence after which a partition that is read to its end is passed over
	MaxFutureSkew int64 // how far ahead of the clock a record may be stamped

	// Of the records of a window, a partition keeps at most ExactLimit (and of
	// a pooled array so many elements); if there are more, they go to sketches
	// that keep what Needs says. 0: no limit.
	ExactLimit int
	Needs      stats.Needs
}

// Verdict is what became of a record.
type Verdict uint8

const (
	Accepted Verdict = iota // it is in its window
	Late                    // its window is final
	Future                  // stamped more than MaxFutureSkew ahead of the clock
	Replayed                // it was counted before a restart, and its window is out or it was set aside then: nothing to do
	Bad                     // its bytes do not fit its schema
)

// Counts are records of a partition since it was assigned. The law of
// conservation, held by Check, is
//
//	Records = InWindows + open rows + Late + Future + Bad + Tombstones + Replayed
type Counts struct {
	Records    int64 // read, control records excepted
	InWindows  int64 // in windows that are final
	Late       int64
	Future     int64
	Bad        int64 // dead-lettered
	Tombstones int64
	Replayed   int64 // read a second time, and no part of an open window
	Lost       int64 // offsets that were deleted before they were read (not part of the law)
	Mismatches int64 // re-read ranges that were not as before (not part of the law)
	Bytes      int64 // of values (not part of the law)
}

// Plan is how the records of one source schema are read.
type Plan struct {
	Decoder *codec.Decoder // used by one partition only
	Version int            // index of the first version of the aggregated schema that has all its fields
}

// Partition is the state of one source partition: its position, its
// watermark, and the panes of the windows that are open.
type Partition struct {
	ID     int32
	Counts Counts

	set     *Settings
	layout  *layout
	resume  Checkpoint
	from    int64 // committed offset it was resumed from
	next    int64 // next offset to read
	epoch   int32 // leader epoch of the newest record
	maxTime int64
	final   int64

	gap   bool  // offsets before the first record were lost
	doubt int64 // windows that begin at or before are partial; window.Unset: none

	seen int64  // records read since from
	hash uint64 // sum of their recordHash

	refused spans // see Checkpoint.Refused

	row     codec.Row
	panes   []*pane // open, by start
	current *pane   // the one hit last
	free    []*pane
	kept    int64 // size of the free ones
	hint    int   // records of the window released last
}

// layout is what the partitions of an agent share; the agent changes it
// between batches only.
type layout struct {
	isArray  []bool // by slot
	isPooled []bool
	pooled   []int // slots of pooled arrays
	limit    int   // rows that a pane may keep
	needs    stats.Needs
}

// Position is the next offset to read.
func (p *Partition) Position() int64 { return p.next }

// Head is the offset below which records are only read again to rebuild windows.
func (p *Partition) Head() int64 { return p.resume.Head }

// Replaying reports whether the next record was read before a restart.
func (p *Partition) Replaying() bool { return p.next < p.resume.Head }

// MaxTime is the highest event time met, window.Unset before the first.
func (p *Partition) MaxTime() int64 { return p.maxTime }

// Watermark is the highest event time minus the grace.
func (p *Partition) Watermark() int64 { return window.Back(p.maxTime, p.set.Grace) }

// Add takes the record at offset, with event time t and clock now (ns). The
// error says why a record is Bad.
//
// A record is late if its window ends at or before the watermark of its own
// partition, even where the topic's watermark, held by a slower partition, has
// not reached it. So what is late follows from the order of the records in
// their partition, and not from how far ahead of the others it happened to be
// read; and the records that are read again after a restart are judged as they
// were the first time.
func (p *Partition) Add(offset int64, epoch int32, t, now int64, plan *Plan, body []byte) (Verdict, error) {
	replay := p.read(offset, epoch, t)
	start := window.Start(t, p.set.Size)
	end := window.End(start, p.set.Size)
	switch {
	case end <= max(p.final, p.Watermark()):
		return p.aside(replay, Late, &p.Counts.Late), nil
	// The clock has moved on since a record was judged for the first time. That
	// it was refused then stands in the checkpoint, or else may show in the
	// highest time, which it did not move.
	case replay && (t > p.resume.MaxTime || p.refused.has(offset)):
		return p.aside(replay, Future, &p.Counts.Future), nil
	case !replay && t > window.Forward(now, p.set.MaxFutureSkew):
		p.refused = p.refused.add(offset)
		return p.aside(replay, Future, &p.Counts.Future), nil
	}
	if err := plan.Decoder.Decode(body, &p.row); err != nil {
		return p.aside(replay, Bad, &p.Counts.Bad), err
	}
	c := p.current
	if c == nil || c.start != start {
		c = p.open(start, offset, epoch, t)
	}
	c.add(&p.row, t, p.layout)
	c.last = offset
	c.version = max(c.version, plan.Version)
	p.maxTime = max(p.maxTime, t)
	return Accepted, nil
}

// Tombstone takes a record without a value.
func (p *Partition) Tombstone(offset int64, epoch int32, t int64) {
	replay := p.read(offset, epoch, t)
	p.aside(replay, Accepted, &p.Counts.Tombstones)
}

// Reject takes a record that was refused before it could be decoded, for
// instance for its wire header. It tells whether it is refused for the first
// time, Bad, or was Replayed.
func (p *Partition) Reject(offset int64, epoch int32, t int64) Verdict {
	replay := p.read(offset, epoch, t)
	if !replay {
		p.refused = p.refused.add(offset)
	}
	return p.aside(replay, Bad, &p.Counts.Bad)
}

// Skip takes a control record, or a gap up to it: only the position moves.
func (p *Partition) Skip(offset int64) {
	p.next = max(p.next, offset+1)
	if p.next >= p.resume.Head {
		p.verify()
	}
}

// read counts a record and moves the position; it reports whether the record
// was read before a restart.
func (p *Partition) read(offset int64, epoch int32, t int64) (replay bool) {
	if offset < p.next {
		panic(fmt.Sprintf("BUG: partition %d: offset %d is read again, position %d", p.ID, offset, p.next))
	}
	replay = offset < p.resume.Head
	if !replay {
		p.verify()
	}
	p.next, p.epoch = offset+1, epoch
	p.Counts.Records++
	p.seen++
	p.hash += recordHash(offset, t)
	if p.next >= p.resume.Head {
		p.verify()
	}
	return replay
}

// verify compares, once the head is reached, what was read again with what
// was read before the restart. Where they differ (compaction, retention, a
// topic made again) the open windows may be incomplete.
func (p *Partition) verify() {
	if p.resume.Count < 0 { // done before
		return
	}
	if p.seen != p.resume.Count || p.hash != p.resume.Hash {
		p.Counts.Mismatches++
		for _, c := range p.panes {
			c.partial = true
		}
		// A window that has no record yet may miss some, too.
		p.doubt = max(p.doubt, p.resume.MaxTime)
	}
	p.resume.Count = -1
}

// Lose says that n offsets before the first record of this partition were
// deleted before anybody read them. Windows that they may have belonged to are
// partial: those that begin no later than a grace behind the first record,
// for so far records may be out of order.
func (p *Partition) Lose(n int64) {
	p.Counts.Lost += n
	p.gap = n > 0
}

// aside counts a record that gets into no window.
func (p *Partition) aside(replay bool, v Verdict, count *int64) Verdict {
	if replay {
		p.Counts.Replayed++
		return Replayed
	}
	*count++
	return v
}

// open finds or makes the pane of the window that starts at start.
func (p *Partition) open(start, offset int64, epoch int32, t int64) *pane {
	i, found := slices.BinarySearchFunc(p.panes, start, func(c *pane, start int64) int {
		switch {
		case c.start < start:
			return -1
		case c.start > start:
			return 1
		}
		return 0
	})
	if !found {
		c := p.take()
		if p.gap {
			p.gap, p.doubt = false, max(p.doubt, window.Forward(t, p.set.Grace))
		}
		c.partial = start <= p.doubt
		c.start, c.first, c.epoch = start, offset, epoch
		c.seed = recordHash(int64(p.ID), start)
		c.before = p.maxTime
		c.seen, c.hash = p.seen-1, p.hash-recordHash(offset, t) // without this record
		p.panes = slices.Insert(p.panes, i, c)
	}
	p.current = p.panes[i]
	return p.current
}

func (p *Partition) take() *pane {
	if n := len(p.free); n > 0 {
		c := p.free[n-1]
		p.free = p.free[:n-1]
		p.kept -= c.size()
		return c
	}
	return &pane{hint: p.hint}
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
		p.kept += c.size()
		p.free = append(p.free, c)
	}
}

// Low is the offset to commit, the leader epoch that belongs to it, and the
// checkpoint to commit with it, but for what the partition does not know.
func (p *Partition) Low() (offset int64, epoch int32, c Checkpoint) {
	offset, epoch = p.next, p.epoch
	seen, hash, low := p.seen, p.hash, p.maxTime
	for _, o := range p.panes {
		if o.first < offset {
			offset, epoch, seen, hash, low = o.first, o.epoch, o.seen, o.hash, o.before
		}
	}
	p.refused = p.refused.from(offset)
	c = Checkpoint{Refused: p.refused, Head: p.next, MaxTime: p.maxTime, LowTime: low, Final: p.final, Count: p.seen - seen, Hash: p.hash - hash}
	if p.Replaying() {
		// Not all of [from, Head) is read yet: what was committed stays true,
		// but for what became final meanwhile.
		c = p.resume
		c.Final = max(c.Final, p.final)
		return p.from, -1, c
	}
	return offset, epoch, c
}

// OpenRows counts the records in open windows, and the windows.
func (p *Partition) OpenRows() (rows int64, windows int) {
	for _, c := range p.panes {
		rows += c.count()
	}
	return rows, len(p.panes)
}

// Memory is what the open windows take, in bytes.
func (p *Partition) Memory() (n int64) {
	for _, c := range p.panes {
		n += c.size()
	}
	return n
}

// Check holds the law of conservation.
func (p *Partition) Check() {
	open, _ := p.OpenRows()
	c := &p.Counts
	if sum := c.InWindows + open + c.Late + c.Future + c.Bad + c.Tombstones + c.Replayed; sum != c.Records {
		panic(fmt.Sprintf("BUG: partition %d: %d records read, %d accounted for (%+v, open %d)", p.ID, c.Records, sum, *c, open))
	}
}
