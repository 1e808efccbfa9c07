package agent

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Random stories of one right clock and up to three wrong ones. Once the right one is
// known (it has stamped one of the first records), hardly any of its records is late that
// is in order, whatever the others say. What is left are clocks that creep away
// from another by a step at a time, and beginnings that look like a sparse topic.
func TestRandomClocksLoseNothing(t *testing.T) {
	const stories, records = 3000, 2500
	known, late, most := 0, 0, 0
	for seed := range uint64(stories) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := randomStory(rng)
		o := clocksOf(&s.set)
		highest, honest, lost := int64(window.Unset), false, 0
		for i := range int64(records) {
			at := start + i*s.period
			who := s.next(rng)
			stamp := at + who.error(i, s.period) - rng.Int64N(s.jitter+1)
			if who == &s.clocks[0] {
				if honest = honest || !o.known; honest {
					known++
					if stamp < o.watermark() && stamp >= highest-s.set.Grace*7/8 {
						lost++
					}
				}
				highest = max(highest, stamp)
			}
			o.take(stamp)
		}
		late, most = late+lost, max(most, lost)
		if lost > 20 {
			t.Errorf("seed %d: %d are late; %v", seed, lost, s)
		}
	}
	if known < stories*records/4 || late > known/20000 {
		t.Errorf("%d of %d records are late, %d of one story", late, known, most)
	}
}

// ordered are the clocks of a partition that is read in order.
type ordered struct {
	clocks
	set *Settings
}

func clocksOf(set *Settings) *ordered { return &ordered{since(window.Unset), set} }

func (o *ordered) watermark() int64 { return window.Back(o.believed, o.set.Grace) }

func (o *ordered) take(t int64) {
	if t >= window.Back(o.believed, o.set.MaxFutureSkew) {
		o.clocks.take(t, 1, o.set)
	}
}

// story is how the records of a partition are stamped; the first clock is right.
type story struct {
	set            Settings
	period, jitter int64 // ns between records; most that one is out of order
	clocks         []storyClock
	turn           *storyClock
	left           int // records of it in a row
	sent           int // records
}

type storyClock struct {
	share      float64
	row        int
	off, drift int64 // ns; ns a second
	from, to   int64 // records between which it is right
	ends       int   // record from which on it stamps none; 0: never
}

func (c *storyClock) error(i, period int64) int64 {
	if i >= c.from && i < c.to {
		return 0
	}
	return c.off + i*period/1e9*c.drift
}

func (s *story) String() string {
	return fmt.Sprintf("grace %d s, a record each %.3f s, jitter %.3f s, clocks %+v", s.set.Grace/second, float64(s.period)/1e9, float64(s.jitter)/1e9, s.clocks)
}

func randomStory(rng *rand.Rand) *story {
	s := &story{set: clockSettings, period: 1e6 << rng.IntN(11), clocks: []storyClock{{share: 1}}}
	s.set.Grace = []int64{second / 2, second, second, 10 * second}[rng.IntN(4)]
	s.jitter = rng.Int64N(s.set.Grace/4 + 1)
	for range 1 + rng.IntN(3) {
		c := storyClock{share: []float64{0.005, 0.02, 0.1, 0.3, 0.3}[rng.IntN(5)], row: []int{1, 1, 1, 5, 30}[rng.IntN(5)]}
		switch rng.IntN(4) {
		case 0:
			c.off = 37 * second
		case 1:
			c.off = rng.Int64N(10*second) - 5*second
		case 2:
			c.off = rng.Int64N(360*second) - 60*second
		case 3:
			c.drift = rng.Int64N(second/20) - second/60
			c.drift = min(c.drift, 250*second/(2500*s.period/1e9+1)) // at most max_future_skew in the end
		}
		if int64(c.row)*s.period > 150*second { // nor silent for that
			c.row = 1
		}
		if rng.IntN(3) == 0 {
			c.from = rng.Int64N(2500)
			c.to = c.from + rng.Int64N(2500)
		}
		s.clocks = append(s.clocks, c)
	}
	return s
}

// next is whose record comes next: with a wrong clock in a row, or the right one.
func (s *story) next(rng *rand.Rand) *storyClock {
	if s.sent++; s.left == 0 {
		s.turn, s.left = &s.clocks[0], 1
		if c := &s.clocks[1+rng.IntN(len(s.clocks)-1)]; rng.Float64() < c.share/float64(max(c.row, 1)) && (c.ends == 0 || s.sent < c.ends) {
			s.turn, s.left = c, c.row
		}
	}
	s.left--
	return s.turn
}
