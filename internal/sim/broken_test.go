//go:build synctests

package sim

import (
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// TestBroken takes one rule of delivery after the other out of the worker. The
// simulation has to find each, within so many seeds.
func TestBroken(t *testing.T) {
	for _, r := range []struct {
		rule   string
		within uint64
	}{{"head", 3}, {"replay", 20}, {"idle", 20}, {"abort", 60}, {"produce", 60}, {"revoke", 60}, {"member", 40}} {
		rule, within := r.rule, r.within
		t.Run(rule, func(t *testing.T) {
			worker.Break(rule)
			defer worker.Break("")
			for seed := uint64(1); seed <= within; seed++ {
				p := newPlan(seed)
				if rule == "member" { // it takes rare circumstances, of which this seed has some
					p = newPlan(40)
				}
				o := run(t, p, &log{all: *dump})
				if n := len(o.violations); n > 0 {
					t.Logf("found by seed %d: %d violations, the first: %s", seed, n, o.violations[0])
					return
				}
			}
			t.Errorf("%d seeds do not show that the rule is broken", within)
		})
	}
}
