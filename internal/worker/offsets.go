package worker

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
)

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
	case s.generations.Behind(generation):
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

// commitTxnOffsets adds the offsets to the transaction under the member id
// that the partitions were assigned to, and the generation that it has now.
// The broker refuses them if the member is not in the group, which is what
// fences a worker that was taken for dead. That the partitions are still this
// member's if it is in the group follows from the cooperative protocol: they
// are given to another one only after this client has run the callback that
// drops them, and that waits for the end of the turn; or in a generation that
// it was too late for, which membership tells.
func (s *session) commitTxnOffsets(id int64, epoch int16, offsets []offset) error {
	if s.w.txnVersion < 2 {
		if err := s.addOffsetsToTxn(id, epoch); err != nil {
			return err
		}
	}
	return s.inPieces(offsets, func(piece []offset) error {
		return s.retry("commit offsets in transaction", func() error {
			req := kmsg.NewPtrTxnOffsetCommitRequest()
			req.TransactionalID, req.Group, req.ProducerID, req.ProducerEpoch = s.txnID, s.w.cfg.Worker.Group, id, epoch
			var err error
			if req.MemberID, req.Generation, err = s.membership(); err != nil {
				return err
			}
			req.InstanceID = s.instanceID
			for i, o := range piece {
				if i == 0 || o.source != piece[i-1].source {
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

// commitPlain commits outside of a transaction. What the coordinator does not
// take of one topic does not concern the others; it is tried again when their
// offsets are committed next.
func (s *session) commitPlain(offsets []offset) error {
	refused := map[string]error{} // by topic
	err := s.inPieces(offsets, func(piece []offset) error {
		return s.retry("commit offsets", func() error {
			req := kmsg.NewPtrOffsetCommitRequest()
			req.Group = s.w.cfg.Worker.Group
			var err error
			if req.MemberID, req.Generation, err = s.membership(); err != nil {
				return err
			}
			req.InstanceID = s.instanceID
			for i, o := range piece {
				if i == 0 || o.source != piece[i-1].source {
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
					err := refusedOffset(t.Topic, rp.Partition, rp.ErrorCode)
					switch {
					case err == nil:
					case ofPartition(err) && !(errors.Is(err, kerr.InvalidCommitOffsetSize) && len(piece) > 1):
						refused[t.Topic] = err
					default:
						return err
					}
				}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	s.settle(slices.DeleteFunc(slices.Clone(offsets), func(o offset) bool { return refused[o.source.topic] != nil }))
	for _, o := range offsets {
		if err := refused[o.source.topic]; err != nil {
			o.source.problems.set(causeOffsets, "the group's offsets are not taken: "+err.Error())
		} else {
			o.source.problems.clear(causeOffsets)
		}
	}
	return nil
}

// The coordinator writes the offsets of one request as one batch of its topic,
// a record for each partition, and refuses a batch that is larger than a batch
// may be. A request is kept well below the brokers' default of that, 1 MB.
const (
	maxOffsetsBytes = 400 << 10
	// offsetBytes is what a record has beside the names and the metadata.
	offsetBytes = 80
)

// inPieces commits offsets in requests that are not too large for the
// coordinator. If one is nevertheless, they get smaller.
func (s *session) inPieces(offsets []offset, commit func([]offset) error) error {
	for len(offsets) > 0 {
		n, size := 0, 0
		for ; n < len(offsets); n++ {
			o := &offsets[n]
			size += offsetBytes + len(s.w.cfg.Worker.Group) + len(o.source.topic) + len(o.meta)
			if size > s.w.offsetsLimit && n > 0 {
				break
			}
		}
		err := commit(offsets[:n])
		switch {
		case errors.Is(err, kerr.InvalidCommitOffsetSize) && n > 1:
			s.w.offsetsLimit = min(s.w.offsetsLimit, size) / 2
			s.w.log.Info("the brokers take fewer offsets at once", "bytes", s.w.offsetsLimit)
		case err != nil:
			return err
		default:
			offsets = offsets[n:]
		}
	}
	return nil
}

// offsetError: the coordinator does not take the offset of a partition.
type offsetError struct {
	topic     string
	partition int32
	err       error
}

func (e *offsetError) Error() string { return fmt.Sprintf("%s/%d: %v", e.topic, e.partition, e.err) }
func (e *offsetError) Unwrap() error { return e.err }

// refusedOffset is what the coordinator says of a partition's offset.
func refusedOffset(topic string, partition int32, code int16) error {
	if err := kerr.ErrorForCode(code); err != nil {
		return &offsetError{topic, partition, err}
	}
	return nil
}

// ofPartition reports whether an error says something about the partition or
// its topic, rather than about the group or the coordinator.
func ofPartition(err error) bool {
	for _, e := range []error{kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.TopicAuthorizationFailed, kerr.OffsetMetadataTooLarge, kerr.InvalidCommitOffsetSize} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// retry repeats a request to a coordinator that is moving, loading or still
// busy with the transaction before. A group that is rebalancing has a new
// generation in a moment, under which the same offsets are as good. That there
// is no such topic may be old news of a coordinator, but not for long.
func (s *session) retry(what string, do func() error) error {
	begin := time.Now()
	deadline := begin.Add(s.w.cfg.Worker.TransactionTimeout / 2)
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		err := do()
		if err == nil {
			return nil
		}
		again := false
		for _, e := range []error{
			kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator,
			kerr.RequestTimedOut, kerr.RebalanceInProgress, kerr.IllegalGeneration, kerr.NetworkException,
		} {
			again = again || errors.Is(err, e)
		}
		again = again || errors.Is(err, kerr.UnknownTopicOrPartition) && time.Since(begin) < time.Second
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
