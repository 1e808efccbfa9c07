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
//   - Between two records of a clock there is as much time by the others. So it is
//     known where a clock is that was silent, and a record near to that is of it:
//     behind by less than the grace, or ahead by no more than the rhythm explains, which is
//     the longest step of late.
//   - A record that is of none begins one.
//   - A topic of few records begins with two steps that are alike.
//   - Clocks that stamp the same have met: the silent one is passed over.
//   - A clock is passed over when it has been silent for Settings.Confirm records
//     of the others, or for MaxFutureSkew by their time; one that has stamped few
//     records, sooner.
//   - One record alone holds nothing up.
//   - At the beginning of a partition, the first records tell what clocks there are.
//
// So a jump ahead moves time only when nobody contradicts it for long enough: it
// may be a gap in the data, or a clock that is wrong. Until then the records get
// into their windows, and where a partition is read as it is written, the wall
// clock says when these end: see now.
type clocks struct {
	list     [maxClocks]clock // by last
	n        int
	seen     int64 // records
	elapsed  int64 // ns that have passed between the records, by the clocks that know of most
	rhythm   int64 // longest step of late, ns; 0: there was none
	believed int64 // time: the highest event time that no wrong clock explains
	known    bool  // the beginning is over
	from     int64 // wall clock at the first record since a start, ns; 0 before
	named    int64 // seen, when a producer was noted for the last time
}

// clock is one of them, as its records show it.
type clock struct {
	last    int64 // highest event time
	elapsed int64 // clocks.elapsed with that, as far as this clock tells
	records int64
	seen    int64 // clocks.seen with its last record
	missed  int64 // records since that it may have stamped as well

	at   int64 // wall clock at its last record, ns; unlike the rest not a matter of record order
	over bool  // the wall clock explains that the next one is ahead of it

	producer int64 // of its newest record, its id and 1; 0: not known
}

// Patience is for how long, by the wall clock, other clocks are waited for at the
// beginning of a partition: 2 s, which is when the first window of 1 s with a grace of
// as much is out anyway; or as long as a partition that is silent is waited for.
const Patience = int64(2e9)

// Confirm is for how many records a clock that is ahead of the others is doubted:
// more than a producer sends in one batch.
const Confirm = 1024

const (
	// maxClocks is more than instruments share a partition and disagree. The one
	// that is alone, or was silent for longest, makes place for another.
	maxClocks = 8
	// few of the others count as one of a clock, when it is silent.
	few = 64
	// beginning is how many records tell what clocks there are: one that stamps a record in
	// ten is among them.
	beginning = 32
	// young is a clock with fewer records.
	young = 16
	// met clocks are one: so many records that both explain are of the other.
	met = 64
	// decay of the rhythm: a long step is forgotten over some dozens of records, as is
	// that a clock was behind the others in what has elapsed.
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
	k.last = c.believed
	k.records = 1
}

// since is the state of a partition of which nothing is known but that no time
// below t comes: where it begins again.
func since(t int64) clocks { return clocks{believed: t} }

// take takes the event time t of a record that was accepted, at the wall clock
// now (both ns).
func (c *clocks) take(t, now int64, set *Settings) {
	if k := &c.list[0]; c.n == 1 && c.known { // as nearly always
		if step := t - k.last; step <= 0 && -step <= set.Grace-set.Grace/8 || step > 0 && step <= c.rhythm {
			c.stamps(k, t, now)
			c.believed = max(c.believed, k.last)
			return
		}
	}
	c.start(now)
	i := c.of(t, now, set)
	k := &c.list[i]
	c.stamps(k, t, now)
	for ; i+1 < c.n && c.list[i+1].last < k.last; i++ {
		c.list[i], c.list[i+1] = c.list[i+1], c.list[i]
		k = &c.list[i+1]
	}
	if c.n > 1 {
		c.pass(set)
	}
	if !c.known && (c.seen >= beginning || c.elapsed >= set.MaxFutureSkew) {
		c.known = true
		for i := range c.n { // none that was there is alone
			c.list[i].records = max(c.list[i].records, 2)
		}
	}
	if c.known {
		c.believed = max(c.believed, c.slowest())
	}
}

// stamps notes that a record of time t is of the clock.
func (c *clocks) stamps(k *clock, t, now int64) {
	c.seen++
	if t > k.last {
		k.elapsed += t - k.last
		k.last = t
	}
	if step := k.elapsed - c.elapsed; step > 0 {
		switch d := c.rhythm - step; {
		case d < 0:
			c.rhythm = step
		case c.seen < decay: // it is known of a few steps only
			c.rhythm -= d / c.seen
		default:
			c.rhythm -= d / decay
		}
		c.elapsed = k.elapsed
	}
	k.elapsed += (c.elapsed - k.elapsed) / decay
	k.records++
	k.seen, k.missed, k.at, k.over = c.seen, 0, now, false
}

// of is the index of the clock that a record of time t is of: the nearest that
// explains it, or the one behind it if there was no step yet, or else a new one.
func (c *clocks) of(t, now int64, set *Settings) int {
	of := -1
	for i := 0; i < c.n; i++ {
		k := &c.list[i]
		if !c.explains(k, t, c.rhythm, set) {
			continue
		}
		if of < 0 || distance(t, c.is(k)) < distance(t, c.is(&c.list[of])) {
			if of >= 0 && c.reached(&c.list[of], k, t, set) {
				c.remove(i, i+1)
				i--
				continue
			}
			of = i
		}
		if c.explains(k, t, 0, set) {
			k.missed++
		}
	}
	if of < 0 && c.rhythm == 0 {
		of = c.sparse(t)
	}
	if of < 0 {
		return c.begin(t, now)
	}
	return of
}

// reached reports whether a record of time t, which is of the clock k, shows that the
// few records of the next one were ahead of it by chance.
func (c *clocks) reached(k, next *clock, t int64, set *Settings) bool {
	return k.records >= young && (alone(next) || next.records < young && c.explains(k, t, 0, set)) && t >= window.Back(c.is(k), set.Grace)
}

// is what a clock shows now, if it goes on as the others do.
func (c *clocks) is(k *clock) int64 { return window.Forward(k.last, c.elapsed-k.elapsed) }

// explains reports whether a record of time t can be of the clock: behind it by no
// more than most of the grace, or ahead by no more than a step and half of the grace.
func (c *clocks) explains(k *clock, t, step int64, set *Settings) bool {
	if t <= k.last {
		return t >= window.Back(k.last, set.Grace-set.Grace/8) // in time before it is late
	}
	return t <= window.Forward(c.is(k), step+step/2+max(set.Grace/2, agree/4))
}

// sparse is the index of the clock that two steps alike are of, as a topic of few records
// begins with, of which that to a record of time t is the second; or -1.
func (c *clocks) sparse(t int64) int {
	i := c.n - 1
	for i >= 0 && c.list[i].last > t {
		i--
	}
	if i <= 0 || c.list[i-1].seen > c.list[i].seen { // it was there since
		return -1
	}
	step, before := t-c.list[i].last, c.list[i].last-c.list[i-1].last
	if 2*step > 3*before || 2*before > 3*step {
		return -1
	}
	c.remove(i-1, i)
	return i - 1
}

func distance(a, b int64) int64 { return max(a, b) - min(a, b) }

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
	c.list[i] = clock{last: t, elapsed: c.elapsed}
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
		if c.seen-k.seen >= min(few*k.records, set.Confirm) || k.missed >= met || c.elapsed-k.elapsed >= set.MaxFutureSkew {
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
