//go:build synctests

package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fault is something that goes wrong at a time.
type fault struct {
	at     time.Duration
	what   string
	worker int           // index into plan.workers
	broker int           // index of a broker
	length time.Duration // how long it takes, or until a killed worker starts again
	key    kmsg.Key      // kind of request
	err    *kerr.Error
	count  int
	topic  string // of those that concern one topic

	partition int32
}

func (f fault) String() string {
	s := fmt.Sprintf("%8.3fs %s", f.at.Seconds(), f.what)
	switch f.what {
	case "broker down", "leaders move":
		return fmt.Sprintf("%s broker %d for %v", s, f.broker, f.length)
	case "registry down", "extra worker":
		return fmt.Sprintf("%s for %v", s, f.length)
	case "registry busy":
		return fmt.Sprintf("%s for %d requests", s, f.count)
	case "error":
		return fmt.Sprintf("%s %s on %s %d times", s, f.err.Message, f.key.Name(), f.count)
	case "lose answer", "lose request":
		return fmt.Sprintf("%s of %s worker %d", s, f.key.Name(), f.worker)
	case "cut":
		return fmt.Sprintf("%s worker %d", s, f.worker)
	case "refuse":
		return fmt.Sprintf("%s records of topic %s with %s for %v, %d times (0: always)", s, f.topic, f.err.Message, f.length, f.count)
	case "gone":
		return fmt.Sprintf("%s is topic %s for %v", s, f.topic, f.length)
	case "leaderless":
		return fmt.Sprintf("%s is %s/%d for %v", s, f.topic, f.partition, f.length)
	case "limit":
		return fmt.Sprintf("%s topic %s to batches of %d bytes for %v", s, f.topic, f.count, f.length)
	case "pieces":
		return fmt.Sprintf("%s: requests with more than %d offsets are refused for %v", s, f.count, f.length)
	}
	return fmt.Sprintf("%s worker %d for %v", s, f.worker, f.length)
}

// kinds are the kinds of faults, the more important ones more often.
var kinds = []string{
	"kill", "kill", "kill", "restart", "restart", "freeze", "freeze", "stall", "stall", "cut", "lose answer", "lose answer", "lose request",
	"broker down", "error", "error", "error", "error", "error", "leaders move", "replace", "registry down", "registry busy", "extra worker",
}

// refusals are the codes that each kind of request may be answered with.
// REQUEST_TIMED_OUT to Produce, OffsetCommit and TxnOffsetCommit comes after
// the request took effect.
var refusals = []struct {
	key  kmsg.Key
	errs []*kerr.Error
}{
	{kmsg.InitProducerID, []*kerr.Error{kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.CoordinatorNotAvailable, kerr.UnknownServerError, kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.RequestTimedOut, kerr.TransactionAbortable}},
	{kmsg.Produce, []*kerr.Error{kerr.NotLeaderForPartition, kerr.UnknownServerError, kerr.MessageTooLarge, kerr.InvalidTxnState, kerr.InvalidProducerEpoch, kerr.ConcurrentTransactions, kerr.RequestTimedOut, kerr.NotEnoughReplicas, kerr.TransactionAbortable, kerr.UnknownTopicOrPartition, kerr.InvalidRecord, kerr.OutOfOrderSequenceNumber}},
	{kmsg.TxnOffsetCommit, []*kerr.Error{kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.CoordinatorNotAvailable, kerr.UnknownServerError, kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.RebalanceInProgress, kerr.InvalidProducerEpoch, kerr.InvalidTxnState, kerr.RequestTimedOut, kerr.TransactionAbortable, kerr.UnknownTopicOrPartition}},
	{kmsg.EndTxn, []*kerr.Error{kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.CoordinatorNotAvailable, kerr.UnknownServerError, kerr.InvalidProducerEpoch, kerr.ProducerFenced, kerr.InvalidTxnState, kerr.InvalidProducerIDMapping, kerr.RequestTimedOut, kerr.TransactionAbortable}},
	{kmsg.FindCoordinator, []*kerr.Error{kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.UnknownServerError}},
	{kmsg.JoinGroup, []*kerr.Error{kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.UnknownMemberID, kerr.UnknownServerError, kerr.RebalanceInProgress}},
	{kmsg.SyncGroup, []*kerr.Error{kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.RebalanceInProgress, kerr.UnknownServerError}},
	{kmsg.Heartbeat, []*kerr.Error{kerr.NotCoordinator, kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.RebalanceInProgress, kerr.UnknownServerError, kerr.FencedInstanceID}},
	{kmsg.OffsetFetch, []*kerr.Error{kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.UnstableOffsetCommit, kerr.UnknownServerError}},
	{kmsg.OffsetCommit, []*kerr.Error{kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.RebalanceInProgress, kerr.UnknownServerError, kerr.RequestTimedOut}},
	{kmsg.Fetch, []*kerr.Error{kerr.NotLeaderForPartition, kerr.UnknownServerError, kerr.OffsetOutOfRange, kerr.FencedLeaderEpoch, kerr.KafkaStorageError, kerr.UnknownTopicOrPartition}},
	{kmsg.ListOffsets, []*kerr.Error{kerr.NotLeaderForPartition, kerr.UnknownServerError, kerr.OffsetNotAvailable}},
	{kmsg.Metadata, []*kerr.Error{kerr.LeaderNotAvailable, kerr.UnknownServerError, kerr.UnknownTopicOrPartition}},
	{kmsg.CreateTopics, []*kerr.Error{kerr.NotController, kerr.RequestTimedOut, kerr.UnknownServerError}},
}

