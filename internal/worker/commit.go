package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
)

// errAborted: a transaction was not committed. The state that it came from
// must be dropped.
var errAborted = errors.New("the transaction was not committed")

// errRemoved: the group took this member for dead and gave its partitions to
// others. The client may be a member again by now, under another id. It does
// not always say that the partitions were lost: if the loop was stuck in the
// middle of a rebalance and then adds topics, the client takes this for the
// reason to join again, and does as if it still had them.
var errRemoved = errors.New("the group took this worker for dead")

// errBehind: the group formed a generation without this member, because it was
// too slow to join, and may have given its partitions to others in it.
var errBehind = errors.New("the group went on without this worker, which was too slow to join")

// membership is what a commit says of who makes it. It is an error if this is
// another member than the one that the partitions were assigned to, or if they
// may have been another's since.
func (s *session) membership() (member string, generation int32, err error) {
	member, generation = s.cl.GroupMetadata()
	switch {
	case brokenMember:
	case member != s.member:
		err = errRemoved
	case s.generations.behind(generation):
		err = errBehind
	}
	return member, generation, err
}

// offset is what a commit says of a partition. Those of a topic follow each
// other.
type offset struct {
	*part
	low   int64
	epoch int32
	meta  string
}

// low collects the offsets of all partitions of the sources, whether they
// moved or not: by them the broker can tell a member of the group that may
// emit from one that was removed.
func (s *session) low(ss []*source, movedOnly bool) (out []offset) {
	for _, src := range ss {
		for _, p := range src.sorted() {
			if movedOnly && !p.moved || !p.settled() {
				continue
			}
			p.Check()
			low, epoch, c := p.Low()
			if brokenHead {
				low = c.Head
			}
			if invariants.Enabled {
				p.verifyLow(low)
			}
			c.Cluster, c.TopicID = s.cluster, src.topicID
			out = append(out, offset{p, low, epoch, c.Encode()})
		}
	}
	return out
}

// deliver writes what is pending of the sources together with their offsets.
// After an error the session is over: whether the transaction took effect or
// not, the truth is with the brokers.
func (s *session) deliver(ss []*source) error {
	start := time.Now()
	if invariants.Enabled {
		s.verifyPending()
	}
	if err := s.ship(ss, start); err != nil {
		return err
	}
	o := s.low(ss, false)
	var err error
	if s.w.cfg.Worker.Delivery == config.ExactlyOnce {
		err = s.transact(ss, o)
	} else {
		if err = s.produce(ss); err == nil {
			err = s.commitOffsets(o)
		}
	}
	if err != nil {
		s.w.aborts.Add(1)
		return err
	}
	now := time.Now()
	s.w.commitDuration.observe(now.Sub(start))
	s.w.commits.Add(1)
	for _, src := range ss {
		for _, due := range src.due {
			s.w.resultLatency.observe(max(0, now.Sub(due)))
		}
		s.w.total(src.topic).windows += int64(src.windows)
		s.pendingRecords -= len(src.pending)
		clear(src.pending)
		src.pending, src.due, src.windows = src.pending[:0], src.due[:0], 0
		s.delivered(src)
	}
	s.pendingBytes = 0
	s.settle(o)
	return nil
}

// settle notes that offsets are committed.
func (s *session) settle(offsets []offset) {
	for _, o := range offsets {
		s.w.total(o.source.topic).add(&o.Counts, &o.committed)
		o.committed, o.offset, o.moved, o.fresh = o.Counts, o.low, false, false
		if invariants.Enabled && o.verdicts != nil {
			o.verdicts.Committed(o.low)
		}
	}
}

// transact is one transaction: begin, produce, commit the offsets, end, in
// one burst, so that none is ever open while the worker waits for records.
func (s *session) transact(ss []*source, o []offset) error {
	if err := s.cl.BeginTransaction(); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	err := s.produce(ss)
	if err == nil {
		err = s.commitTxnOffsets(o)
	}
	if err == nil {
		err = s.awaitLoaded(ss)
	}
	if err != nil {
		// Best effort: if this fails too, the next session's InitProducerId
		// or the broker's timeout aborts the transaction.
		ctx, cancel := context.WithTimeout(s.hard, abortTimeout)
		defer cancel()
		abortErr := s.cl.EndTransaction(ctx, kgo.TryAbort)
		return errors.Join(fmt.Errorf("%w: %w", errAborted, err), abortErr)
	}
	if err := s.cl.EndTransaction(s.hard, kgo.TryCommit); err != nil {
		return fmt.Errorf("end transaction: outcome unknown: %w", err)
	}
	return nil
}

// produce writes the pending records and waits until all are acknowledged.
func (s *session) produce(ss []*source) error {
	var refused refusal
	prom := kgo.AbortingFirstErrPromise(s.cl)
	for _, src := range ss {
		for _, r := range slices.Concat(src.pending, src.frames) {
			done := prom.Promise() // one for each record: they are counted
			s.cl.Produce(s.hard, r, func(r *kgo.Record, err error) {
				refused.note(r, err)
				done(r, err)
			})
		}
	}
	if err := s.flush(); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	if err := prom.Err(); err != nil && !brokenProduce {
		return fmt.Errorf("produce: %w", cmp.Or(refused.err(), err))
	}
	return nil
}

