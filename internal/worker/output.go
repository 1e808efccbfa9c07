package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/brokers"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// errUnacknowledged: no broker has acknowledged a record in time, though others
// have answered.
var errUnacknowledged = errors.New("no broker acknowledges records: a partition may have no leader, or too few replicas in sync")

// errTooLarge: a record is larger than its topic takes.
var errTooLarge = errors.New("too large")

func tooLarge(size, limit int) error {
	return fmt.Errorf("a record of %d bytes is %w: the topic takes %d", size, errTooLarge, limit)
}

// ofTopic reports whether an error says something about the topic that a record
// was written to, rather than about the producer, its transaction or the way to
// the brokers. What is not known is a broker's word on the record.
func ofTopic(err error) bool {
	if errors.Is(err, errUnacknowledged) || errors.Is(err, errTooLarge) {
		return true
	}
	for _, e := range []error{
		kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping, kerr.InvalidTxnState, kerr.UnknownProducerID, kerr.OutOfOrderSequenceNumber, kerr.DuplicateSequenceNumber,
		kerr.TransactionCoordinatorFenced, kerr.TransactionAbortable, kerr.ConcurrentTransactions, kerr.TransactionalIDAuthorizationFailed,
		kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.NetworkException,
		kerr.ClusterAuthorizationFailed, kerr.SaslAuthenticationFailed, kerr.UnsupportedVersion,
	} {
		if errors.Is(err, e) {
			return false
		}
	}
	return errors.As(err, new(*kerr.Error))
}

// follows reports whether an error may be no more than what follows from others
// of the same partition being refused: the numbers of records have a gap then.
func follows(err error) bool {
	return errors.Is(err, kerr.OutOfOrderSequenceNumber) || errors.Is(err, kerr.UnknownProducerID)
}

// isUnknownTopic reports whether brokers say that there is no such topic.
func isUnknownTopic(err error) bool {
	return errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID)
}

// outputs are what is known of the topics that are written to. Resolvers learn
// it, the loop and the client ask for it.
type outputs struct {
	mu     sync.Mutex
	limits map[string]config.TopicLimits
	told   map[string]bool      // that windows are older than the topic's retention
	singly map[string]time.Time // until when records are written one by one
}

// learn asks the brokers for the settings of a topic. Who may not ask knows of no
// bound, and finds out when something is refused.
func (o *outputs) learn(ctx context.Context, adm *kadm.Client, topic string) {
	l, ok := limitsOf(ctx, adm, topic)
	if !ok {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.limits == nil {
		o.limits = make(map[string]config.TopicLimits)
	}
	o.limits[topic] = l
}

// limitsOf are the bounds that a topic sets, if the brokers say.
func limitsOf(ctx context.Context, adm *kadm.Client, topic string) (l config.TopicLimits, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, brokers.AdminTimeout)
	defer cancel()
	found, err := adm.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return l, false
	}
	for _, r := range found {
		if r.Name != topic || r.Err != nil {
			continue
		}
		settings := make(map[string]string)
		for _, c := range r.Configs {
			settings[c.Key] = c.MaybeValue()
		}
		l, ok = config.LimitsOf(settings), true
	}
	return l, ok
}

// expires reports, once for each topic, that it may delete a record at once.
func (o *outputs) expires(topic string, stamp, now time.Time) (config.TopicLimits, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	l, ok := o.limits[topic]
	if !ok || o.told[topic] || !l.Expired(stamp, now) {
		return l, false
	}
	if o.told == nil {
		o.told = make(map[string]bool)
	}
	o.told[topic] = true
	return l, true
}

// batch is the largest batch that a topic takes, as far as that is known: else
// the brokers' default. The client asks for it when it first writes to a topic.
func (o *outputs) batch(topic string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n := o.limits[topic].MaxMessageBytes; n > 0 {
		return int(min(max(n, leastBatch), mostBatch))
	}
	return defaultBatch
}

// separate has records of a topic written one by one for some time. It has
// refused a batch, and it is not known for which record, or whether they were too
// many. It reports whether that is new.
func (o *outputs) separate(topic string, now time.Time) bool {
	if o.alone(topic, now) {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.singly == nil {
		o.singly = make(map[string]time.Time)
	}
	o.singly[topic] = now.Add(maxHold)
	return true
}

// alone reports whether each record of a topic has a batch for itself.
func (o *outputs) alone(topic string, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return now.Before(o.singly[topic])
}

// The client takes limits in this range.
const (
	leastBatch = 512
	mostBatch  = 64 << 20
)

// checkOutput looks at a topic that has refused records: it makes it if it is
// gone, and reads the size of the largest batch that it takes.
func (w *Worker) checkOutput(ctx context.Context, src *source, topic string) error {
	var err error
	switch topic {
	case src.topic: // its offsets were refused: there is nothing to look at
		return nil
	case src.partials:
		err = w.brokers.EnsurePartials(ctx, topic)
	default:
		err = w.ensureAggregated(ctx, topic, src.job.Aggregation)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, brokers.AdminTimeout)
	defer cancel()
	found, err := w.brokers.Admin.ListTopics(ctx, topic)
	if err != nil {
		return fmt.Errorf("look at topic %s: %w", topic, err)
	}
	for _, p := range found[topic].Partitions.Sorted() {
		if p.Err != nil || p.Leader < 0 {
			return fmt.Errorf("%w: partition %d has no leader", errUnacknowledged, p.Partition)
		}
	}
	return nil
}

// recordBytes is what a record takes in a batch of its own, at most.
func recordBytes(r *kgo.Record) int {
	return batchOverhead + len(r.Key) + len(r.Value) + size(r.Headers)
}
