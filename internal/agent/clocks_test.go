package agent

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// stamped is a record of a partition: when it is sent, and what it says of that.
type stamped struct{ at, t int64 }

// start of the stories below, ns.
const start = 1_700_000_000 * second

// instruments send 10 records a second in all, one after the other as of says, each
// with the offset of its clock.
func instruments(records int, of func(i int) int, clocks ...func(i int) int64) (out []stamped) {
	for i := range int64(records) {
		at := start + i*second/10
		out = append(out, stamped{at, at + clocks[of(int(i))](int(i))})
	}
	return out
}

// off is a clock that is wrong by d s.
func off(d float64) func(int) int64 { return func(int) int64 { return int64(d * 1e9) } }

// every has each nth record be of the second instrument.
func every(n int) func(int) int {
	return func(i int) int {
		if i%n == n/2 {
			return 1
		}
		return 0
	}
}

// inRows has n records of the first instrument in a row, then as many of the second.
func inRows(n int) func(int) int { return func(i int) int { return i / n % 2 } }

func other(of func(int) int) func(int) int { return func(i int) int { return 1 - of(i) } }

// clockSettings are those of a topic with defaults.
var clockSettings = Settings{Grid: window.TumblingGrid(second), Grace: second, IdleAfter: 5 * second, MaxFutureSkew: 300 * second, Confirm: 1024}

// No clock that is fast, slow, drifts or is set makes a record late, be the
// partition read as it is written or afterwards.
func TestWrongClocksLoseNothing(t *testing.T) {
	for _, c := range []struct {
		name    string
		records []stamped
		lost    int // before it is clear that there is another clock
	}{
		{"37 s fast, half of the records", instruments(600, every(2), off(0), off(37)), 0},
		{"37 s fast, half of the records, the first one too", instruments(600, other(every(2)), off(0), off(37)), 0},
		{"37 s fast, 2 %", instruments(600, every(50), off(0), off(37)), 0},
		{"37 s fast, 98 %", instruments(600, other(every(50)), off(0), off(37)), 9},
		{"120 s fast, 1 %", instruments(600, every(100), off(0), off(120)), 0},
		{"299 s fast, 1 %", instruments(600, every(100), off(0), off(299)), 0},
		{"2 s fast", instruments(600, every(2), off(0), off(2)), 0},
		{"one record 4 minutes ahead", instruments(600, every(600), off(0), off(240)), 0},
		{"the first record 4 minutes ahead", instruments(600, func(i int) int { return min(i, 1) }, off(240), off(0)), 0},
		{"37 s fast, 100 records in a row", instruments(600, inRows(100), off(0), off(37)), 0},
		{"37 s fast, 100 records in a row, the first ones too", instruments(600, inRows(100), off(37), off(0)), 200},
		{"three clocks", instruments(600, func(i int) int { return i % 3 }, off(0), off(-20), off(37)), 0},
		{"three clocks, long", instruments(60000, func(i int) int { return i * i % 3 }, off(0), off(-20), off(37)), 0},
		{"drifts by 1 s a minute", instruments(6000, every(2), off(0), func(i int) int64 { return int64(i) * second / 600 }), 0},
		{"drifts back by 1 s a minute", instruments(6000, every(2), off(0), func(i int) int64 { return -int64(i) * second / 600 }), 0},
		{"is set forward by a minute and back", instruments(600, every(600), func(i int) int64 {
			if i >= 100 && i < 400 {
				return 60 * second
			}
			return 0
		}, off(0)), 0},
		{"one of two is set forward by a minute and back", instruments(1200, every(2), off(0), func(i int) int64 {
			if i >= 100 && i < 900 {
				return 60 * second
			}
			return 0
		}), 0},
	} {
		for _, live := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/live=%v", c.name, live), func(t *testing.T) {
				got := tell(t, clockSettings, live, c.records)
				if got.late > c.lost || got.records+got.late != len(c.records) {
					t.Errorf("%d records, %d in windows, %d are late", len(c.records), got.records, got.late)
				}
			})
		}
	}
}

// told is what came of a story.
type told struct {
	records, late int
	delay         []int64 // of each window: from its end and the grace until it was out, by the wall clock
}

// tell has an agent read a partition as it is written, or afterwards.
func tell(t *testing.T, set Settings, live bool, records []stamped) (out told) {
	r := newRig(t, set, 1)
	p := r.agent.Assign(0, 0, Fresh(0))
	last := records[len(records)-1].at
	seen := func(wall, silent int64) {
		p.ReadToEnd(wall)
		for _, w := range r.agent.Close(r.agent.Watermark(func(*Partition) int64 { return silent }, wall), nil) {
			out.records += int(w.Rows())
			out.delay = append(out.delay, wall-(w.Start+second+set.Grace))
			r.agent.Release(w)
		}
	}
	for o, s := range records {
		now := s.at
		if !live {
			now = last
		}
		if r.addAt(p, int64(o), s.t, now) == Late {
			out.late++
		}
		if live {
			seen(now, 0)
		}
	}
	for i := range int64(400) { // the clock goes on
		seen(last+i*second, i*second)
	}
	p.Check()
	return out
}

