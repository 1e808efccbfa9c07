package recovery

import (
	"math"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// A partition that was committed with another event time begins anew at its offset, and one
// with the same is gone on with.
func TestResumeWithAnotherEventTime(t *testing.T) {
	for _, c := range []struct {
		name      string
		committed func(*agent.Checkpoint)
		now       uint64
		merges    bool
		start     int64 // of the log
		offset    int64
		lost      int64
		anew      bool
		doubt     int64
	}{
		{name: "Kafka's, as before", start: 10, offset: 20, doubt: window.Unset},
		{name: "from Kafka's to a field", now: 7, start: 10, offset: 20, anew: true, doubt: math.MaxInt64},
		{name: "a field, as before", committed: func(c *agent.Checkpoint) { c.Stamping, c.Doubt = 7, 3*second }, now: 7, start: 10, offset: 20, doubt: 3 * second},
		{name: "from a field to another", committed: func(c *agent.Checkpoint) { c.Stamping = 8 }, now: 7, start: 10, offset: 20, anew: true, doubt: math.MaxInt64},
		{name: "from a field to Kafka's", committed: func(c *agent.Checkpoint) { c.Stamping = 8 }, start: 10, offset: 20, anew: true, doubt: math.MaxInt64},
		{name: "changed again before anything was read", committed: func(c *agent.Checkpoint) {
			*c = c.Restamped(20, 8)
			c.Final = window.Unset
		}, now: 7, start: 10, offset: 20, anew: true, doubt: math.MaxInt64},
		{name: "nothing is below, though others have records", committed: func(c *agent.Checkpoint) { c.LowTime = window.Unset }, now: 7, start: 10, offset: 20, anew: true, doubt: window.Unset},
		{name: "deleted meanwhile", now: 7, start: 27, offset: 27, lost: 2, anew: true, doubt: math.MaxInt64},
		{name: "partials have times of their own", now: 7, merges: true, start: 10, offset: 20, doubt: window.Unset},
	} {
		s, err := Resume(&Facts{Partition: 3, Start: c.start, End: 30, Committed: checkpoint(c.committed), TopicID: here, Cluster: cluster, Group: "g", Stamping: c.now, Merges: c.merges})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		p, said := s.Checkpoint, false
		for _, n := range s.Notices {
			said = said || strings.Contains(n.Text, "event_time was changed")
		}
		if s.Offset != c.offset || s.Lost != c.lost || said != c.anew || p.Doubt != c.doubt {
			t.Errorf("%s: offset %d, lost %d, said %t, doubt %d; want %+v", c.name, s.Offset, s.Lost, said, p.Doubt, c)
		}
		if c.anew && (p.Head != s.Offset || p.Count != 0 || p.LowTime != window.Unset || p.MaxTime != window.Unset || p.Stamping != c.now || len(p.Refused) > 0) {
			t.Errorf("%s: %+v", c.name, p)
		}
		if before, err := agent.DecodeCheckpoint(checkpoint(c.committed).Metadata); err != nil || p.Final != before.Final || p.Shipped != before.Shipped {
			t.Errorf("%s: out up to %d, shipped to %d; %v", c.name, p.Final, p.Shipped, err)
		}
	}
}
