package worker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
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
// was written to, rather than about the producer, its transaction or brokers as
// a whole. What is not known is taken for the topic's: nothing else goes on before
// it is known that the transaction is over.
func ofTopic(err error) bool {
	switch {
	case errors.Is(err, errUnacknowledged), errors.Is(err, errTooLarge):
		return true
	case !errors.As(err, new(*kerr.Error)):
		return false // the network, the client or its context
	}
	for _, e := range []error{
		kerr.InvalidProducerEpoch, kerr.ProducerFenced, kerr.InvalidProducerIDMapping, kerr.UnknownProducerID, kerr.OutOfOrderSequenceNumber, kerr.DuplicateSequenceNumber,
		kerr.InvalidTxnState, kerr.TransactionAbortable, kerr.ConcurrentTransactions, kerr.TransactionCoordinatorFenced, kerr.TransactionalIDAuthorizationFailed,
		kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator,
		kerr.ClusterAuthorizationFailed, kerr.SaslAuthenticationFailed, kerr.NetworkException, kerr.UnsupportedVersion,
	} {
		if errors.Is(err, e) {
			return false
		}
	}
	return true
}

// limits are the largest batches that topics take, as far as the worker had
// reason to ask. The client looks them up when it first writes to a topic.
type limits struct {
	mu sync.Mutex
	of map[string]int
}

// get is the limit of a topic, the brokers' default if it is not known.
func (l *limits) get(topic string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, ok := l.of[topic]; ok {
		return n
	}
	return defaultBatch
}

// set notes a limit. It reports whether that is news.
func (l *limits) set(topic string, limit int) bool {
	was := l.get(topic)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = map[string]int{}
	}
	l.of[topic] = limit
	return was != limit
}

// The client takes limits in this range.
const (
	leastBatch = 512
	mostBatch  = 64 << 20
)

// checkOutput looks at a topic that has refused records: it makes it if it is
// gone, and reads the size of the largest batch that it takes.
func (w *Worker) checkOutput(ctx context.Context, src *source, topic string) (limit int, err error) {
	switch topic {
	case src.topic: // its offsets were refused: there is nothing to look at
		return w.limits.get(topic), nil
	case src.partials:
		err = w.ensurePartials(ctx, topic)
	default:
		err = w.ensureTopic(ctx, topic, src.job.Partitions)
	}
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	found, err := w.adm.ListTopics(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("look at topic %s: %w", topic, err)
	}
	for _, p := range found[topic].Partitions.Sorted() {
		if p.Err != nil || p.Leader < 0 {
			return 0, fmt.Errorf("%w: partition %d has no leader", errUnacknowledged, p.Partition)
		}
	}
	configs, err := w.adm.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("get the settings of topic %s: %w", topic, err)
	}
	return maxMessageBytes(configs, topic), nil
}

// maxMessageBytes is the largest batch that a topic takes by its settings; where
// these may not be seen, the brokers' default.
func maxMessageBytes(configs kadm.ResourceConfigs, topic string) int {
	for _, c := range configs {
		if c.Name != topic || c.Err != nil {
			continue
		}
		for _, s := range c.Configs {
			if n, err := strconv.Atoi(s.MaybeValue()); s.Key == "max.message.bytes" && err == nil {
				return min(max(n, leastBatch), mostBatch)
			}
		}
	}
	return defaultBatch
}

// recordBytes is what a record takes in a batch of its own, at most.
func recordBytes(r *kgo.Record) int {
	return batchOverhead + len(r.Key) + len(r.Value) + size(r.Headers)
}
