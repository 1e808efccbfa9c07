package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// session is one membership in the group, from joining it until something is
// in doubt or the worker stops.
type session struct {
	w          *Worker
	cl         *kgo.Client
	ctx        context.Context // ends with the session; for helpers
	cancel     context.CancelFunc
	hard       context.Context // ends when work in flight is given up
	cluster    uint64
	txnID      string
	instanceID *string
	lanes      *lanes
	pulse      pulse
	alarm      alarm
	helpers    sync.WaitGroup
	resolvers  chan struct{}                   // limits the schemas that are resolved at once
	events     chan func()                     // what helpers have the loop do
	stale      chan struct{}                   // there is reason to look at the topics
	shared     atomic.Pointer[map[string]bool] // topics that the leader of the group has shared out
	assigned   atomic.Pointer[assignment]      // the last one
	asking     atomic.Bool                     // for a new assignment, later

	generations *generations

	mu      mutex // the loop holds it in a turn, callbacks of the group otherwise
	sources map[string]*source
	fetched map[string]map[int32]fetched
	member  string // id in the group under which the partitions were assigned
	failed  error

	// The rest belongs to the loop alone.
	known        found
	outdated     outdated
	ready        []*part // have records to process
	touched      []*source
	tasks        []task
	pausing      map[string][]int32
	resuming     map[string][]int32
	closing      []agent.Window
	behind       int64 // offsets that the sources of this turn are behind
	sharedSeen   *map[string]bool
	newTopics    bool
	outside      string // why this worker is not in the group
	limit        int    // records of a turn, 0: all
	following    bool
	out          map[outputOf]int64 // end of the window of a source topic that came out last, with the build tag invariants
	waiting      bool               // there are records to be delivered or shipped
	looking      map[int32]bool     // brokers that were asked for end offsets
	gathering    bool               // facts on partitions that are not placed
	lastPoll     time.Time
	lastDelivery time.Time
	lastCommit   time.Time
	lastIdle     time.Time
	lastRate     time.Time
	lastStatus   time.Time
	lastAsked    time.Time
	lastFollow   time.Time
	lastAsk      time.Time // for a new assignment
	lastPurge    time.Time
	lastNamed    time.Time // who else is in the group
}

const (
	// smallTurn is how many samples are too few to share among lanes.
	smallTurn = 2000
	// pollPause is how long a turn without backlog waits before the next, so
	// that a trickle of records does not turn the loop for each of them.
	pollPause = 5 * time.Millisecond
	// pollWait is how long a poll waits for records.
	pollWait = 100 * time.Millisecond
	// catchUpInterval is the least time between deliveries while the worker
	// lags, unless much is pending.
	catchUpInterval = time.Second
	pendingEnough   = 4 << 20
	// lagLimit is how many offsets behind a worker counts as lagging.
	lagLimit = 10_000
	// quietCommit is how often partitions are committed that move without output.
	quietCommit = 10 * time.Second
	// dailyCommit keeps the offsets of partitions that do not move from expiring.
	dailyCommit  = 12 * time.Hour
	abortTimeout = 5 * time.Second
	// heartbeat is how soon a member learns of a rebalance, for which all the
	// others have to wait.
	heartbeat = 500 * time.Millisecond
)