var lossy = []kmsg.Key{kmsg.EndTxn, kmsg.EndTxn, kmsg.EndTxn, kmsg.TxnOffsetCommit, kmsg.Produce, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.InitProducerID, kmsg.OffsetCommit, kmsg.LeaveGroup, kmsg.OffsetFetch, kmsg.Fetch}

func newFault(rng *rand.Rand, p *plan) fault {
	f := fault{
		at: between(rng, time.Second, p.length), what: kinds[rng.IntN(len(kinds))],
		worker: rng.IntN(len(p.workers)), broker: rng.IntN(brokers), length: between(rng, 100*time.Millisecond, 25*time.Second),
		key: lossy[rng.IntN(len(lossy))], count: 1 + rng.IntN(4),
	}
	switch {
	case rng.IntN(3) == 0:
		f.length = between(rng, 50*time.Millisecond, 2*time.Second)
	case f.what == "stall" && rng.IntN(2) == 0: // longer than a rebalance waits
		f.length = between(rng, 30*time.Second, 50*time.Second)
	}
	if f.what == "error" {
		// The transaction's own calls as often as all the others.
		r := refusals[rng.IntN(len(refusals))]
		if rng.IntN(2) == 0 {
			r = refusals[rng.IntN(4)]
		}
		f.key, f.err = r.key, r.errs[rng.IntN(len(r.errs))]
	}
	return f
}

// strike lets a fault happen. What ends later ends in a goroutine of w.ending.
func (w *world) strike(f fault) {
	w.event("fault %v", f)
	later := func(do func()) {
		w.ending.Go(func() {
			time.Sleep(f.length)
			do()
		})
	}
	s := w.slots[f.worker]
	switch f.what {
	case "kill", "restart":
		p := s.take()
		if p == nil {
			return // on its way already
		}
		if f.what == "kill" {
			p.kill()
		} else {
			p.stop()
		}
		later(func() { <-p.done; w.launch(s) })
	case "freeze":
		if p := s.peek(); p != nil {
			w.refusing(f)
			p.link.freeze()
			later(p.link.thaw)
		}
	case "stall":
		if p := s.peek(); p != nil {
			p.stall(f.length)
		}
	case "replace": // the old one is cut off from the network, and comes back
		p := s.take()
		if p == nil {
			return
		}
		w.refusing(f)
		p.link.freeze()
		w.launch(s)
		later(p.link.thaw)
		w.ending.Go(func() {
			time.Sleep(f.length + 30*time.Second)
			p.stop()
			<-p.done
		})
	case "extra worker":
		p := w.start(fmt.Sprintf("x%d", w.extra.Add(1)), "")
		later(func() {
			if f.count%2 == 0 {
				p.kill()
			} else {
				p.stop()
			}
			<-p.done
		})
	case "cut":
		if p := s.peek(); p != nil {
			p.link.sever()
		}
	case "lose answer":
		if p := s.peek(); p != nil {
			p.link.loseAnswer(int16(f.key))
		}
	case "lose request":
		if p := s.peek(); p != nil {
			p.link.loseRequest(int16(f.key))
		}
	case "broker down":
		w.refusing(f)
		addr := w.addrs[f.broker]
		w.net.down(addr)
		later(func() { w.net.up(addr) })
	case "leaders move":
		for i, t := range w.plan.topics {
			for id := range t.partitions {
				if (i+id)%2 == 0 {
					_ = w.cluster.MoveTopicPartition(t.name, int32(id), int32(f.broker)) // if it is there
				}
			}
		}
		_ = w.cluster.MoveTopicPartition(w.plan.topics[0].name+suffix, 0, int32(f.broker))
	case "registry down":
		w.registry.down()
		later(w.registry.up)
	case "registry busy":
		w.registry.busy(f.count)
	case "error":
		w.answer(f, kfake.Fault{Keys: []kmsg.Key{f.key}, Err: f.err, Count: f.count, When: ofWorkers})
	default:
		w.harm(f)
	}
}

// answer has brokers answer with errors while a fault lasts.
func (w *world) answer(f fault, how ...kfake.Fault) {
	h := w.cluster.Fault(how...)
	w.ending.Go(func() {
		time.Sleep(f.length)
		if h.Hits() > 0 {
			w.event("%d answers of %v", h.Hits(), f)
			w.refusing(f)
		}
		h.Remove()
	})
}

// ofWorkers leaves the transactions of the sources alone.
func ofWorkers(r kmsg.Request) bool {
	id := ""
	switch r := r.(type) {
	case *kmsg.InitProducerIDRequest:
		if r.TransactionalID == nil {
			return false
		}
		id = *r.TransactionalID
	case *kmsg.ProduceRequest:
		if r.TransactionID == nil {
			return false
		}
		id = *r.TransactionID
	case *kmsg.EndTxnRequest:
		id = r.TransactionalID
	default:
		return true
	}
	return strings.HasPrefix(id, group+"-")
}
