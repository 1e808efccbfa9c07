//go:build synctests

package sim

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

var (
	firstSeed = flag.Uint64("seed", 1, "first seed")
	runs      = flag.Int("runs", 50, "how many seeds to run")
	delivery  = flag.String("delivery", "", "exactly_once or at_least_once for all seeds; else one in eight is at_least_once")
	repeat    = flag.Int("repeat", 1, "how often to run each seed")
	with      = flag.String("with", "", "kinds that all plans have, with commas between: uploads, odd, leaderless, refused, remade, pieces, wider, clocks, empty, some, fields, framings")
	only      = flag.Bool("only", false, "no other faults than those of -with")
	dump      = flag.Bool("dump", false, "keep the logs of all runs, with all that the Kafka clients say")
)

// outcome is what became of a run.
type outcome struct {
	facts      *facts
	verdict    *verdict
	violations []string
	virtual    time.Duration
}

// run runs a plan in a bubble of its own and judges it.
func run(t *testing.T, p *plan, l *log) (o outcome) {
	cryptotest.SetGlobalRandom(t, p.seed) // member ids and the like
	worker.Mix(p.mixed)
	defer worker.Mix(false)
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		o.facts = simulate(t, p, l)
		o.virtual = time.Since(begin)
	})
	o.verdict = judge(o.facts)
	if os.Getenv("SLOW") != "" {
		fmt.Printf("SLOW %d %v\n", p.seed, o.verdict.slowest)
	}
	o.violations = append(l.violations, o.verdict.violations...)
	return o
}

// hold runs a plan and fails if a rule was broken.
func hold(t *testing.T, p *plan) outcome {
	l := &log{all: *dump}
	o := run(t, p, l)
	if len(o.violations) > 0 || *dump {
		events, debug, err := l.write(t.Name())
		if err != nil {
			t.Error(err)
		}
		t.Logf("plan:\n%vevents: %s\ndebug log: %s", p, events, debug)
	}
	for i, v := range o.violations {
		if i == 20 {
			t.Errorf("seed %d: … and %d more", p.seed, len(o.violations)-i)
			break
		}
		t.Errorf("seed %d: %s", p.seed, v)
	}
	return o
}

// TestSim runs seeds: by default 50, from -seed on -runs, each -repeat times.
func TestSim(t *testing.T) {
	begin := time.Now()
	var sum tally
	if n := min(*processes, *runs); n > 1 {
		sum = share(t, *firstSeed, *runs, n)
	} else {
		sum = runSeeds(t, *firstSeed, *runs)
	}
	if *shard {
		text, err := json.Marshal(sum)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%s%s\n", tallyMark, text)
	}
	took := time.Since(begin)
	t.Logf("%d runs in %v, %.2f/s, %v of virtual time, %d windows, %d late and %d dead-lettered records (%d letters small, %d given up), %d repeated, %d stuck groups helped",
		sum.Runs, took.Round(time.Millisecond), float64(sum.Runs)/took.Seconds(), sum.Virtual.Round(time.Second), sum.Windows, sum.Late, sum.Dead, sum.Small, sum.GivenUp, sum.Repeated, sum.Helped)
}

// runSeeds runs seeds in this process.
func runSeeds(t *testing.T, first uint64, seeds int) (sum tally) {
	for seed := first; seed < first+uint64(seeds); seed++ {
		for i := range *repeat {
			t.Run(fmt.Sprintf("seed=%d/%d", seed, i), func(t *testing.T) {
				p := newPlan(seed)
				if *delivery != "" {
					p.repeats = *delivery == config.AtLeastOnce
				}
				o := hold(t, p)
				sum.add(tally{Runs: 1, Windows: o.verdict.windows, Late: o.verdict.late, Dead: o.verdict.dead, Repeated: o.verdict.repeated, Small: o.verdict.small, GivenUp: o.verdict.givenUp, Helped: o.facts.helped, Virtual: o.virtual})
			})
		}
	}
	return sum
}