// flush waits until all records are acknowledged, or given up after the time
// of a transaction.
func (s *session) flush() error {
	deadline := time.Now().Add(s.w.cfg.Worker.TransactionTimeout)
	for {
		ctx, cancel := context.WithTimeout(s.hard, time.Second)
		err := s.cl.Flush(ctx)
		cancel()
		switch {
		case err == nil:
			return nil
		case s.hard.Err() != nil || time.Now().After(deadline):
			// The records must be out of the client before a transaction can
			// be aborted or the client closed.
			ctx, cancel := context.WithTimeout(s.hard, abortTimeout)
			defer cancel()
			return errors.Join(fmt.Errorf("not acknowledged within %s: %w", s.w.cfg.Worker.TransactionTimeout, err), s.cl.AbortBufferedRecords(ctx))
		}
		s.w.beat(time.Now())
		s.w.setState("running", "waiting for brokers to acknowledge records")
	}
}

// commitTxnOffsets adds the offsets to the transaction under the member id
// that the partitions were assigned to, and the generation that it has now.
// The broker refuses them if the member is not in the group, which is what
// fences a worker that was taken for dead. That the partitions are still this
// member's if it is in the group follows from the cooperative protocol: they
// are given to another one only after this client has run the callback that
// drops them, and that waits for the end of the turn; or in a generation that
// it was too late for, which membership tells.
func (s *session) commitTxnOffsets(offsets []offset) error {
	id, epoch, err := s.cl.ProducerID(s.hard)
	if err != nil {
		return fmt.Errorf("producer id: %w", err)
	}
	if s.w.txnVersion < 2 {
		if err := s.addOffsetsToTxn(id, epoch); err != nil {
			return err
		}
	}
	return s.retry("commit offsets in transaction", func() error {
		req := kmsg.NewPtrTxnOffsetCommitRequest()
		req.TransactionalID, req.Group, req.ProducerID, req.ProducerEpoch = s.txnID, s.w.cfg.Worker.Group, id, epoch
		var err error
		if req.MemberID, req.Generation, err = s.membership(); err != nil {
			return err
		}
		req.InstanceID = s.instanceID
		for i, o := range offsets {
			if i == 0 || o.source != offsets[i-1].source {
				t := kmsg.NewTxnOffsetCommitRequestTopic()
				t.Topic = o.source.topic
				req.Topics = append(req.Topics, t)
			}
			rp := kmsg.NewTxnOffsetCommitRequestTopicPartition()
			rp.Partition, rp.Offset, rp.LeaderEpoch, rp.Metadata = o.id, o.low, o.epoch, &o.meta
			t := &req.Topics[len(req.Topics)-1]
			t.Partitions = append(t.Partitions, rp)
		}
		resp, err := req.RequestWith(s.hard, s.cl)
		if err != nil {
			return err
		}
		for _, t := range resp.Topics {
			for _, rp := range t.Partitions {
				if err := refusedOffset(t.Topic, rp.Partition, rp.ErrorCode); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// addOffsetsToTxn is needed on clusters whose transaction.version is below 2.
func (s *session) addOffsetsToTxn(id int64, epoch int16) error {
	return s.retry("add offsets to transaction", func() error {
		req := kmsg.NewPtrAddOffsetsToTxnRequest()
		req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = s.txnID, id, epoch, s.w.cfg.Worker.Group
		resp, err := req.RequestWith(s.hard, s.cl)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(resp.ErrorCode)
	})
}

// commitOffsets commits outside of a transaction.
func (s *session) commitOffsets(offsets []offset) error {
	if len(offsets) == 0 {
		return nil
	}
	return s.retry("commit offsets", func() error {
		req := kmsg.NewPtrOffsetCommitRequest()
		req.Group = s.w.cfg.Worker.Group
		var err error
		if req.MemberID, req.Generation, err = s.membership(); err != nil {
			return err
		}
		req.InstanceID = s.instanceID
		for i, o := range offsets {
			if i == 0 || o.source != offsets[i-1].source {
				t := kmsg.NewOffsetCommitRequestTopic()
				t.Topic = o.source.topic
				req.Topics = append(req.Topics, t)
			}
			rp := kmsg.NewOffsetCommitRequestTopicPartition()
			rp.Partition, rp.Offset, rp.LeaderEpoch, rp.Metadata = o.id, o.low, o.epoch, &o.meta
			t := &req.Topics[len(req.Topics)-1]
			t.Partitions = append(t.Partitions, rp)
		}
		resp, err := req.RequestWith(s.hard, s.cl)
		if err != nil {
			return err
		}
		for _, t := range resp.Topics {
			for _, rp := range t.Partitions {
				if err := refusedOffset(t.Topic, rp.Partition, rp.ErrorCode); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// refusedOffset is what the coordinator says of a partition's offset.
func refusedOffset(topic string, partition int32, code int16) error {
	if err := kerr.ErrorForCode(code); err != nil {
		return fmt.Errorf("%s/%d: %w", topic, partition, err)
	}
	return nil
}

// retry repeats a request to a coordinator that is moving, loading or still
// busy with the transaction before. A group that is rebalancing has a new
// generation in a moment, under which the same offsets are as good.
func (s *session) retry(what string, do func() error) error {
	deadline := time.Now().Add(s.w.cfg.Worker.TransactionTimeout / 2)
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		err := do()
		if err == nil {
			return nil
		}
		again := false
		for _, e := range []error{
			kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator,
			kerr.RequestTimedOut, kerr.RebalanceInProgress, kerr.IllegalGeneration, kerr.UnknownTopicOrPartition, kerr.NetworkException,
		} {
			again = again || errors.Is(err, e)
		}
		if !again || time.Now().Add(wait).After(deadline) {
			return fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-time.After(wait):
		case <-s.hard.Done():
			return fmt.Errorf("%s: %w", what, s.hard.Err())
		}
	}
}
