package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// orphanAge is for how long a transaction must not have ended. Those of this
// program take some ten milliseconds.
const orphanAge = 250 * time.Millisecond

// orphans has the open transactions ended of workers that are not among the
// members any more: they were frozen or killed in the middle of one. Until a
// transaction is over, nobody can read on in its partitions, nor read what
// comes behind it in the topics it has written to, and the brokers by
// themselves end it up to ten seconds after its timeout. The leader of the
// group calls it with each assignment. A worker that is alive after all starts
// again from what is committed.
func (s *session) orphans(members []string) {
	if s.w.cfg.Worker.Delivery != config.ExactlyOnce || slices.Contains(members, "") {
		return // of a member without an id of its own it is not known which transaction is its
	}
	s.helpers.Go(func() {
		if err := s.endOrphans(members); err != nil && s.ctx.Err() == nil {
			s.w.log.Debug("ending transactions of workers that are gone failed", "err", err)
		}
	})
}

func (s *session) endOrphans(members []string) error {
	ctx, cancel := context.WithTimeout(s.ctx, adminTimeout)
	defer cancel()
	before, err := s.open(ctx, members)
	if err != nil || len(before) == 0 {
		return err
	}
	select {
	case <-time.After(orphanAge):
	case <-ctx.Done():
		return ctx.Err()
	}
	now, err := s.open(ctx, members)
	if err != nil {
		return err
	}
	for id, t := range now {
		if b, ok := before[id]; !ok || b.ProducerEpoch != t.ProducerEpoch || b.StartTimestamp != t.StartTimestamp {
			continue
		}
		s.w.log.Info("ending the open transaction of a worker that is gone", "transactional_id", id)
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionalID, req.TransactionTimeoutMillis = &id, int32(s.w.cfg.Worker.TransactionTimeout.Milliseconds())
		resp, err := req.RequestWith(ctx, s.w.cl)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if err != nil && !errors.Is(err, kerr.ConcurrentTransactions) { // this says that its end has begun
			return fmt.Errorf("transaction of %s: %w", id, err)
		}
	}
	return nil
}

// open finds open transactions by workers of this group that are not members.
func (s *session) open(ctx context.Context, members []string) (kadm.DescribedTransactions, error) {
	list, err := s.w.adm.ListTransactions(ctx, nil, []string{"Ongoing"})
	if err != nil {
		return nil, fmt.Errorf("list transactions: %w", err)
	}
	var ids []string
	for id, t := range list {
		if t.State == "Ongoing" && strings.HasPrefix(id, s.w.cfg.Worker.Group+"-") && id != s.txnID && !slices.Contains(members, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	all, err := s.w.adm.DescribeTransactions(ctx, ids...)
	if err != nil {
		return nil, fmt.Errorf("describe transactions: %w", err)
	}
	for id, t := range all {
		// The id may also be one of a group whose name begins like this one's.
		if t.Err != nil || t.State != "Ongoing" || !slices.ContainsFunc(t.Topics.Topics(), s.w.writes) {
			delete(all, id)
		}
	}
	return all, nil
}

// writes reports whether a topic is one that this group writes to.
func (w *Worker) writes(topic string) bool {
	return w.selector.Aggregated(topic) || topic == w.cfg.DeadLetterTopic || strings.HasPrefix(topic, w.cfg.Worker.Group+"-partials-") ||
		slices.ContainsFunc(w.cfg.Aggregations, func(a config.Aggregation) bool { return topic == a.Late.Topic })
}
