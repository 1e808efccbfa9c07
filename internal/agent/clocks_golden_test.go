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
	const records = 300
	var stories []goldenStory
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 2))
		s := randomStory(rng)
		s.period = max(s.period, 1e6) / 1e6 * 1e6
		g := goldenStory{Grace: s.set.Grace / 1e6, Skew: s.set.MaxFutureSkew / 1e6}
		o := clocksOf(&s.set)
		for i := range int64(records) {
			who := s.next(rng)
			stamp := (i*s.period + who.error(i, s.period) - rng.Int64N(s.jitter+1)) / 1e6 * 1e6
			if rng.IntN(20) == 0 {
				stamp -= rng.Int64N(20) * second // a straggler
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
