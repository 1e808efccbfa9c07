package worker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/brokers"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// abandoned transactions are open ones of workers that are gone: they were frozen or
// killed in the middle of one. Until a transaction is over, nobody can read on in its
// partitions, nor read what comes behind it in the topics it has written to, and the
// brokers by themselves end it up to ten seconds after its timeout.
type abandoned struct {
	w       *Worker
	cl      *kgo.Client // of the session
	txnID   string      // of this worker
	helpers *helpers
}

// openFor is for how long a transaction must not have ended. Those of this
// program take some ten milliseconds.
const openFor = 250 * time.Millisecond

// unless has those ended of workers that are not among the members any more. The
// leader of the group calls it with each assignment. A worker that is alive after all starts
// again from what is committed.
func (a *abandoned) unless(members []string) {
	a.seek(func(context.Context) ([]string, error) { return members, nil })
}

// once looks for such transactions once in the life of a worker: a leader
// may end before it has found them, and if it comes back soon enough, nobody is
// told that somebody was away.
func (a *abandoned) once() {
	for {
		if _, generation := a.cl.GroupMetadata(); generation >= 0 {
			break
		}
		select {
		case <-time.After(openFor):
		case <-a.helpers.ctx.Done():
			return
		}
	}
	a.seek(a.w.brokers.Members)
}

func (a *abandoned) seek(members func(context.Context) ([]string, error)) {
	if a.w.cfg.Worker.Delivery != config.ExactlyOnce || a.helpers.ctx.Err() != nil {
		return
	}
	a.helpers.Go(func() {
		ctx, cancel := context.WithTimeout(a.helpers.ctx, brokers.AdminTimeout)
		defer cancel()
		if err := a.end(ctx, members); err == nil {
			a.w.sought.Store(true)
		} else if a.helpers.ctx.Err() == nil {
			a.w.log.Debug("ending transactions of workers that are gone failed", "err", err)
		}
	})
}

func (a *abandoned) end(ctx context.Context, ask func(context.Context) ([]string, error)) error {
	before, err := a.openTransactions(ctx)
	if err != nil || len(before) == 0 {
		return err
	}
	select {
	case <-time.After(openFor):
	case <-ctx.Done():
		return ctx.Err()
	}
	now, err := a.openTransactions(ctx)
	if err != nil {
		return err
	}
	maps.DeleteFunc(now, func(id string, t kadm.DescribedTransaction) bool {
		b, ok := before[id]
		return !ok || b.ProducerEpoch != t.ProducerEpoch || b.StartTimestamp != t.StartTimestamp
	})
	if len(now) == 0 {
		return nil
	}
	members, err := ask(ctx)
	if err != nil {
		return fmt.Errorf("members of the group: %w", err)
	}
	if slices.Contains(members, "") {
		return nil // of a member without an id of its own it is not known which transaction is its
	}
	for id := range now {
		if slices.Contains(members, id) {
			continue
		}
		a.w.log.Info("ending the open transaction of a worker that is gone", "transactional_id", id)
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionalID, req.TransactionTimeoutMillis = &id, int32(a.w.cfg.Worker.TransactionTimeout.Milliseconds())
		resp, err := req.RequestWith(ctx, a.w.brokers.Client)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if err != nil && !errors.Is(err, kerr.ConcurrentTransactions) { // this says that its end has begun
			return fmt.Errorf("transaction of %s: %w", id, err)
		}
	}
	return nil
}

// openTransactions finds those that other workers of this group have open.
func (a *abandoned) openTransactions(ctx context.Context) (kadm.DescribedTransactions, error) {
	list, err := a.w.brokers.Admin.ListTransactions(ctx, nil, []string{"Ongoing"})
	if err != nil {
		return nil, fmt.Errorf("list transactions: %w", err)
	}
	var ids []string
	for id, t := range list {
		if t.State == "Ongoing" && strings.HasPrefix(id, a.w.cfg.Worker.Group+"-") && id != a.txnID {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	all, err := a.w.brokers.Admin.DescribeTransactions(ctx, ids...)
	if err != nil {
		return nil, fmt.Errorf("describe transactions: %w", err)
	}
	// The id may also be one of a group whose name begins like this one'a. What
	// it has written to tells, and if it has done no more than commit offsets,
	// whether there is such a group.
	var groups []string
	for id, t := range all {
		if t.Err != nil || t.State != "Ongoing" {
			delete(all, id)
			continue
		}
		topics := slices.DeleteFunc(t.Topics.Topics(), func(topic string) bool { return topic == offsetsTopic })
		ours := slices.ContainsFunc(topics, a.w.writes)
		if len(topics) == 0 {
			if groups == nil {
				listed, err := a.w.brokers.Admin.ListGroups(ctx)
				if err != nil {
					return nil, fmt.Errorf("list groups: %w", err)
				}
				groups = append(listed.Groups(), "")
			}
			ours = !slices.ContainsFunc(groups, func(g string) bool {
				return len(g) > len(a.w.cfg.Worker.Group) && strings.HasPrefix(id, g+"-")
			})
		}
		if !ours {
			delete(all, id)
		}
	}
	return all, nil
}

// offsetsTopic is where brokers keep the offsets of groups.
const offsetsTopic = "__consumer_offsets"

// writes reports whether a topic is one that this group writes to.
func (w *Worker) writes(topic string) bool {
	return w.selection.selector.Aggregated(topic) || topic == w.cfg.DeadLetterTopic || strings.HasPrefix(topic, w.cfg.Worker.Group+"-partials-") ||
		slices.ContainsFunc(w.cfg.Aggregations, func(a config.Aggregation) bool { return topic == a.Late.Topic })
}
