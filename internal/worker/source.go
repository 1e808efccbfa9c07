package worker

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
	"github.com/lsst-sqre/kafka-aggregator/internal/recovery"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// source is a source topic, or the topic with the partials of one, with
// partitions assigned to this session.
type source struct {
	identity
	phase phase   // set by phases.advance alone
	lacks reasons // for which no partition is read

	job      *job
	framing  *framing.Reader   // nil for partials
	outputs  []pipeline.Output // of windows of each size
	partials string            // topic for its partials
	log      *slog.Logger

	agent     *agent.Agent
	parts     map[int32]*part
	stop      map[int32]int64 // by partition: the offset to stop at
	placement placement
	schemas   schemas
	split     split
	out       outbox
	hold      *hold // on the output that refuses records, nil if none does

	problems    problems
	fetchErrors map[int32]fetchError
	late        lateLog
	clocks      clockLog
	looked      time.Time // when its end offsets were last asked for
	asked       float64   // load when a new assignment was asked for
	touched     bool      // is looked at in this iteration
	news        bool      // is to be looked at in the next one

	stampedOnArrival bool // its newest records are
}

// identity is which topic a source is.
type identity struct {
	topic    string
	topicID  recovery.TopicID
	merges   string           // of a topic with partials: the source topic
	mergesID recovery.TopicID // the id that it goes by
	formers  map[uint32]bool  // by TopicHash: topics of its name that were deleted
}

// sourceID is the id of the topic that a source's records come from.
func (id *identity) sourceID() recovery.TopicID {
	if id.merges != "" {
		return id.mergesID
	}
	return id.topicID
}

// placement is what is not known yet of where a source is read from.
type placement struct {
	unplaced map[int32]*unplaced // assigned partitions of which it is not known where they are read from
	askAt    time.Time           // when that is asked again
	askWait  time.Duration       // before that
	began    time.Time           // when the source started over, if it did
}

// schemas are those of the records of a source, as far as they are known.
type schemas struct {
	byRef     map[framing.Ref]*schema
	listing   registry.Listing   // of the subjects, where it is needed to tell framings apart
	histories []pipeline.History // of the schema of each output; the agent has their versions
	resolving framing.Ref        // under way, or noSchema
	newest    *schema            // nil before the first
}

// split is how a source topic is shared with other workers.
type split struct {
	sharing         agent.Sharing
	shipped         time.Time        // when partials were last made; of what is merged, when this was last committed for their sake
	merged          int64            // time up to which windows of what was shipped are known to be out
	newest          []agent.Newest   // the last of these windows
	partlyCommitted *map[string]bool // the assignment under which it was found that some partitions were never committed, while by others windows are final; nil: it was not, or is over
	mayHaveShipped  bool             // a partition has no committed offset, though windows are out
	making          bool             // a helper makes its topic for partials
}

// into names the aggregated topics, for people.
func (s *source) into() string {
	names := make([]string, len(s.outputs))
	for i, o := range s.outputs {
		names[i] = o.Topic
	}
	return strings.Join(names, " ")
}

// noSchema names no schema.
var noSchema framing.Ref

// noID stands for an id that is not known. Every number that is not negative is
// one: ids come from records, and 0 is as legal as any.
const noID = -1

// schema is a source schema as this agent reads it.
type schema struct {
	ref      framing.Ref
	id       int            // or noID
	decoder  *codec.Decoder // to be cloned
	slots    []int          // of a topic with partials: where the slots of the schema get into
	versions []int          // of each output
	fields   int
	leftOut  int
	timeFrom string    // field that has the time of its records, or kafkaTime
	likely   []string  // fields that may have it, where that is Kafka's
	err      error     // why its records are bad
	since    time.Time // an err was found out after this
	until    time.Time // and is asked about again after this
}

// part is an assigned partition.
type part struct {
	*agent.Feed
	windows *agent.Partition // of a source topic
	merger  *agent.Merger    // of a topic with partials
	source  *source
	id      int32
	since   time.Time // when it was assigned

	batch   []*kgo.Record // fetched, not processed
	waiting framing.Ref   // schema that batch[0] waits for, or noSchema
	unknown unknown       // what batch[0] waits for, if it is a frame
	plans   map[framing.Ref]*agent.Plan
	merges  map[int]*agent.MergePlan
	paused  reasons
	queued  bool      // is processed in this iteration
	cut     bool      // records behind the offset to stop at were passed over
	trial   codec.Row // of records that may be framed in one way or another

	tail tail
	last commit
	load rate

	frames  [][]byte
	purged  int64 // partials below were deleted
	err     error // of making frames
	letters []*letter
	warned  bool

	lateByClock int64           // records, when the last one was put aside
	verdicts    *agent.Verdicts // nil without the build tag invariants
}

