//go:build synctests

package sim

import (
	"fmt"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// TestBroken takes one rule of delivery after the other out of the worker. The
// simulation has to find each, within so many seeds.
func TestBroken(t *testing.T) {
	for _, r := range []struct {
		rule        string
		first, last uint64
		times       int
		repeats     bool // at_least_once, where what only repeats is right
		with        string
	}{
		{"head", 1, 3, 1, false, ""}, {"replay", 1, 20, 1, false, ""}, {"idle", 1, 20, 1, false, ""}, {"abort", 1, 60, 1, false, ""}, {"produce", 1, 60, 1, false, ""}, {"revoke", 1, 60, 1, false, ""},
		{"clock", 1, 20, 1, false, ""}, {"id", 1, 20, 1, false, "remade"},
		{"head", 1, 3, 1, true, ""}, {"replay", 1, 20, 1, true, ""}, {"idle", 1, 20, 1, true, ""}, {"clock", 1, 20, 1, true, ""},
		// It takes rare circumstances, of which this seed has some. The rule "member" has no
		// seed that shows it: it takes a scenario of its own.
		{"produce", 51, 51, 40, true, ""},
	} {
		rule := r.rule
		t.Run(fmt.Sprintf("%s/repeats=%v", rule, r.repeats), func(t *testing.T) {
			worker.Break(rule)
			defer worker.Break("")
			seeds := r.last - r.first + 1
			for i := range seeds * uint64(r.times) {
				seed := r.first + i%seeds
				p := planWith(seed, r.with)
				p.repeats = r.repeats
				o := run(t, p, &log{all: *dump})
				if n := len(o.violations); n > 0 {
					t.Logf("found by seed %d: %d violations, the first: %s", seed, n, o.violations[0])
					return
				}
			}
			t.Errorf("seeds %d to %d, %d times, do not show that the rule is broken", r.first, r.last, r.times)
		})
	}
}