// newSession joins the group.
func (w *Worker) newSession(ctx, hard context.Context, topics found) (*session, error) {
	cluster, txnVersion, err := w.clusterInfo(ctx)
	if err != nil {
		return nil, err
	}
	if txnVersion != w.txnVersion {
		w.txnVersion = txnVersion
		if w.cfg.Worker.Delivery == config.ExactlyOnce && txnVersion < 2 {
			w.log.Warn("exactly once is claimed where the cluster's transaction.version is 2 (Kafka 4.0 or later); older brokers can break transactions", "transaction_version", txnVersion)
		}
	}
	s := &session{
		w: w, cluster: cluster, txnID: w.txnID, hard: hard, known: topics,
		lanes: w.lanes, resolvers: make(chan struct{}, 8), events: make(chan func()), stale: make(chan struct{}, 1),
		pausing: map[string][]int32{}, resuming: map[string][]int32{}, looking: map[int32]bool{}, sources: map[string]*source{}, fetched: map[string]map[int32]fetched{}, out: map[outputOf]int64{},
	}
	s.ctx, s.cancel = context.WithCancel(hard)
	s.generations = newGenerations()
	s.setShared(nil)
	s.sharedSeen = s.shared.Load()
	s.pulse.last.Store(time.Now().UnixNano())
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(8, 9) // OffsetCommit and TxnOffsetCommit name topics, they do not give ids
	versions.SetMaxKeyVersion(28, 5)
	if txnVersion < 2 {
		versions.SetMaxKeyVersion(28, 4)
	}
	session := w.cfg.Worker.SessionTimeout
	opts := append([]kgo.Opt{
		kgo.MaxVersions(versions),
		kgo.ConsumerGroup(w.cfg.Worker.Group),
		kgo.ConsumeTopics(topics.topics()...),
		kgo.Balancers(&balancer{loads: s.loads, most: s.most, may: s.may, partials: s.partialsOf, backlog: s.backlog, assigned: s.onAssignment, members: s.orphans, joining: s.generations.join}),
		kgo.BlockRebalanceOnPoll(),
		kgo.DisableAutoCommit(),
		kgo.SessionTimeout(session), kgo.HeartbeatInterval(min(heartbeat, session/4)), kgo.RebalanceTimeout(session / 3),
		kgo.OnOffsetsFetched(s.onFetched), kgo.AdjustFetchOffsetsFn(s.onAdjust),
		kgo.OnPartitionsRevoked(s.onGone), kgo.OnPartitionsLost(s.onLost),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxWait(500 * time.Millisecond), kgo.MaxDecompressBatchBytes(64 << 20),
		kgo.MetadataMinAge(250 * time.Millisecond), kgo.MetadataMaxAge(min(30*time.Second, max(w.cfg.Worker.TopicRefresh, 5*time.Second))),
		kgo.WithPools(&w.pool), kgo.WithHooks(&s.pulse),
		kgo.RecordPartitioner(kgo.BasicConsistentPartitioner(partition)),
		kgo.ProducerBatchMaxBytesFn(func(topic string) int32 { return int32(w.outputs.batch(topic)) }), kgo.ProducerLinger(0), kgo.MaxBufferedRecords(math.MaxInt32), // what is pending is bounded here

	}, w.clientOpts...)
	if w.cfg.Worker.Delivery == config.ExactlyOnce {
		opts = append(opts, kgo.TransactionalID(s.txnID), kgo.TransactionTimeout(w.cfg.Worker.TransactionTimeout))
	}
	if w.cfg.Worker.ID != "" {
		id := w.cfg.Worker.Group + "-" + w.cfg.Worker.ID
		s.instanceID = &id
		opts = append(opts, kgo.InstanceID(id))
	}
	// A callback of the group may come before NewClient returns; it waits here,
	// in onFetched, until there is a client.
	s.mu.Lock()
	s.cl, err = kgo.NewClient(append(opts, w.opts.KafkaOpts...)...)
	s.mu.Unlock()
	if err != nil {
		s.cancel()
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	return s, nil
}

// partition keeps the windows of a source topic and group in one partition of
// the aggregated topic, so that they stay in order: it hashes the key up to
// the window.
func partition(string) func(*kgo.Record, int) int {
	return func(r *kgo.Record, n int) int {
		key := r.Key
		if i := bytes.IndexByte(key, '|'); i >= 0 {
			if j := bytes.IndexByte(key[i+1:], '|'); j >= 0 {
				key = key[:i+1+j]
			}
		}
		h := fnv.New32a()
		h.Write(key)
		return int(h.Sum32() % uint32(n))
	}
}

// fail ends the session at the end of the turn.
func (s *session) fail(err error) {
	if s.failed == nil {
		s.failed = err
	}
}

// run turns the loop until ctx ends (nil), the end is reached (nil, with
// StopAtEnd), or the session fails.
func (s *session) run(ctx context.Context) error {
	defer func() {
		s.cancel()
		s.cl.CloseAllowingRebalance() // its callbacks start helpers too
		s.helpers.Wait()
	}()
	s.helpers.Go(s.watchTopics)
	if s.w.cfg.Worker.Delivery == config.ExactlyOnce {
		// Done while the group forms; the first transaction would do it itself.
		s.helpers.Go(func() { _, _, _ = s.cl.ProducerID(s.ctx) })
		if !s.w.sought.Load() {
			s.helpers.Go(s.orphansOnce)
		}
	}
	now := time.Now()
	s.lastCommit, s.lastRate, s.lastDelivery = now, now, now
	for wait := pollWait; ; {
		ended, next, err := s.locked(ctx, s.poll(ctx, wait))
		wait = next
		s.cl.AllowRebalance()
		if err != nil || ended {
			return err
		}
		if pause := pollPause - time.Since(s.lastPoll); pause > 0 && !s.lagging() {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
		s.lastPoll = time.Now()
	}
}

// locked is a turn that holds the mutex, also if it panics: the client cannot
// be closed otherwise, and the process would stay. wait is how long the next
// poll may wait.
func (s *session) locked(ctx context.Context, fs kgo.Fetches) (ended bool, wait time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ended, err = s.turn(ctx, fs)
	return ended, s.patience(), err
}

// patience is how long the next poll may wait for records: less if there is
// other work to do soon.
func (s *session) patience() time.Duration {
	d := pollWait
	if s.waiting {
		d = min(d, max(time.Millisecond, s.interval()-time.Since(s.lastDelivery)))
	}
	return d
}

// interval is the least time between two deliveries.
func (s *session) interval() time.Duration {
	if s.lagging() {
		return max(s.w.cfg.Worker.CommitInterval, catchUpInterval)
	}
	return s.w.cfg.Worker.CommitInterval
}

// turn is one turn of the loop.
func (s *session) turn(ctx context.Context, fs kgo.Fetches) (ended bool, err error) {
	now := time.Now()
	s.w.beat(now)
	if fs.IsClientClosed() || s.hard.Err() != nil {
		return true, s.hard.Err()
	}
	records := fs.NumRecords()
	s.receive(fs, now)
	s.release(now)
	s.drain()
	s.reshare(now)
	s.placeAgain(now)
	if s.failed != nil {
		return true, s.failed
	}
	s.process(now)
	if len(s.touched) > 0 { // a turn without news says nothing about the lag
		s.behind = 0
	}
	for _, src := range s.touched {
		s.behind += src.lag()
	}
	s.finish(s.touched, now)
	for _, src := range s.touched {
		src.touched = false
		s.pause(src)
		s.tellLate(src, now)
	}
	s.tellPaused()
	s.touched = s.touched[:0]
	stopping := ctx.Err() != nil
	s.limit = pace(s.limit, records, time.Since(now))
	all := s.w.ending != nil && s.allFinished(now)
	if err := s.commit(now, stopping || all); err != nil {
		return true, err
	}
	if now.Sub(s.lastIdle) >= s.idleTick() {
		s.lastIdle = now
		s.idle(now)
		s.wonder()
	}
	s.follow(now)
	s.purge(now)
	s.rates(now)
	if stopping || all {
		s.lastStatus = time.Time{} // the last word is not left out
	}
	s.report(now)
	if all && !stopping {
		return s.atEnd()
	}
	return stopping, nil
}

// receive takes fetched records to their partitions.
func (s *session) receive(fs kgo.Fetches, now time.Time) {
	var group *kgo.ErrGroupSession
	fs.EachError(func(topic string, id int32, err error) {
		switch {
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, kgo.ErrClientClosed):
		case errors.Is(err, kerr.FencedInstanceID):
			s.fail(fmt.Errorf("another worker has the id %q: %w", s.w.cfg.Worker.ID, err))
		case errors.As(err, &group):
			s.outOfGroup(group.Err, now)
		case errors.Is(err, kerr.OffsetOutOfRange):
			if src := s.sources[topic]; src != nil && src.parts[id] != nil {
				s.startOver(src, fmt.Errorf("read partition %d: %w", id, err), now)
			}
		case errors.As(err, new(*kgo.ErrDataLoss)):
			if src := s.sources[topic]; src != nil {
				src.log.Warn("reading the topic again from what is committed", "partition", id, "err", err)
				s.forget([]string{topic})
				s.cl.AddConsumeTopics(topic)
			}
		case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID):
			s.lookSoon() // it may have been made again
		default:
			s.unreadable(topic, id, err, now)
		}
	})
	fs.EachPartition(func(fp kgo.FetchTopicPartition) {
		src := s.sources[fp.Topic]
		if src == nil {
			return
		}
		p := src.parts[fp.Partition]
		if p == nil {
			return
		}
		p.end = max(p.end, fp.HighWatermark)
		if len(fp.Records) == 0 {
			return
		}
		delete(src.fetchErrors, fp.Partition)
		p.arrived, p.caught, p.moved = now, time.Time{}, true
		p.batch = append(p.batch, fp.Records...)
		s.enqueue(p)
		src.touch(s)
	})
}

