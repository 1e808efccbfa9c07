//go:build synctests

package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

const (
	group      = "g"
	brokers    = 3
	deadTopic  = "dead"
	lateTopic  = "late"
	suffix     = "-aggregated"
	calm       = 240 * time.Second
	sampling   = time.Second      // of committed offsets
	settling   = 30 * time.Second // of the calm, until brokers hold fetches for patience
	patience   = 5 * time.Second
	futureStep = 2 * time.Hour
	unknown    = 9 << 16 // added to the id of a schema, an id that nobody has registered (yet)
)

var operations = []string{"min", "max", "mean", "sum", "median", "stdev", "first", "last", "samples", "nulls", "nans"}

// plan is all that a seed decides.
type plan struct {
	seed              uint64
	size, grace, idle time.Duration
	skew              time.Duration   // how far ahead of the clock a record may be stamped
	length            time.Duration   // of traffic and faults
	fields            bool            // records have their time in fields, and
	strict            bool            // are bad if they have none there
	wider             []config.Output // windows of further sizes
	empty             []bool          // outputs that have empty windows; nil: none
	emptyOfSome       bool            // of every second process; those of the others have none
	outPartitions     int             // of aggregated topics
	split             int             // workers that a topic may be split over
	resplit           time.Duration   // when that is changed, and the workers are started again one by one; 0: never
	split2            int             // to what
	repeats           bool            // delivery is at_least_once
	mixed             bool            // of every second process; that of the others is exactly_once
	register          time.Duration   // when the registry learns of the schemas that nobody knew; 0: never
	pieces            int             // bytes of offsets that are committed at once; 0: as many as there are
	workers           []workerPlan
	topics            []topicPlan
	faults            []fault
}

type workerPlan struct {
	static bool // has an id: static member of the group, stable transactional id
	start  time.Duration
}

type topicPlan struct {
	name                                string
	partitions                          int
	more                                int           // partitions that come later
	grow                                time.Duration // when they do
	created                             time.Duration // when the topic is
	transactional                       bool
	family                              int
	upload                              time.Duration // records are collected for so long and sent then, in order; 0: at once
	change                              time.Duration // when the schema changes
	period                              time.Duration // mean time between records
	jitter                              time.Duration // most that a record is out of order, but for late ones
	speed                               int           // of event time; above 1 it is old data
	lag                                 []time.Duration
	empty                               []bool // partitions that get nothing
	gaps                                []gap
	late, ahead, future, tombstone, bad float64
	again                               *remake
	clocks                              []sourceClock // that are wrong
	framed                              float64       // records that name their schema not by the prefix
	odd                                 float64       // records with timestamps that are out of range, or mean something else than ms
}

// audited reports whether it is looked at when windows come out.
func (p *plan) audited() bool {
	return p.remade() || slices.ContainsFunc(p.faults, func(f fault) bool { return f.topic != "" })
}

// all is how many partitions there are in the end.
func (t *topicPlan) all() int { return t.partitions + t.more }

// gap is a silence of a partition (-1: of all).
type gap struct {
	partition int
	from, to  time.Duration
}

func (t *topicPlan) silent(partition int, at time.Duration) bool {
	if t.empty[partition] || at < t.created || partition >= t.partitions && at < t.grow {
		return true
	}
	return slices.ContainsFunc(t.gaps, func(g gap) bool {
		return (g.partition < 0 || g.partition == partition) && at >= g.from && at < g.to
	})
}

func between(rng *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(rng.Int64N(int64(high-low)+1)).Truncate(time.Millisecond)
}

func choose[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }

func newPlan(seed uint64) *plan {
	p := olderPlan(seed)
	p.drawRemakes(rand.New(rand.NewPCG(seed, 10)))
	p.drawWider(rand.New(rand.NewPCG(seed, 12)))
	p.drawClocks(rand.New(rand.NewPCG(seed, 13)))
	p.drawEmpty(rand.New(rand.NewPCG(seed, 14)))
	p.drawFields(rand.New(rand.NewPCG(seed, 15)))
	p.drawFramings(rand.New(rand.NewPCG(seed, 17)))
	p.sort()
	return p
}

