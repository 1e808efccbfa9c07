package worker

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/lsst-sqre/kafka-aggregator/internal/assignment"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/recovery"
)

// session is one membership in the group, from joining it until something is
// in doubt or the worker stops.
type session struct {
	w         *Worker
	cl        *kgo.Client
	ctx       context.Context // ends with the session; for helpers
	cancel    context.CancelFunc
	hard      context.Context // ends when work in flight is given up
	pulse     pulse
	helpers   *helpers
	member    *membership
	resolver  *resolver
	abandoned *abandoned
	advisor   *advisor
	phases    *phases
	delivery  *delivery
	ends      *endQuestions
	flow      *flow
	shares    *shares

	mu      mutex // the loop holds it in an iteration, callbacks of the group otherwise
	sources map[string]*source
	placing *placing
	failed  error

	// The rest belongs to the loop alone.
	topics    *catalog
	iteration iteration
	fetching  fetching
	order     order
	reported  time.Time // in the status
}

const (
	// smallWork is how many samples are too few to share among lanes.
	smallWork = 2000
	// pollPause is how long an iteration without backlog waits before the next, so
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

// assemble makes a session with its owners, which has no client yet.
func (w *Worker) assemble(hard context.Context, cluster uint64, known found) *session {
	s := &session{
		w: w, hard: hard, sources: map[string]*source{}, fetching: newFetching(), order: order{map[outputOf]int64{}},
		topics: &catalog{cluster: cluster, known: known, stale: make(chan struct{}, 1)},
	}
	s.ctx, s.cancel = context.WithCancel(hard)
	s.helpers = newHelpers(s.ctx)
	s.shares = newShares(w.cfg.Worker.Delivery == config.ExactlyOnce, s.topics)
	s.phases = &phases{s.topics, &ownClock{w: w, sources: s.sources, urgent: make(chan bool, 1)}, s.fail}
	s.member = &membership{w: w, helpers: s.helpers, topics: s.topics, shares: s.shares, sources: s.sources, fail: s.fail, generations: assignment.NewGenerations()}
	s.placing = &placing{w: w, helpers: s.helpers, topics: s.topics, shares: s.shares, phases: s.phases, sources: s.sources, committed: map[string]map[int32]recovery.Committed{}}
	s.resolver = newResolver(w, s.helpers)
	s.abandoned = &abandoned{w: w, txnID: w.txnID, helpers: s.helpers}
	s.advisor = &advisor{w: w, helpers: s.helpers, shares: s.shares}
	s.delivery = &delivery{
		w: w, helpers: s.helpers, phases: s.phases, topics: s.topics, iteration: &s.iteration, sources: s.sources, fail: s.fail, startOver: s.startOver,
		committer: &committer{w: w, hard: hard, txnID: w.txnID, member: s.member},
	}
	s.ends = &endQuestions{w: w, helpers: s.helpers, topics: s.topics, sources: s.sources, looking: map[int32]bool{}}
	s.flow = &flow{w: w, helpers: s.helpers, topics: s.topics, sources: s.sources}
	s.pulse.last.Store(time.Now().UnixNano())
	return s
}

// setClient gives the client to those who use it.
func (s *session) setClient(cl *kgo.Client) {
	s.cl, s.placing.cl, s.member.cl, s.abandoned.cl, s.advisor.cl, s.delivery.cl, s.delivery.committer.cl, s.ends.cl = cl, cl, cl, cl, cl, cl, cl, cl
}

// newSession joins the group.
func (w *Worker) newSession(ctx, hard context.Context, topics found) (*session, error) {
	cluster, txnVersion, err := w.brokers.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	if txnVersion != w.txnVersion {
		w.txnVersion = txnVersion
		if w.cfg.Worker.Delivery == config.ExactlyOnce && txnVersion < 2 {
			w.log.Warn("exactly once is claimed where the cluster's transaction.version is 2 (Kafka 4.0 or later); older brokers can break transactions", "transaction_version", txnVersion)
		}
	}
	s := w.assemble(hard, cluster, topics)
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
		kgo.Balancers(&assignment.Balancer{
			Setup: string(w.cfg.Fingerprint()), Loads: s.w.meter.told, MaxWorkers: s.advisor.maxWorkers, CanSplit: s.advisor.canSplit, Partials: s.advisor.partialsOf, Backlog: s.advisor.backlog,
			OnAssignment: s.member.onAssignment, OnMembers: s.abandoned.unless, OnJoin: s.member.generations.Join,
		}),
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
		kgo.ProducerBatchMaxBytesFn(func(topic string) int32 { return int32(w.sinks.outputs.batch(topic)) }), kgo.ProducerLinger(0), kgo.MaxBufferedRecords(math.MaxInt32), // what is pending is bounded here

	}, w.clientOpts...)
	if w.cfg.Worker.Delivery == config.ExactlyOnce {
		opts = append(opts, kgo.TransactionalID(w.txnID), kgo.TransactionTimeout(w.cfg.Worker.TransactionTimeout))
	}
	if w.cfg.Worker.ID != "" {
		id := w.cfg.Worker.Group + "-" + w.cfg.Worker.ID
		s.member.instance = &id
		opts = append(opts, kgo.InstanceID(id))
	}
	// A callback of the group may come before NewClient returns; it waits here,
	// in onFetched, until there is a client.
	s.mu.Lock()
	cl, err := kgo.NewClient(opts...)
	s.setClient(cl)
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

// fail ends the session at the end of the iteration.
func (s *session) fail(err error) {
	if s.failed == nil {
		s.failed = err
	}
}