// Where all clocks are right, windows are out as soon as before: with the first
// record that comes a grace later; and after a gap no later than the next record.
func TestRightClocksAreBelievedAtOnce(t *testing.T) {
	one := func(int) int { return 0 }
	gaps := slices.DeleteFunc(instruments(6000, one, off(0)), func(s stamped) bool { n := (s.at - start) / second; return n > 100 && n < 104 || n > 300 && n < 360 })
	two := instruments(6000, every(2), off(0), off(-0.05))
	slow := slices.DeleteFunc(instruments(36000, one, off(0)), func(s stamped) bool { return (s.at-start)%(60*second) != 0 })
	for name, records := range map[string][]stamped{"10 Hz": instruments(6000, one, off(0)), "gaps": gaps, "two": two, "a record a minute": slow} {
		t.Run(name, func(t *testing.T) {
			trusting := clockSettings
			trusting.Confirm = 0
			is, was := tell(t, clockSettings, true, records), tell(t, trusting, true, records)
			if is.records != was.records || is.late+was.late > 0 {
				t.Errorf("%d records, %d late; was %d, %d", is.records, is.late, was.records, was.late)
			}
			for i, d := range is.delay {
				if d > max(was.delay[i], clockSettings.IdleAfter-(int64(i)+2)*second) { // at first another clock is waited for
					t.Errorf("window %d: %d ms, was %d ms", i, d/1e6, was.delay[i]/1e6)
				}
			}
		})
	}
}

// History without wall clock: a gap, a sparse topic, bursts. Windows do not wait for
// the end of it.
func TestGapsInHistory(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	bursts := []stamped{}
	for b := range int64(100) {
		for i := range 10 + rng.Int64N(10) {
			at := start + b*600*second + i*second
			bursts = append(bursts, stamped{at, at})
		}
	}
	one := func(int) int { return 0 }
	for name, c := range map[string]struct {
		records []stamped
		open    int64 // records that may wait
	}{
		"a gap":             {slices.DeleteFunc(instruments(60000, one, off(0)), func(s stamped) bool { n := (s.at - start) / second; return n > 1000 && n < 3000 }), 20},
		"a record a minute": {slices.DeleteFunc(instruments(60000, one, off(0)), func(s stamped) bool { return (s.at-start)%(60*second) != 0 }), 2},
		"a record an hour":  {slices.DeleteFunc(instruments(3600000, one, off(0)), func(s stamped) bool { return (s.at-start)%(3600*second) != 0 }), 2},
		"bursts":            {bursts, 200},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, clockSettings, 1)
			p := r.agent.Assign(0, 0, Fresh(0))
			most := int64(0)
			for o, s := range c.records {
				if v := r.addAt(p, int64(o), s.t, start+1<<50); v != Accepted {
					t.Fatalf("record %d is %v", o, v)
				}
				r.close(busy)
				open, _ := p.OpenRows()
				most = max(most, open)
			}
			open, _ := p.OpenRows()
			if open > c.open || most > 3100 {
				t.Errorf("%d records of %d are open at the end, want %d; at most %d were", open, len(c.records), c.open, most)
			}
		})
	}
}

// Clocks that disagree are told of, with the producers that they are of.
func TestClocksAreNamed(t *testing.T) {
	r := newRig(t, clockSettings, 1)
	p := r.agent.Assign(0, 0, Fresh(0))
	for o, s := range instruments(600, func(i int) int { return i % 3 }, off(0), off(-20), off(37)) {
		r.addAt(p, int64(2*o), s.t, s.at)
		p.SentBy(int64(o % 3))
		r.addAt(p, int64(2*o+1), s.at+600*second, s.at) // is set aside, so it is of none of them
		p.SentBy(9)
		if o < 10 && p.Clocks() != nil {
			t.Fatalf("record %d: %+v, of which nothing is known yet", o, p.Clocks())
		}
	}
	got := p.Clocks()
	if len(got) != 3 {
		t.Fatalf("%+v", got)
	}
	for i, want := range []SourceClock{{Ahead: 0, Producer: 1}, {Ahead: 20 * second, Producer: 0}, {Ahead: 57 * second, Producer: 2}} {
		if c := got[i]; distance(c.Ahead, want.Ahead) > second/5 || c.Producer != want.Producer || c.Records < 190 {
			t.Errorf("%d: %+v, want %+v", i, c, want)
		}
	}
	p = newRig(t, clockSettings, 1).agent.Assign(0, 0, Fresh(0))
	if p.Clocks() != nil {
		t.Errorf("of no records: %+v", p.Clocks())
	}
}
