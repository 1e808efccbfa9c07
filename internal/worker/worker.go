package worker

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/brokers"
	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// Worker is one member of the group. Run it once.
type Worker struct {
	opts       Options
	cfg        *config.Config
	log        *slog.Logger
	id, txnID  string
	selection  selection
	registries registries
	clientOpts []kgo.Opt
	brokers    *brokers.Brokers // asked by a client of its own; sessions have theirs
	lanes      *lanes
	pool       recordPool

	// Used by the goroutine of Run, or by the loop of its session, whose end it
	// outlives.
	txnVersion   int16
	offsetsLimit int     // bytes of offsets that are committed at once
	ending       *ending // nil without StopAtEnd
	lastDaily    time.Time
	fenced       time.Time // when another member last had this worker's id
	said         said
	sinks        sinks
	totals       map[string]*totals
	verdicts     map[string]map[int32]*agent.Verdicts // with the build tag invariants; under the mutex of the session

	// Used by several goroutines.
	sought   atomic.Bool // open transactions of workers that are gone
	meter    meter
	counters counters
	board    board
}

// selection is which topics are sources, and what is made of them.
type selection struct {
	selector *config.Selector
	jobs     map[*config.Aggregation]*job
	minIdle  time.Duration // the shortest idle_after
}

// registries are those of source schemas and of aggregated ones; they may be one.
type registries struct{ sources, aggregated *registry.Client }

// sinks are what is known of the topics that are written to.
type sinks struct {
	holds   map[string]*hold      // by source topic
	boxes   map[string]*letterbox // by topic
	outputs outputs
}

// counters count since the process started.
type counters struct {
	commits, plainCommits, aborts, sessions atomic.Int64
	commitDuration, resultLatency           *histogram
}

// board is what Status shows of the worker as a whole, and of what the loop
// has noted of its topics.
type board struct {
	started time.Time
	beaten  atomic.Int64 // when the loop last went round, ns
	state   atomic.Pointer[state]
	topics  atomic.Pointer[[]status.TopicStatus]
	notices notices
	clock   atomic.Pointer[clockEvidence]
}

// state is what a worker does, and why it is not ready, if it is not.
type state struct{ name, reason, member string }

// New makes a worker. Nothing is sent to Kafka yet.
func New(o Options) (*Worker, error) {
	w := &Worker{
		opts: o, cfg: o.Config, log: o.Logger, offsetsLimit: maxOffsetsBytes,
		selection: selection{jobs: map[*config.Aggregation]*job{}},
		said:      said{last: map[string]time.Time{}},
		sinks:     sinks{holds: map[string]*hold{}, boxes: map[string]*letterbox{}},
		totals:    map[string]*totals{}, verdicts: map[string]map[int32]*agent.Verdicts{},
		counters: counters{commitDuration: newHistogram(), resultLatency: newHistogram()},
	}
	w.board.started = time.Now() // Status may be asked for before Run
	if w.log == nil {
		w.log = slog.Default()
	}
	w.id = cmp.Or(o.Config.Worker.ID, strings.ToLower(rand.Text()[:10]))
	w.txnID = o.Config.Worker.Group + "-" + w.id
	var err error
	if w.selection.selector, err = config.NewSelector(o.Config); err != nil {
		return nil, err
	}
	for i := range o.Config.Aggregations {
		a := &o.Config.Aggregations[i]
		if w.selection.jobs[a], err = newJob(a, runtime.GOMAXPROCS(0)); err != nil {
			return nil, err
		}
		if w.selection.minIdle == 0 || a.Window.IdleAfter < w.selection.minIdle {
			w.selection.minIdle = a.Window.IdleAfter
		}
	}
	if w.registries.sources, err = cluster.NewRegistry(o.Config.SchemaRegistry, o.HTTPClient); err != nil {
		return nil, err
	}
	w.registries.aggregated = w.registries.sources
	if o.Config.AggregatedSchemaRegistry.URL != "" {
		if w.registries.aggregated, err = cluster.NewRegistry(o.Config.AggregatedSchemaRegistry, o.HTTPClient); err != nil {
			return nil, err
		}
	}
	if w.clientOpts, err = o.Config.Kafka.Opts(); err != nil {
		return nil, err
	}
	// The client answers questions about topics from memory for the least age
	// of its metadata; the worker asks because it wants to know of changes.
	w.clientOpts = append(w.clientOpts, kgo.MetadataMinAge(250*time.Millisecond), kgo.SoftwareNameAndVersion("kafka-aggregator", cmp.Or(o.Version, "unknown")), kgo.WithLogger(kgoLogger{w.log}))
	w.clientOpts = append(w.clientOpts, o.KafkaOpts...)
	w.setState("starting", "not in the group yet")
	return w, nil
}

