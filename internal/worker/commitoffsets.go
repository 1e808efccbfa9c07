package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// commitTxnOffsets adds the offsets to the transaction under the member id
// that the partitions were assigned to, and the generation that it has now.
// The broker refuses them if the member is not in the group, which is what
// fences a worker that was taken for dead. That the partitions are still this
// member's if it is in the group follows from the cooperative protocol: they
// are given to another one only after this client has run the callback that
// drops them, and that waits for the end of the iteration; or in a generation that
// it was too late for, which membership tells.
func (c *committer) commitTxnOffsets(id int64, epoch int16, offsets []offset) error {
	if c.w.txnVersion < 2 {
		if err := c.addOffsetsToTxn(id, epoch); err != nil {
			return err
		}
	}
	return c.inPieces(offsets, func(piece []offset) error {
		return c.retry("commit offsets in transaction", func() error {
			req := kmsg.NewPtrTxnOffsetCommitRequest()
			req.TransactionalID, req.Group, req.ProducerID, req.ProducerEpoch = c.txnID, c.w.cfg.Worker.Group, id, epoch
			var err error
			if req.MemberID, req.Generation, err = c.member.current(); err != nil {
				return err
			}
			req.InstanceID = c.member.instance
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
			resp, err := req.RequestWith(c.hard, c.cl)
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
func (c *committer) addOffsetsToTxn(id int64, epoch int16) error {
	return c.retry("add offsets to transaction", func() error {
		req := kmsg.NewPtrAddOffsetsToTxnRequest()
		req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = c.txnID, id, epoch, c.w.cfg.Worker.Group
		resp, err := req.RequestWith(c.hard, c.cl)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(resp.ErrorCode)
	})
}

// plain commits outside of a transaction. What the coordinator does not
// take of one topic does not concern the others; it is tried again when their
// offsets are committed next.
func (c *committer) plain(offsets []offset) (refused map[string]error, err error) {
	refused = map[string]error{} // by topic
	err = c.inPieces(offsets, func(piece []offset) error {
		return c.retry("commit offsets", func() error {
			req := kmsg.NewPtrOffsetCommitRequest()
			req.Group = c.w.cfg.Worker.Group
			var err error
			if req.MemberID, req.Generation, err = c.member.current(); err != nil {
				return err
			}
			req.InstanceID = c.member.instance
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
			resp, err := req.RequestWith(c.hard, c.cl)
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
	return refused, err
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
func (c *committer) inPieces(offsets []offset, commit func([]offset) error) error {
	for len(offsets) > 0 {
		n, size := 0, 0
		for ; n < len(offsets); n++ {
			o := &offsets[n]
			size += offsetBytes + len(c.w.cfg.Worker.Group) + len(o.source.topic) + len(o.meta)
			if size > c.w.offsetsLimit && n > 0 {
				break
			}
		}
		err := commit(offsets[:n])
		switch {
		case errors.Is(err, kerr.InvalidCommitOffsetSize) && n > 1:
			c.w.offsetsLimit = min(c.w.offsetsLimit, size) / 2
			c.w.log.Info("the brokers take fewer offsets at once", "bytes", c.w.offsetsLimit)
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
func (c *committer) retry(what string, do func() error) error {
	begin := time.Now()
	deadline := begin.Add(c.w.cfg.Worker.TransactionTimeout / 2)
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
		case <-c.hard.Done():
			return fmt.Errorf("%s: %w", what, c.hard.Err())
		}
	}
}
