//go:build synctests

package sim

import (
	"math"
	"math/rand/v2"
	"time"
)

// Instruments of a topic have clocks of their own, some of which are wrong. What is
// late then follows from the order of records still: see order_test.go.

// sourceClock is a clock that is wrong.
type sourceClock struct {
	share float64       // of the topic's records that it stamps
	row   int           // how many of these come one after the other
	off   time.Duration // how far it is ahead
	drift time.Duration // by how much more each minute
	set   time.Duration // when it is set right, and
	back  time.Duration // when it is wrong again; 0: never
}

// error is how far the clock is ahead at a time since the beginning.
func (c *sourceClock) error(at time.Duration) time.Duration {
	if c.set > 0 && at >= c.set && at < c.back {
		return 0
	}
	return c.off + time.Duration(at.Minutes()*float64(c.drift))
}

// drawClocks gives some topics instruments whose clocks are wrong.
func (p *plan) drawClocks(rng *rand.Rand) {
	if p.repeats && p.skew < time.Minute {
		return // too many records may be refused, or not: more than can be judged
	}
	for i := range p.topics {
		t := &p.topics[i]
		if rng.IntN(4) > 0 && !forced("clocks") {
			continue
		}
		for range 1 + rng.IntN(3) {
			c := sourceClock{
				share: choose(rng, 0.01, 0.05, 0.3, 0.5, 0.9), row: choose(rng, 1, 1, 1, 3, 30),
				off: choose(rng, 37*time.Second, -20*time.Second, 0, between(rng, -time.Minute, 4*time.Minute), between(rng, -5*time.Second, 5*time.Second)),
			}
			if c.off == 0 || rng.IntN(4) == 0 {
				c.drift = between(rng, -time.Second, 5*time.Second)
			}
			if rng.IntN(3) == 0 {
				c.set = between(rng, 5*time.Second, p.length)
				c.back = choose(rng, time.Hour, c.set+between(rng, time.Second, 30*time.Second))
			}
			t.clocks = append(t.clocks, c)
		}
		if t.again != nil {
			t.again.topic.clocks = t.clocks
		}
	}
}

// wrong is how far the clock is ahead of the right time that stamps the next record.
func (t *traffic) wrong() time.Duration {
	if len(t.clocks) == 0 {
		return 0
	}
	if t.row == 0 {
		i := t.ticks.IntN(len(t.clocks))
		t.clock, t.row = nil, 1
		if c := &t.clocks[i]; t.ticks.Float64() < c.share/float64(c.row) {
			t.clock, t.row = c, c.row
		}
	}
	t.row--
	if t.clock == nil {
		return 0
	}
	return t.clock.error(t.since())
}

// calm is how long it takes after the last fault until all windows are out, those of
// the clocks that are ahead too.
func (p *plan) calm() time.Duration {
	ahead := time.Duration(0)
	for i := range p.topics {
		ahead = max(ahead, p.topics[i].behind(p.length))
	}
	return calm + ahead
}

// behind is how far the slowest clock of a topic is behind: for so long its windows may be
// waited for.
func (t *topicPlan) behind(length time.Duration) time.Duration {
	least, most := time.Duration(math.MaxInt64), time.Duration(0)
	for _, c := range t.clocks {
		for _, at := range []time.Duration{0, c.set, c.back, length} {
			least, most = min(least, c.error(min(at, length))), max(most, c.error(min(at, length)))
		}
	}
	if len(t.clocks) == 0 {
		return 0
	}
	return most - min(least, 0)
}
