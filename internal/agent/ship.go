package agent

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// A topic that is split has its partitions on several workers. None of them
// can compute a window, so each ships the records that it has accepted to one
// that merges them. A window is either shipped by all workers or computed by
// the one that has all partitions, as follows from the checkpoints: while
// partitions are missing all windows are shipped; when there are all again,
// those up to the highest end of a window of which records were shipped, and
// none as soon as these are final.
//
// What is shipped leaves memory with the commit. So records below
// Checkpoint.Head whose window ends at or before Checkpoint.Shipped are not
// needed again; and an agent ships what belongs to such windows whatever else
// it does.

// Sharing says what an agent does with the windows of a topic that other
// agents may have partitions of too.
type Sharing uint8

const (
	// Alone: it computes windows when it has all partitions, and waits as long
	// as there are others that it does not have.
	Alone Sharing = iota
	// Split: it computes windows when it has all partitions, and ships them
	// as long as it has not.
	Split
	// Shipping: it ships all windows even if it has all partitions. Without
	// transactions, records may have been shipped that no checkpoint tells of.
	// An agent with partitions does not change to this or from it: a claim
	// must not rest on windows that were computed here and not committed.
	Shipping
)

// ErrFolded: a window that has to be shipped was folded into sketches, as it
// was to be computed here. It has to be read again.
var ErrFolded = errors.New("a window that has to be shipped was folded into sketches already")

// Share says how the topic is shared.
func (a *Agent) Share(s Sharing) {
	a.sharing = s
	a.reconsider()
}

// reconsider finds out which windows are shipped.
func (a *Agent) reconsider() {
	a.through = window.Unset
	switch {
	case a.sharing == Shipping, a.sharing == Split && !a.Complete():
		a.through = math.MaxInt64
	case a.Complete():
		for _, p := range a.parts {
			a.through = max(a.through, a.set.Grid.Undivided(p.shipped))
		}
	}
	for _, p := range a.parts {
		for _, c := range p.panes {
			if c.large == nil && a.ships(p, a.set.Grid.End(c.start)) {
				c.whole = true
			}
		}
	}
}

// ships reports whether a partition's records of the window that ends at end
// are, or while partitions are missing may have to be, shipped.
func (a *Agent) ships(p *Partition, end int64) bool {
	return end <= a.bound(p)
}

func (a *Agent) bound(p *Partition) int64 { return max(a.through, p.shipped) }

// Ships reports whether there is a merging agent to keep informed.
func (a *Agent) Ships() bool {
	return slices.ContainsFunc(a.parts, func(p *Partition) bool { return a.bound(p) != window.Unset })
}

// Sharing is how the topic is shared.
func (a *Agent) Sharing() Sharing { return a.sharing }

// Settled reports whether the merging agent, if there is one, was told
// everything.
func (a *Agent) Settled() bool {
	rows, _ := a.Unshipped()
	return !a.Ships() || a.through == math.MaxInt64 && rows == 0 && a.claimed == a.final
}

// Unshipped is how many records wait to be shipped, and their memory in bytes.
func (a *Agent) Unshipped() (rows, bytes int64) {
	for _, p := range a.parts {
		if p.Replaying() {
			continue
		}
		for _, c := range p.panes[:a.oldest(p)] {
			rows += c.count()
			bytes += c.size()
		}
	}
	return rows, bytes
}

// Ship takes the records that are to be shipped out of the partition and
// appends frames of them to out, whose memory behind its end is used again; the
// last frame says how far the partition is in time. silent is how long it is
// known to have been read to its end without a new record. A partition that is
// read again has nothing to say yet.
//
// When all partitions of the agent have done so, Shipped has to be called, and
// then the frames have to be delivered in one transaction with the offsets.
func (p *Partition) Ship(topicID [16]byte, silent int64, out [][]byte) ([][]byte, error) {
	a := p.agent
	if p.Replaying() || a.bound(p) == window.Unset {
		return out, nil
	}
	h := header{partition: p.ID, topic: TopicHash(topicID), stamping: a.set.Stamping.ID}
	for n := a.oldest(p); n > 0; n-- {
		c := p.remove(0)
		if c.large != nil {
			return out, ErrFolded
		}
		v := &a.outputs[0].versions[c.version(0)]
		before := len(out)
		out = appendRows(out, h, c, a.set.Grid.Slice, a.final, v.SchemaID, len(v.Schema.Fields))
		if invariants.Enabled {
			p.left(p, c)
			p.verifyFrames(out[before:], c, len(v.Schema.Fields))
		}
		p.note(c.start, out[before:])
		if !c.final {
			p.Counts.Shipped += c.count()
		}
		p.shipped = max(p.shipped, a.set.Grid.End(c.start))
		p.release(c)
	}
	if a.others {
		return out, nil
	}
	said := claim{of: a.of, watermark: max(a.final, p.watermark), reached: p.reached(), silent: silent, now: p.now(), newest: a.Newest()}
	if bound := a.bound(p); bound != math.MaxInt64 {
		// What ends later is not shipped, and what time it is by the clock
		// is found out here.
		said.watermark, said.silent = min(said.watermark, bound), 0
		said.now = said.watermark
	}
	return append(out, appendClaim(nil, h, said)), nil
}

// Shipped notes that all partitions have shipped, and that windows that end at
// merged or before are known to be out, of which newest are the last. If these are
// all that were ever shipped, windows are computed here from now on; not before,
// so that they come out in order.
func (a *Agent) Shipped(merged int64, newest []Newest) {
	a.claimed = a.final
	for _, p := range a.parts {
		if p.Replaying() {
			return
		}
	}
	if !a.Complete() || a.through == window.Unset || min(a.final, merged) < a.through {
		return
	}
	for _, p := range a.parts {
		p.shipped = window.Unset
	}
	a.learn(newest)
	a.reconsider()
}

// load is what was shipped of a window.
type load struct{ start, bytes int64 }

// note adds up what is shipped.
func (p *Partition) note(start int64, frames [][]byte) {
	i, found := slices.BinarySearchFunc(p.sent, start, func(l load, start int64) int { return cmp.Compare(l.start, start) })
	if !found {
		p.sent = slices.Insert(p.sent, i, load{start: start})
	}
	for _, f := range frames {
		p.sent[i].bytes += int64(len(f))
	}
}

// Ahead is how many bytes were shipped of windows that cannot be final soon,
// since the agent that merges has come to the time final only: those that
// records within the grace of it do not get into.
func (p *Partition) Ahead(final int64) (bytes int64) {
	if len(p.sent) == 0 {
		return 0
	}
	if final == window.Unset {
		final = p.sent[0].start
	}
	p.sent = slices.DeleteFunc(p.sent, func(l load) bool { return p.set.Grid.End(l.start) <= final })
	for _, l := range p.sent {
		if l.start > window.Forward(final, p.set.Grace+p.set.Grid.Slice) {
			bytes += l.bytes
		}
	}
	return bytes
}
