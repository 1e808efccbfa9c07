package worker

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/assignment"
	"github.com/lsst-sqre/kafka-aggregator/internal/brokers"
)

// advisor answers what the balancer asks of topics, if this member leads the group.
type advisor struct {
	w       *Worker
	cl      *kgo.Client
	helpers *helpers
	shares  *shares
}

// backlog guesses the loads of topics that nobody has measured, by partition:
// after a start of the whole group, what lies before it tells most of what
// there is to do. It is nil if the brokers do not say.
func (a *advisor) backlog(topics []string) map[string]map[int32]float64 {
	ctx, cancel := context.WithTimeout(a.helpers.ctx, brokers.LeadersTimeout) // the whole group waits
	defer cancel()
	committed, err := a.w.brokers.Admin.FetchOffsets(ctx, a.w.cfg.Worker.Group)
	var all brokers.Bounds
	if err == nil {
		all, err = a.w.brokers.BoundsOf(ctx, brokers.AllRecords, topics...)
	}
	if err != nil {
		a.w.log.Warn("topics that nobody has measured count as equal: what lies in them is not known", "err", err)
		return nil
	}
	loads := map[string]map[int32]float64{}
	for topic, parts := range all {
		for id, b := range parts {
			at := b.Start
			if o, ok := committed.Lookup(topic, id); ok {
				at = max(at, o.At)
			}
			if b.Err != nil || b.End <= at {
				continue
			}
			if loads[topic] == nil {
				loads[topic] = map[int32]float64{}
			}
			loads[topic][id] = assignment.BacklogOfRecords(b.End - at)
		}
	}
	return loads
}

// partialsOf is the topic with the partials of a source topic.
func (a *advisor) partialsOf(topic string) string {
	c, _ := a.w.selection.selector.Select(topic)
	return c.PartialsTopic
}

// maxWorkers is the balancer's question among how many members a topic may be
// shared out.
func (a *advisor) maxWorkers(topic string) int {
	c, ok := a.w.selection.selector.Select(topic)
	if !ok || a.w.opts.StopAtEnd {
		return 1
	}
	return c.Aggregation.MaxWorkers
}

// canSplit is the balancer's question whether a topic can be shared out now. The
// topic for its partials has to be there, or to be made; and it must be known
// of all partitions what is final, or of none: a record of one that was never
// committed could else get into a window that is out.
func (a *advisor) canSplit(topic string) bool {
	c, ok := a.w.selection.selector.Select(topic)
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(a.helpers.ctx, brokers.AdminTimeout)
	defer cancel()
	if !a.w.cfg.Worker.CreateTopics {
		found, err := a.w.brokers.Admin.ListTopics(ctx, c.PartialsTopic)
		if err != nil || found[c.PartialsTopic].Err != nil {
			a.w.log.Warn("topic is not split: the topic for its partials does not exist and worker.create_topics is false", "topic", topic, "partials_topic", c.PartialsTopic, "err", err)
			return false
		}
	}
	// The whole group waits for the answer; so not also for offsets of a
	// transaction that a frozen worker has left open. Whoever is given a
	// partition that was never committed asks again, and waits.
	offsets, err := a.w.brokers.Admin.FetchOffsets(ctx, a.w.cfg.Worker.Group)
	if err == nil {
		err = offsets.Error()
	}
	if err != nil {
		a.w.log.Warn("topic is not split: its offsets are not known", "topic", topic, "err", err)
		return false
	}
	listed, err := a.w.brokers.Admin.ListTopics(ctx, topic)
	if err != nil || !brokers.PartlyCommitted(offsets, topic, len(listed[topic].Partitions)) {
		return err == nil
	}
	// The worker that gets the whole topic commits all its partitions.
	if !a.shares.asking.Swap(true) {
		a.helpers.Go(func() {
			select {
			case <-time.After(2 * quietCommit):
				a.shares.asking.Store(false)
				a.cl.ForceRebalance()
			case <-a.helpers.ctx.Done():
			}
		})
	}
	return false
}
