package agent

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"testing"
)

// goldenClocks is read by the oracle, whose clocks share no code with these.
const goldenClocks = "../../test/oracle/clocks.json"

// goldenStory is a partition with the verdicts on its records by their order.
type goldenStory struct {
	Grace int64   `json:"grace"` // ms
	Skew  int64   `json:"skew"`  // ms
	Times []int64 `json:"times"` // ms
	// Steps are pairs of a record's index and the time from it on, ms, as far as it changes.
	Steps [][2]int64 `json:"steps"`
}

// The stories of clocks.json are told as the file says. UPDATE=1 writes it anew.
func TestClocksAreThoseOfTheOracle(t *testing.T) {
	var stories []goldenStory
	for seed := range uint64(60) {
		records := 300
		rng := rand.New(rand.NewPCG(seed, 2))
		s := randomStory(rng)
		s.period = max(s.period, 1e6) / 1e6 * 1e6
		stragglers := 20
		switch { // what random stories seldom have
		case seed >= 57: // a clock that ends, and is dead after 1,024 records
			records = 2600
			s.clocks = []storyClock{{share: 1}, {off: -7 * second, share: 0.3, row: 1, from: 600, to: 9999}}
			s.clocks[1].ends = 600
			s.period, stragglers = 20e6, 0
		case seed >= 54: // clocks that are further apart than max_future_skew
			s.clocks = append(s.clocks, storyClock{off: -400 * second, share: 0.3, row: 2}, storyClock{off: 290 * second, share: 0.3, row: 1})
		case seed >= 50: // many single records, all far apart
			stragglers = 2
		case seed >= 47: // a topic of few records, in unlike steps
			s.clocks, s.period = s.clocks[:1], []int64{30 * second, 3600 * second, 100 * second}[seed-47]
			s.clocks = append(s.clocks, storyClock{})
			s.jitter = s.period / 3
		case seed >= 44:
			s.set.Grace, s.jitter = int64(seed-44)*second/10, 0
		}
		g := goldenStory{Grace: s.set.Grace / 1e6, Skew: s.set.MaxFutureSkew / 1e6}
		o := clocksOf(&s.set)
		for i := range int64(records) {
			who := s.next(rng)
			stamp := (i*s.period + who.error(i, s.period) - rng.Int64N(s.jitter+1)) / 1e6 * 1e6
			if stragglers > 0 && rng.IntN(stragglers) == 0 {
				stamp -= rng.Int64N(20*int64(1+20/stragglers)) * second // a straggler
			}
			before := o.believed
			if o.take(stamp); o.believed != before {
				g.Steps = append(g.Steps, [2]int64{i, o.believed / 1e6})
			}
			g.Times = append(g.Times, stamp/1e6)
		}
		stories = append(stories, g)
	}
	got, err := json.Marshal(stories)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(goldenClocks, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenClocks)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got)+"\n" {
		t.Errorf("clocks tell another time than in %s, which UPDATE=1 writes anew; the rules in test/oracle/clocks.py and docs/decisions/clocks.md have to follow", goldenClocks)
	}
}
