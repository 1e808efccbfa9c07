package worker

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
)

// source is a source topic with partitions assigned to this session.
type source struct {
	topic   string
	job     *job
	into    string // aggregated topic
	agent   *agent.Agent
	parts   map[int32]*part
	log     *slog.Logger
	topicID [16]byte

	schemas   map[int]*schema
	resolving int // schema id under way, 0: none
	newest    schema
	problem   atomic.Pointer[string] // for Status; written by the resolver too

	pending []*kgo.Record // aggregated, dead-lettered and late records that are not delivered
	windows int           // aggregated ones among them
	due     []time.Time   // of these, window end + grace, where that says something about latency
	touched bool          // is looked at in this turn
	news    bool          // is to be looked at in the next turn
	held    bool          // its aggregated topic refuses records
	parted  int           // looks at the cluster's topics since all partitions were assigned
	bytes   float64       // per second, smoothed
	recent  int64         // bytes since the rate was last computed
	stop    map[int32]int64
}

// schema is a source schema as this agent reads it.
type schema struct {
	id      int
	decoder *codec.Decoder // to be cloned
	version int
	fields  int
	leftOut int
	err     error     // why its records are bad
	until   time.Time // an err is asked about again after this
}

// part is an assigned source partition.
type part struct {
	*agent.Partition
	source *source
	id     int32

	batch   []*kgo.Record // fetched, not processed
	waiting int           // schema id that batch[0] waits for, 0: none
	plans   map[int]*agent.Plan
	paused  bool

	end     int64     // high watermark last seen
	arrived time.Time // when the last records came, or the partition was assigned
	caught  time.Time // when it was last known to be read to its end; zero while it is not

	offset    int64 // last committed
	committed agent.Counts
	moved     bool  // since the last commit
	queued    bool  // is processed in this turn
	rated     int64 // Counts.Bytes when the load was last measured
	dead      []*kgo.Record
	warned    bool
}

// confirmed is how long the brokers' word holds that a partition is read to
// its end. While windows are open they are asked again before.
const confirmed = 3 * time.Second

// silentFor is for how long the partition has been known to be read to its
// end without a new record, 0 if that is not known any more.
func (p *part) silentFor(now time.Time) int64 {
	if brokenIdle {
		return int64(now.Sub(p.arrived))
	}
	if p.caught.IsZero() || len(p.batch) > 0 || now.Sub(p.caught) > confirmed {
		return 0
	}
	return max(0, int64(p.caught.Sub(p.arrived)))
}

// activity is the agent.Activity at a time.
func (s *source) activity(now time.Time) agent.Activity {
	return func(p *agent.Partition) int64 { return s.parts[p.ID].silentFor(now) }
}

// fields is how many fields a record of the newest schema has.
func (s *source) fields() int { return max(1, s.newest.fields) }

func (s *source) setProblem(text string) {
	if text == "" {
		s.problem.Store(nil)
		return
	}
	s.problem.Store(&text)
}

func (s *source) problemText() string {
	if p := s.problem.Load(); p != nil {
		return *p
	}
	return ""
}

// finished reports whether all partitions have reached the offsets to stop at.
func (s *source) finished() bool {
	if !s.agent.Complete() {
		return false
	}
	for id, p := range s.parts {
		if p.Position() < s.stop[id] || len(p.batch) > 0 {
			return false
		}
	}
	return true
}

// drained reports whether a partition has reached the offset to stop at.
func (p *part) drained(s *source) bool {
	stop, ok := s.stop[p.id]
	return ok && p.Position() >= stop
}