// Run joins the group and works until ctx ends; then it finishes what is
// computed, leaves the group and returns nil. Trouble with brokers is no
// reason to return: it is logged and tried again. An error is final.
func (w *Worker) Run(ctx context.Context) (err error) {
	now := time.Now()
	w.warnOfLeapSeconds(now)
	w.lastDaily = now
	w.beat(now)
	hard, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	if w.opts.Hard != nil {
		defer context.AfterFunc(w.opts.Hard, giveUp)()
	}
	// What cannot be finished some time after the end of ctx is given up:
	// with no broker there a transaction would wait for ever.
	defer context.AfterFunc(ctx, func() {
		select {
		case <-time.After(stopTimeout):
			giveUp()
		case <-hard.Done():
		}
	})()
	if w.brokers, err = brokers.New(brokers.Options{
		Client: w.clientOpts, Group: w.cfg.Worker.Group, CreateTopics: w.cfg.Worker.CreateTopics, ExactlyOnce: w.cfg.Worker.Delivery == config.ExactlyOnce,
	}); err != nil {
		return err
	}
	defer w.brokers.Close()
	w.lanes = newLanes(runtime.GOMAXPROCS(0))
	defer w.lanes.close()
	defer func() {
		if err != nil {
			w.setState("failed", err.Error())
		} else {
			w.setState("stopped", "stopped")
		}
	}()

	for wait := firstBackoff; ; {
		begin := time.Now()
		err := w.work(ctx, hard)
		if err == nil {
			return nil
		}
		w.board.topics.Store(nil)
		switch {
		case ctx.Err() != nil || hard.Err() != nil:
			if errors.Is(err, context.Canceled) && hard.Err() == nil {
				return nil
			}
			return fmt.Errorf("stopped before the last results were delivered (they are computed again after the next start): %w", err)
		case errors.Is(err, errRefused):
			return err
		case errors.Is(err, kerr.FencedInstanceID):
			// A broker that was killed may have lost the news that this worker
			// joined, and keep the member that it was before. Who joins again
			// takes the place. If somebody takes it back, there is another one.
			if time.Since(w.fenced) < fencedAgain {
				return err
			}
			w.fenced = time.Now()
		}
		if errors.As(err, new(*refusedError)) { // the source is held from the start of the next session
			wait = firstBackoff
		}
		if time.Since(begin) > time.Minute {
			wait = firstBackoff
		}
		w.setState("retrying", err.Error())
		w.log.Warn("starting again from what is committed", "err", err, "in", wait.String())
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
		wait = min(2*wait, maxBackoff)
	}
}

const (
	stopTimeout  = 8 * time.Second
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 10 * time.Second
	// fencedAgain is within which time it is no accident to be fenced twice.
	fencedAgain = time.Minute
)

// work is one session, or an attempt at one.
func (w *Worker) work(ctx, hard context.Context) error {
	w.beat(time.Now())
	topics, err := w.waitForTopics(ctx)
	if err != nil || len(topics) == 0 {
		return err
	}
	if err := w.brokers.Foreigners(ctx); err != nil {
		return err
	}
	w.makeLetterTopics(ctx)
	s, err := w.newSession(ctx, hard, topics)
	if err != nil {
		return err
	}
	w.counters.sessions.Add(1)
	return s.run(ctx)
}

// makeLetterTopics makes the topics for dead letters and late records, unless
// they are there. Without them all else goes on.
func (w *Worker) makeLetterTopics(ctx context.Context) {
	for _, topic := range w.letterTopics() {
		if err := w.brokers.EnsureTopic(ctx, topic, 1); err != nil && ctx.Err() == nil {
			if w.said.rare("letters "+topic, time.Now()) {
				w.log.Warn("records that are put aside may have no letter", "topic", topic, "err", err)
			}
		}
		w.sinks.outputs.learn(ctx, w.brokers.Admin, topic)
	}
}

// letterTopics are the topics that records go to which are put aside.
func (w *Worker) letterTopics() (topics []string) {
	if t := w.cfg.DeadLetterTopic; t != "" {
		topics = append(topics, t)
	}
	for i := range w.cfg.Aggregations {
		if l := w.cfg.Aggregations[i].Late; l.Policy == "topic" && !slices.Contains(topics, l.Topic) {
			topics = append(topics, l.Topic)
		}
	}
	return topics
}

// waitForTopics returns the source topics once there are some; with
// StopAtEnd, and no end known yet, it notes the ends, and does not wait.
func (w *Worker) waitForTopics(ctx context.Context) (found, error) {
	for {
		topics, err := w.discover(ctx)
		if err != nil {
			return nil, err
		}
		maps.DeleteFunc(topics, func(_ string, t topicView) bool { return t.err != nil }) // they are new when they can be read
		if w.opts.StopAtEnd && w.ending == nil {
			if err := w.noteEnds(ctx, topics); err != nil {
				return nil, err
			}
		}
		if len(topics) > 0 {
			return topics, nil
		}
		if w.opts.StopAtEnd {
			w.log.Warn("no topic matches the configuration, there is nothing to do")
			return nil, nil
		}
		w.setState("waiting", "no topic matches the configuration yet")
		if w.said.rare("topics", time.Now()) {
			w.log.Info("no topic matches the configuration yet", "looking_again_in", w.cfg.Worker.TopicRefresh.String())
		}
		w.beat(time.Now())
		select {
		case <-time.After(w.cfg.Worker.TopicRefresh):
		case <-ctx.Done():
			return nil, nil
		}
	}
}

func (w *Worker) beat(now time.Time) { w.board.beaten.Store(now.UnixNano()) }

// total is the totals of a topic, which belong to the loop.
func (w *Worker) total(topic string) *totals {
	t := w.totals[topic]
	if t == nil {
		t = &totals{}
		w.totals[topic] = t
	}
	return t
}
