package worker

import (
	"sync/atomic"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/assignment"
)

// shares are what this member knows of the group's assignment, and of its wish for
// another one. The client's goroutines set it, the loop reads it.
type shares struct {
	topics   atomic.Pointer[map[string]bool]     // that the leader of the group has shared out
	assigned atomic.Pointer[assignment.Assigned] // the last one
	asking   atomic.Bool                         // for another one, later
	seen     *map[string]bool                    // by the loop
	asked    time.Time                           // for another one because of a load
}

func newShares() *shares {
	s := &shares{}
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
