package agent

import (
	"math"

	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// The records of a partition may be stamped by several clocks, of which some
// are wrong. Time follows the slowest of those that are alive: then no record
// is late because of a clock that is fast. Which clocks there are shows in the
// event times alone, so that what is late follows from the order of the records:
//
//   - A record that is no further ahead of a clock than its rhythm explains is of
//     that clock; the rhythm is the longest step of late. So is one that is as far
//     behind the fastest clock as the last one was. A clock that has made no step yet
//     may make one of 10 s, or, in a topic of few records, one like that to it.
//   - A record that is of none begins one.
//   - When a clock explains what others stamp, and stamps nothing itself, they have
//     met: they are one.
//   - A clock is passed over when it has been silent for Settings.Confirm records
//     of the others, or for MaxFutureSkew by their time; one that has stamped few
//     records, sooner.
//   - One record alone holds nothing up.
//   - At the beginning of a partition, a few records tell what clocks there are.
//
// So a jump ahead moves time only when nobody contradicts it for long enough: it
// may be a gap in the data, or a clock that is wrong. Until then the records get
// into their windows, and where a partition is read as it is written, the wall
// clock says when these end: see now.
type clocks struct {
	list     [maxClocks]clock // by last
	n        int
	seen     int64 // records
	moved    int64 // ns that clocks have gone on in steps that their rhythm explains
	believed int64 // time: the highest event time that no wrong clock explains
	known    bool  // the beginning is over
	from     int64 // wall clock at the first record since a start, ns; 0 before
}

// clock is one of them, as its records show it.
type clock struct {
	last    int64 // highest event time
	lead    int64 // that of the fastest clock with the last record
	rhythm  int64 // longest step of late, ns; 0: it has made none
	records int64
	seen    int64 // clocks.seen and moved with its last record
	moved   int64
	missed  int64 // records since that it explains too

	at   int64 // wall clock at its last record, ns; unlike the rest not a matter of record order
	over bool  // the wall clock explains that the next one is ahead of it
}

// Patience is for how long, by the wall clock, other clocks are waited for at the
// beginning of a partition: 5 s, or as long as a partition that is silent is waited for.
const Patience = int64(5e9)

// Confirm is for how many records a clock that is ahead of the others is doubted:
// more than a producer sends in one batch.
const Confirm = 1024

const (
	// maxClocks is more than instruments share a partition and disagree. The one
	// that is alone, or was silent for longest, makes place for another.
	maxClocks = 8
	// few of the others count as one of a clock, when it is silent.
	few = 64
	// beginning is how many records tell what clocks there are.
	beginning = 4
	// first is how long the first step of a clock may be, 10 s, or twice as long as the
	// one to it, if that was taken for another clock.
	first = int64(10e9)
	// young is a clock with fewer records.
	young = 16
	// met clocks are one: so many records of the others one of them explains too,
	// without a record of its own.
	met = 64
	// decay of the rhythm: a long step is forgotten over some dozens of records.
	decay = 32
	// agree is by how much clocks differ that count as right, 1 s: that of this
	// machine and those that stamp records. It is also what a record may take from
	// one to the other.
	agree = int64(1e9)
)

// start has the wall clock run from now for what it does not run for yet.
func (c *clocks) start(now int64) {
	if c.from != 0 {
		return
	}
	c.from = now
	for i := range c.n {
		c.list[i].at = now
	}
}

// trust takes the event time of a record that is believed at once.
func (c *clocks) trust(t int64) {
	c.believed, c.known = max(c.believed, t), true
	if c.n == 0 {
		c.n = 1
	}
	k := &c.list[0]
	k.last, k.lead = c.believed, c.believed
	k.records = 1
}

// since is the state of a partition of which nothing is known but that no time
// below t comes: where it begins again.
func since(t int64) clocks { return clocks{believed: t} }

// take takes the event time t of a record that was accepted, at the wall clock
// now (both ns).
func (c *clocks) take(t, now int64, set *Settings) {
	c.seen++
	c.start(now)
	i := c.of(t, now, set)
	k := &c.list[i]
	if t > k.last {
		if step := t - k.last; k.rhythm > 0 {
			k.rhythm = max(step, k.rhythm-(k.rhythm-step)/decay)
			c.moved += step
		} else {
			k.rhythm = step
		}
		k.last = t
	}
	k.records++
	for ; i+1 < c.n && c.list[i+1].last < k.last; i++ {
		c.list[i], c.list[i+1] = c.list[i+1], c.list[i]
		k = &c.list[i+1]
	}
	k.lead = c.list[c.n-1].last
	k.seen, k.moved, k.missed, k.at, k.over = c.seen, c.moved, 0, now, false
	if c.n > 1 {
		c.pass(set)
	}
	if !c.known && (c.seen >= beginning || c.moved >= set.MaxFutureSkew) {
		c.known = true
		for i := range c.n { // none that was there is alone
			c.list[i].records = max(c.list[i].records, 2)
		}
	}
	if c.known {
		c.believed = max(c.believed, c.slowest())
	}
}

// of is the index of the clock that a record of time t is of: the nearest that
// explains it, or else the fastest if it has no rhythm yet, or else a new one.
func (c *clocks) of(t, now int64, set *Settings) int {
	if c.n == 1 && c.list[0].explains(t, set) {
		return 0
	}
	of := -1
	for i := 0; i < c.n; i++ {
		k := &c.list[i]
		switch {
		case !k.explains(t, set) && !c.follows(k, t, set):
			continue
		case of >= 0 && k.records < young && c.list[of].records >= young: // it was a record or two that were ahead
			c.remove(i, i+1)
			i--
			continue
		case of >= 0 && distance(t, k.last) >= distance(t, c.list[of].last):
		default:
			of = i
		}
		k.missed++
	}
	if of >= 0 {
		return of
	}
	// Of the last clock behind the record it may be the first step.
	i := c.n - 1
	for i >= 0 && c.list[i].last > t {
		i--
	}
	if i < 0 || c.list[i].rhythm > 0 {
		return c.begin(t, now)
	}
	step := t - c.list[i].last
	switch sparse := i > 0 && c.list[i-1].rhythm == 0 && c.list[i-1].seen < c.list[i].seen && step <= 2*(c.list[i].last-c.list[i-1].last); {
	case sparse:
		c.remove(i-1, i)
		return i - 1
	case step <= first:
		return i
	}
	return c.begin(t, now)
}

// follows reports whether a record of time t is as far behind the fastest clock as
// the last one of the clock was, or about so.
func (c *clocks) follows(k *clock, t int64, set *Settings) bool {
	top := &c.list[c.n-1]
	step := top.last - k.lead
	off := distance(t-k.last, step)
	return k != top && step > 0 && off <= top.rhythm+top.rhythm/2+max(set.Grace/2, agree/4) && off < distance(t, top.last)
}

func distance(a, b int64) int64 { return max(a, b) - min(a, b) }

// explains reports whether a record of time t can be of the clock: behind it by no
// more than most of the grace, or ahead by no more than a long step and half of the grace.
func (k *clock) explains(t int64, set *Settings) bool {
	if t <= k.last {
		return t >= window.Back(k.last, set.Grace-set.Grace/8) // in time before it is late
	}
	return t-k.last <= k.rhythm+k.rhythm/2+max(set.Grace/2, agree/4)
}

// begin adds a clock.
func (c *clocks) begin(t, now int64) int {
	if c.n == maxClocks {
		least := 0
		for i := range c.n {
			if a, b := &c.list[i], &c.list[least]; alone(a) && !alone(b) || alone(a) == alone(b) && a.seen < b.seen {
				least = i
			}
		}
		c.remove(least, least+1)
	}
	i := 0
	for ; i < c.n && c.list[i].last < t; i++ {
		// No longer was it silent: its next record would have come.
		k := &c.list[i]
		k.over = k.over || t-k.last <= max(0, now-k.at)+agree/4
	}
	copy(c.list[i+1:c.n+1], c.list[i:c.n])
	c.n++
	c.list[i] = clock{last: t}
	if i == c.n-1 { // the others are seen against another one from now on
		for j := range c.n {
			c.list[j].lead = t
		}
	}
	return i
}

// remove takes the clocks from i to j out.
func (c *clocks) remove(i, j int) {
	copy(c.list[i:c.n], c.list[j:c.n])
	clear(c.list[c.n-(j-i) : c.n])
	c.n -= j - i
}

// pass passes over clocks that were silent for long enough.
func (c *clocks) pass(set *Settings) {
	for i := 0; i < c.n; i++ {
		k := &c.list[i]
		if c.seen-k.seen >= min(few*k.records, set.Confirm) || k.missed >= met || c.moved-k.moved >= set.MaxFutureSkew {
			c.remove(i, i+1)
			i--
		}
	}
}

// alone reports whether a clock has one record only.
func alone(k *clock) bool { return k.records <= 1 }

// slowest is the time of the slowest clock. A record that is alone may be behind
// the others for any reason.
func (c *clocks) slowest() int64 {
	for i := range c.n - 1 {
		if c.list[i].records > 1 {
			return c.list[i].last
		}
	}
	return c.list[c.n-1].last
}

// sure reports whether there is but one clock, so that time needs no more proof.
func (c *clocks) sure() bool { return c.known && c.n <= 1 }

// now is the time by the clocks that have stamped records of late, as the wall
// clock knows it: the partition was read to its end at the wall clock read, and
// clocks that were silent for silence before, or as long as the next one is ahead
// of them, are passed over. Where that leaves one in doubt, it is believed no further than the
// wall clock goes. It is window.Unset if there is none.
func (c *clocks) now(read, silence int64) int64 {
	t, doubt := int64(math.MaxInt64), !c.known
	if doubt && read-c.from < min(silence, Patience) {
		return window.Unset // another may be slower
	}
	for i := range c.n {
		k := &c.list[i]
		switch {
		case k.over, read-k.at >= silence:
			doubt = true
		case k.records > 1 || !c.known || i == c.n-1:
			t = min(t, k.last)
		}
	}
	switch {
	case t == math.MaxInt64:
		return window.Unset
	case doubt:
		return notAhead(t, read)
	}
	return t
}

// notAhead is t, or if it is ahead of the wall clock, the time that is past by all
// clocks which are right.
func notAhead(t, wall int64) int64 {
	if t > window.Forward(wall, agree) {
		return window.Back(wall, agree)
	}
	return t
}