// enqueue has a partition's batch processed in this turn, unless it has to
// wait: for its schema or topic, for its aggregated topic, or for the other partitions
// of its topic. These know what is final; a record read before would get into
// a window that is out.
func (s *session) enqueue(p *part) {
	if !p.waits() && !p.queued && p.source.readable() {
		p.queued = true
		s.ready = append(s.ready, p)
	}
}

func (src *source) touch(s *session) {
	if !src.touched {
		src.touched = true
		s.touched = append(s.touched, src)
	}
}

// process decodes the batches, each partition in one lane.
func (s *session) process(now time.Time) {
	records := 0
	for _, p := range s.ready {
		records += len(p.batch) * p.source.fields()
	}
	s.lanes.each(len(s.ready), records < smallTurn, func(_, i int) { s.ready[i].process(now, s.w.cfg.DeadLetterTopic) })
	for _, p := range s.ready {
		p.queued = false
		src := p.source
		for _, l := range p.letters {
			src.bytes += len(l.key) + len(l.value)
		}
		src.letters = append(src.letters, p.letters...)
		clear(p.letters)
		p.letters = p.letters[:0]
		if p.waiting != noSchema {
			s.request(p)
		}
	}
	clear(s.ready)
	s.ready = s.ready[:0]
}

// lagging reports whether there is more to read at once.
func (s *session) lagging() bool { return s.behind > lagLimit }
