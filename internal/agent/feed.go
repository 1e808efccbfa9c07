package agent

import (
	"fmt"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Counts are records of a partition since it was assigned. The law of
// conservation, held by Check, is
//
//	Records = InWindows + open rows + Late + Future + Bad + Tombstones + Replayed + Shipped
//
// Of the partials of a topic that is split, the records that frames hold are
// counted, and not the frames.
type Counts struct {
	Records     int64 // read, control records excepted
	InWindows   int64 // in windows that are final
	Late        int64
	Future      int64
	Bad         int64 // dead-lettered
	Tombstones  int64
	Replayed    int64 // read a second time, and no part of an open window
	Shipped     int64 // sent on, to be merged elsewhere
	LateByClock int64 // of those that are late: by the clock, which had closed their window, and not by the order of records (not part of the law)
	Lost        int64 // offsets that were deleted before they were read (not part of the law)
	Mismatches  int64 // re-read ranges that were not as before (not part of the law)
	Bytes       int64 // of values (not part of the law)
	Stamps      Stamps
}

// Feed is a partition of Kafka as it is read: the position in it, what was
// committed, and the fingerprint of the range between. Its records get into
// the open windows of one Partition, its own, or, if it has the partials of a
// topic that is split, into those of all partitions of that topic.
type Feed struct {
	Counts Counts
	Others map[*codec.Branch]int64 // values of unions that are no samples, by branch, of records that got into windows for the first time

	agent   *Agent
	merges  bool // it has partials
	into    []*Partition
	resume  Checkpoint
	from    int64 // committed offset it was resumed from
	next    int64 // next offset to read
	epoch   int32 // leader epoch of the newest record
	maxTime int64 // highest event time of an accepted record
	clocks  clocks
	shipped int64 // highest end of a window of which records were shipped

	gap   bool  // offsets before the first record were lost, or were read by another event time
	doubt int64 // windows that begin at or before are partial; window.Unset: none

	refused spans   // see Checkpoint.Refused
	ahead   choices // see Checkpoint.ahead

	behind int64 // how far the latest of the late records was behind the highest event time, ns

	seen int64  // records read since from
	hash uint64 // sum of their recordHash
	own  uint64 // recordHash of the newest record

	watch *watch // nil without the build tag invariants
}

// mark is a place in a feed, with what a Checkpoint says of it.
type mark struct {
	offset  int64
	epoch   int32 // leader epoch of the record there
	seen    int64 // records read before it
	hash    uint64
	maxTime int64 // highest event time before it
	clocks  clocks
}

func newFeed(a *Agent, offset int64, c Checkpoint) *Feed {
	f := &Feed{agent: a, resume: c, from: offset, next: offset, epoch: -1, doubt: window.Unset, maxTime: c.LowTime, clocks: c.clocks(), refused: slices.Clone(c.Refused), ahead: slices.Clone(c.ahead), shipped: c.Shipped}
	f.begin(c.Doubt)
	if invariants.Enabled {
		f.watch = newWatch(c)
	}
	return f
}

// Position is the next offset to read.
func (f *Feed) Position() int64 { return f.next }

// Head is the offset below which records are only read again to rebuild windows.
func (f *Feed) Head() int64 { return f.resume.Head }

// Replaying reports whether the next record was read before a restart.
func (f *Feed) Replaying() bool { return f.next < f.resume.Head }

// Skip takes a control record, or a gap up to it: only the position moves.
func (f *Feed) Skip(offset int64) {
	f.next = max(f.next, offset+1)
	if f.next >= f.resume.Head {
		f.verify()
	}
}

// read moves the position over a record with Kafka's timestamp; it reports whether the record was
// read before a restart.
func (f *Feed) read(offset int64, epoch int32, stamp int64) (replay bool) {
	if offset < f.next {
		panic(fmt.Sprintf("BUG: %s: offset %d is read again, position %d", f.agent.Topic, offset, f.next))
	}
	replay = offset < f.resume.Head
	if !replay {
		f.verify()
	}
	f.next, f.epoch = offset+1, epoch
	f.seen++
	f.own = recordHash(offset, stamp)
	f.hash += f.own
	if invariants.Enabled {
		f.watch.read(offset, stamp)
	}
	if f.next >= f.resume.Head {
		f.verify()
	}
	return replay
}

// here is the place of the newest record.
func (f *Feed) here() mark {
	return mark{f.next - 1, f.epoch, f.seen - 1, f.hash - f.own, f.maxTime, f.clocks}
}

// verify compares, once the head is reached, what was read again with what
// was read before the restart. Where they differ (compaction, retention, a
// topic made again) the open windows may be incomplete.
func (f *Feed) verify() {
	if f.resume.Count < 0 { // done before
		return
	}
	if f.seen != f.resume.Count || f.hash != f.resume.Hash {
		f.Counts.Mismatches++
		for _, p := range f.into {
			for _, c := range p.panes {
				c.partial = true
			}
		}
		// A window that has no record yet may miss some, too.
		f.doubt = max(f.doubt, f.resume.MaxTime)
	}
	if invariants.Enabled {
		f.watch.same = f.seen == f.resume.Count && f.hash == f.resume.Hash
	}
	f.resume.Count = -1
}

// Lose says that n offsets before the first record of this partition were
// deleted before anybody read them. Windows that they may have belonged to are
// partial: those that begin no later than a grace behind the first record,
// for so far records may be out of order.
func (f *Feed) Lose(n int64) {
	f.Counts.Lost += n
	f.gap = f.gap || n > 0
}

// PartialUpTo is the last start of windows of which records are known to be
// missing from the beginning on, window.Unset if there are none: what was
// committed was made for other windows, or what lay before it is gone.
func (f *Feed) PartialUpTo() int64 { return f.doubt }

// late counts n records that are late; the window of one of event time t is
// closed.
func (f *Feed) late(replay bool, n int64, clock bool, t int64) Verdict {
	if !replay {
		if clock {
			f.Counts.LateByClock += n
		}
		if f.maxTime != window.Unset {
			f.behind = max(f.behind, f.maxTime-t)
		}
	}
	return f.aside(replay, n, Late, &f.Counts.Late)
}

// TakeBehind is how far, in ns, the latest of the late records was behind the
// highest event time of its partition, since it was last asked for.
func (f *Feed) TakeBehind() int64 {
	d := f.behind
	f.behind = 0
	return d
}

// aside counts n records that get into no window.
func (f *Feed) aside(replay bool, n int64, v Verdict, count *int64) Verdict {
	if replay {
		v, count = Replayed, &f.Counts.Replayed
	}
	*count += n
	return v
}

// Low is the offset to commit, the leader epoch that belongs to it, and the
// checkpoint to commit with it, but for what the feed does not know.
func (f *Feed) Low() (offset int64, epoch int32, c Checkpoint) {
	if invariants.Enabled {
		defer func() { f.verifyLow(offset, &c) }()
	}
	if f.Replaying() {
		// Not all of [from, Head) is read yet: what was committed stays true,
		// but for what became final meanwhile.
		c = f.resume
		c.Final, c.Newest = f.out(), f.agent.Newest()
		return f.from, -1, c
	}
	low := mark{f.next, f.epoch, f.seen, f.hash, f.maxTime, f.clocks}
	for _, p := range f.into {
		for _, c := range p.panes {
			if c.opened.offset < low.offset {
				low = c.opened
			}
		}
	}
	f.refused, f.ahead = f.refused.from(low.offset), f.ahead.from(low.offset)
	return low.offset, low.epoch, Checkpoint{
		Stamping: f.stamping(), Doubt: f.doubted(), ahead: f.ahead,
		Refused: f.refused,
		Head:    f.next, MaxTime: f.maxTime, LowTime: low.maxTime, Final: f.out(), Shipped: f.shipped,
		Count: f.seen - low.seen, Hash: f.hash - low.hash,
		Clocks: f.kept(low.clocks), Newest: f.agent.Newest(),
	}
}

// out is the final time to commit: that of the last slice which is final. As all
// windows begin and end with slices, it says the same of them as the time to the
// ns; but windows of another configuration, which are finer, must not be taken for
// out where it lies within a slice that is not. By the same reason it does not
// fall below what was committed, which another configuration may have done.
func (f *Feed) out() int64 { return max(f.resume.Final, f.agent.set.Grid.Start(f.agent.final)) }

// Passed reports whether slices have become final since a checkpoint said final.
func (f *Feed) Passed(final int64) bool { return f.out() > final }

// OpenRows counts the records in slices that are not final, and the slices of
// each partition that windows to come need.
func (f *Feed) OpenRows() (rows int64, slices int) {
	for _, p := range f.into {
		for _, c := range p.panes {
			if !c.final {
				rows += c.count()
			}
		}
		slices += len(p.panes)
	}
	return rows, slices
}

// Memory is what the open windows take, in bytes.
func (f *Feed) Memory() (n int64) {
	for _, p := range f.into {
		for _, c := range p.panes {
			n += c.size()
		}
	}
	return n
}

// Check holds the law of conservation.
func (f *Feed) Check() {
	if invariants.Enabled {
		f.verifyAll()
	}
	open, _ := f.OpenRows()
	c := &f.Counts
	if sum := c.InWindows + open + c.Late + c.Future + c.Bad + c.Tombstones + c.Replayed + c.Shipped; sum != c.Records {
		panic(fmt.Sprintf("BUG: %s: %d records read, %d accounted for (%+v, open %d)", f.agent.Topic, c.Records, sum, *c, open))
	}
}