// tail is what is known of the end of a partition.
type tail struct {
	end     int64     // high watermark last seen
	arrived time.Time // when the last records came, or the partition was assigned
	caught  time.Time // when it was last known to be read to its end; zero while it is not
	newest  newestRecords
}

// commit is what was last committed of a partition.
type commit struct {
	offset int64
	final  int64 // time up to which windows are out, by the checkpoint
	counts agent.Counts
	moved  bool // the partition has, since
	fresh  bool // nothing ever was
}

// rate is what a partition carries.
type rate struct {
	counted int64   // Counts.Bytes when it was last measured
	rate    float64 // bytes per second, smoothed
}

// watermark of the partition, or of the topic that is merged from it.
func (p *part) watermark() int64 {
	if p.windows == nil {
		return p.source.agent.Final()
	}
	return p.windows.Watermark()
}

// confirmed is how long the brokers' word holds that a partition is read to
// its end. While windows are open they are asked again before.
const confirmed = 3 * time.Second

// silentFor is for how long the partition has been known to be read to its
// end without a new record, 0 if that is not known any more.
func (p *part) silentFor(now time.Time) int64 {
	if brokenIdle {
		return int64(now.Sub(p.tail.arrived))
	}
	if p.tail.caught.IsZero() || len(p.batch) > 0 || now.Sub(p.tail.caught) > confirmed {
		return 0
	}
	return max(0, int64(p.tail.caught.Sub(p.tail.arrived)))
}

// behind is about how many bytes of the partition are not read yet.
func (p *part) behind() float64 {
	return float64(max(0, p.tail.end-p.Position())) * float64(p.Counts.Bytes) / float64(max(1, p.Counts.Records))
}

// load is how many bytes per second the assigned partitions carry.
func (s *source) load() (sum float64) {
	for _, p := range s.parts {
		sum += p.load.rate
	}
	return sum
}

// readToEnd notes when the partition was last known to be read to its end: as it
// was when the last records came, or when brokers were asked since.
func (p *part) readToEnd() {
	switch {
	case len(p.batch) > 0 || p.Position() < p.tail.end:
	case p.tail.caught.IsZero():
		p.windows.ReadToEnd(p.tail.arrived.UnixNano())
	default:
		p.windows.ReadToEnd(p.tail.caught.UnixNano())
	}
}

// activity is the agent.Activity at a time.
func (s *source) activity(now time.Time) agent.Activity {
	for _, p := range s.parts {
		if p.merger != nil {
			return p.merger.Activity
		}
		p.readToEnd()
	}
	return func(p *agent.Partition) int64 { return s.parts[p.ID].silentFor(now) }
}

// fields is how many fields a record of the newest schema has.
func (s *source) fields() int {
	if s.schemas.newest == nil {
		return 1
	}
	return max(1, s.schemas.newest.fields)
}

// informed reports whether it is known what is final, as far as any partition
// can tell.
func (s *source) informed() bool {
	return s.merges != "" || s.agent.Complete() || s.split.sharing != agent.Alone && s.split.partlyCommitted == nil
}

// awaitsSchema reports whether a partition cannot go on without a schema, or
// without word on the topic of a frame.
func (s *source) awaitsSchema() bool {
	for _, p := range s.parts {
		if p.waits() {
			return true
		}
	}
	return false
}

// commitReady reports whether a commit of the partition says what is final of its
// topic. One that was never committed knows nothing of that as long as others
// are missing that may know; were it committed nevertheless, the topic would
// seem to be even. Once its records were processed it was known, and stays so
// when other partitions are not here any more: what these records came to, such as
// letters, must not be delivered without its offset.
func (p *part) commitReady() bool {
	return !p.last.fresh || p.Counts.Records > 0 || p.source.informed()
}

// sorted are the assigned partitions by number.
func (s *source) sorted() []*part {
	out := make([]*part, 0, len(s.parts))
	for _, id := range slices.Sorted(maps.Keys(s.parts)) {
		out = append(out, s.parts[id])
	}
	return out
}

// finished reports whether all partitions have reached the offsets to stop at, if
// there are such.
func (s *source) finished() bool {
	if len(s.stop) == 0 || !s.agent.Complete() {
		return false
	}
	for id, p := range s.parts {
		if p.Position() < s.stop[id] || len(p.batch) > 0 {
			return false
		}
	}
	return true
}

// stopAt is the offset to stop at in a partition. There is none while others
// have a part of the topic: without its records they could not go on.
func (s *source) stopAt(id int32) (offset int64, ok bool) {
	offset, ok = s.stop[id]
	return offset, ok && s.agent.Complete()
}

// drained reports whether a partition has reached the offset to stop at.
func (p *part) drained(s *source) bool {
	stop, ok := s.stopAt(p.id)
	return ok && p.Position() >= stop
}