// olderPlan is what the seed decided before there were topics that are made again,
// windows of several sizes, empty ones, wrong clocks, times in fields and framings: what it found then it finds by this plan.
func olderPlan(seed uint64) *plan {
	rng := rand.New(rand.NewPCG(seed, 1))
	p := &plan{
		seed: seed, size: choose(rng, 700*time.Millisecond, time.Second, 2*time.Second, 5*time.Second),
		grace: choose(rng, 0, 500*time.Millisecond, time.Second, 3*time.Second),
		idle:  between(rng, 2*time.Second, 6*time.Second), length: between(rng, 60*time.Second, 90*time.Second),
		outPartitions: 1 + rng.IntN(2),
	}
	// Drawn from a stream of its own, so that older seeds keep their plans.
	more := rand.New(rand.NewPCG(seed, 2))
	p.skew = choose(more, 5*time.Minute, 5*time.Minute, 1500*time.Millisecond)
	if more.IntN(3) == 0 {
		p.register = between(more, 10*time.Second, p.length)
	}
	p.split = choose(rand.New(rand.NewPCG(seed, 3)), 1, 2, 3)
	delivery := rand.New(rand.NewPCG(seed, 4))
	p.repeats = delivery.IntN(8) == 0
	p.mixed = p.repeats && delivery.IntN(3) == 0
	for range 1 + rng.IntN(4) {
		p.workers = append(p.workers, workerPlan{static: rng.IntN(2) == 0, start: between(rng, 0, 4*time.Second)})
	}
	for i := range 1 + rng.IntN(6) {
		t := topicPlan{
			name: fmt.Sprintf("in%d", i), partitions: choose(rng, 1, 1, 1, 2, 3, 4), transactional: rng.IntN(4) == 0,
			family: rng.IntN(len(families)), change: between(rng, 10*time.Second, 2*p.length), period: between(rng, 40*time.Millisecond, 400*time.Millisecond),
			jitter: p.grace * 9 / 10, speed: choose(rng, 1, 1, 1, 1, 6),
			late: choose(rng, 0, 0.02, 0.1), ahead: choose(rng, 0, 0.01), future: choose(rng, 0, 0.01),
			tombstone: choose(rng, 0, 0.02), bad: choose(rng, 0, 0.03),
		}
		if rng.IntN(5) == 0 {
			t.more, t.grow = 1+rng.IntN(2), between(rng, 5*time.Second, p.length)
		}
		if rng.IntN(5) == 0 {
			t.created = between(rng, time.Second, p.length/2)
			t.grow += t.created
		}
		for id := range t.all() {
			t.lag = append(t.lag, choose(rng, 0, between(rng, 0, 3*time.Second)))
			t.empty = append(t.empty, id > 0 && rng.IntN(8) == 0)
		}
		for range rng.IntN(4) {
			from := between(rng, 5*time.Second, p.length)
			t.gaps = append(t.gaps, gap{partition: rng.IntN(t.all()+1) - 1, from: from, to: from + between(rng, time.Second, 20*time.Second)})
		}
		p.topics = append(p.topics, t)
	}
	for range rng.IntN(14) {
		p.faults = append(p.faults, newFault(rng, p))
	}
	if change := rand.New(rand.NewPCG(seed, 5)); change.IntN(4) == 0 {
		p.resplit, p.split2 = between(change, 10*time.Second, p.length), choose(change, 1, 2, 3)
	}
	if p.mixed { // of topics that are split, delivery is not changed worker by worker: see docs/operations.md
		p.split, p.resplit = 1, 0
	}
	if *only {
		p.faults = nil
	}
	p.drawUploads(rand.New(rand.NewPCG(seed, 6)))
	p.drawOdd(rand.New(rand.NewPCG(seed, 7)))
	p.drawLeaderless(rand.New(rand.NewPCG(seed, 8)))
	p.drawRefusals(rand.New(rand.NewPCG(seed, 9)))
	p.drawPieces(rand.New(rand.NewPCG(seed, 11)))
	p.sort()
	return p
}

func (p *plan) sort() {
	slices.SortStableFunc(p.faults, func(a, b fault) int { return int(a.at - b.at) })
}

// forced are the kinds that all plans are to have; see the flag -with.
func forced(kind string) bool { return slices.Contains(strings.Split(*with, ","), kind) }

// drawUploads has producers of some topics collect their records for longer
// than it takes until a partition counts as silent.
func (p *plan) drawUploads(rng *rand.Rand) {
	for i := range p.topics {
		t := &p.topics[i]
		every := p.idle + between(rng, time.Second, 10*time.Second)
		if (rng.IntN(10) == 0 || forced("uploads")) && !t.transactional {
			t.upload = every
		}
	}
}

// drawOdd gives some topics odd timestamps and odd bad records.
func (p *plan) drawOdd(rng *rand.Rand) {
	for i := range p.topics {
		t := &p.topics[i]
		t.odd = choose(rng, 0, 0, 0, 0, 0.01, 0.03)
		if forced("odd") {
			t.odd = 0.05
		}
	}
}

func (p *plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: windows of %v, grace %v, idle after %v, at most %v ahead, %v of traffic and faults, aggregated topics of %d partitions\n", p.seed, p.size, p.grace, p.idle, p.skew, p.length, p.outPartitions)
	b.WriteString(p.fieldsString())
	for _, w := range p.wider {
		fmt.Fprintf(&b, "  and windows of %v every %v\n", w.Size, max(w.Advance, 0))
	}
	if p.empty != nil {
		fmt.Fprintf(&b, "  empty windows are written: %v, by every second process only: %v\n", p.empty, p.emptyOfSome)
	}
	if p.repeats {
		fmt.Fprintf(&b, "  at_least_once, by every second process only: %v\n", p.mixed)
	}
	fmt.Fprintf(&b, "  topics over at most %d workers", p.split)
	if p.resplit > 0 {
		fmt.Fprintf(&b, ", from %v on %d", p.resplit, p.split2)
	}
	fmt.Fprintln(&b)
	if p.pieces > 0 {
		fmt.Fprintf(&b, "  offsets are committed in pieces of %d bytes\n", p.pieces)
	}
	if p.register > 0 {
		fmt.Fprintf(&b, "  unknown schemas are registered at %v\n", p.register)
	}
	for i, w := range p.workers {
		fmt.Fprintf(&b, "  worker %d: static id %v, starts at %v\n", i, w.static, w.start)
	}
	for _, t := range p.topics {
		again := t.again
		t.again = nil
		fmt.Fprintf(&b, "  topic %+v\n", t)
		if again != nil {
			fmt.Fprintf(&b, "    deleted at %v, made again %v later: %+v\n", again.at, again.away, again.topic)
		}
	}
	for _, f := range p.faults {
		fmt.Fprintf(&b, "  fault %v\n", f)
	}
	return b.String()
}
