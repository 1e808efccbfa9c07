package worker

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/assignment"
)

// shares are what this member knows of the group's assignment, and of its wish for
// another one; and how source topics are shared with other workers by it. The client's
// goroutines set it, the loop reads it.
type shares struct {
	exactlyOnce bool
	catalog     *catalog

	topics   atomic.Pointer[map[string]bool]     // that the leader of the group has shared out
	assigned atomic.Pointer[assignment.Assigned] // the last one
	asking   atomic.Bool                         // for another one, later
	seen     *map[string]bool                    // by the loop
	asked    time.Time                           // for another one because of a load
}

func newShares(exactlyOnce bool, topics *catalog) *shares {
	s := &shares{exactlyOnce: exactlyOnce, catalog: topics}
	s.set(nil)
	s.seen = s.now()
	return s
}

// set notes which topics the leader of the group has shared out.
func (s *shares) set(topics []string) {
	m := map[string]bool{}
	for _, t := range topics {
		m[t] = true
	}
	s.topics.Store(&m)
}

// now is what is shared out now. Each assignment has one of its own.
func (s *shares) now() *map[string]bool { return s.topics.Load() }

// sharing is how a source topic is shared now.
func (s *shares) sharing(src *source) agent.Sharing {
	switch {
	case src.merges != "" || !s.catalog.hasPartials(src):
		return agent.Alone
	case !s.exactlyOnce, src.split.mayHaveShipped:
		return agent.Shipping
	case (*s.now())[src.topic]:
		return agent.Split
	}
	return agent.Alone
}

// setPartitions tells a source how many partitions its topic has, by the
// brokers. One of them may not have heard of all yet, or what is assigned is of
// another topic or time: where partitions beyond are assigned here, or, of a topic
// that is shared out, all that there seem to be, there are others.
func (s *shares) setPartitions(src *source, n int) {
	others := false
	if a := s.assigned.Load(); a != nil {
		ids := a.Partitions[src.topic]
		others = (*s.now())[src.topic] && len(ids) >= n ||
			slices.ContainsFunc(ids, func(id int32) bool { return int(id) >= n })
	}
	src.agent.SetPartitions(n, others)
}
