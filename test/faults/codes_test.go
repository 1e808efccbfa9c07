//go:build e2e

package faults

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// Each error code on each call of a transaction: once in place of the call,
// again and again for a while, and after the call has taken effect. In every
// cell the worker must go on, and every window come out once.
func TestF09ErrorCodes(t *testing.T) {
	codes := []*kerr.Error{
		kerr.UnknownServerError, kerr.InvalidTxnState, kerr.ProducerFenced, kerr.ConcurrentTransactions, kerr.TransactionAbortable,
		kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping, kerr.CoordinatorNotAvailable, kerr.NotCoordinator,
		kerr.CoordinatorLoadInProgress, kerr.RequestTimedOut, kerr.NetworkException,
	}
	keys := []kmsg.Key{kmsg.InitProducerID, kmsg.AddPartitionsToTxn, kmsg.AddOffsetsToTxn, kmsg.Produce, kmsg.TxnOffsetCommit, kmsg.EndTxn}
	var mu sync.Mutex
	var cells []cell
	t.Run("matrix", func(t *testing.T) {
		for _, key := range keys {
			for _, code := range codes {
				for _, mode := range []string{"once", "for a while", "after effect"} {
					c := cell{key: key, code: code, mode: mode}
					t.Run(c.String(), func(t *testing.T) {
						t.Parallel()
						c.run(t)
						mu.Lock()
						defer mu.Unlock()
						cells = append(cells, c)
					})
				}
			}
		}
	})
	slices.SortFunc(cells, func(a, b cell) int { return int(b.took - a.took) })
	t.Logf("%d cells; the slowest:", len(cells))
	for _, c := range cells[:min(len(cells), 12)] {
		t.Logf("%6.2f s  %v: %d transactions not committed, %d sessions", c.took.Seconds(), c, c.aborts, c.sessions)
	}
}

type cell struct {
	key  kmsg.Key
	code *kerr.Error
	mode string

	took             time.Duration // from the first answer to all windows, beyond the while
	aborts, sessions int64
}

func (c cell) String() string { return fmt.Sprintf("%s %s %s", c.key.Name(), c.code.Message, c.mode) }

func (c *cell) run(t *testing.T) {
	var opts []kfake.Opt
	if c.key == kmsg.AddPartitionsToTxn || c.key == kmsg.AddOffsetsToTxn {
		opts = append(opts, kfake.MaxVersions(kversion.V3_9_0())) // newer clusters need neither
	}
	p := onFake(t, opts...)
	p.create(1)
	p.fill(0, 0, 4)
	met := make(chan struct{})
	var handle *kfake.FaultHandle
	if c.mode != "after effect" {
		count := 1
		if c.mode == "for a while" {
			count = -1
		}
		// Counted when it is a code that is answered for a partition, too.
		handle = p.fake.Fault(
			kfake.Fault{Keys: []kmsg.Key{c.key}, Err: c.code, Count: count, TopLevel: c.key == kmsg.EndTxn || c.key == kmsg.InitProducerID || c.key == kmsg.AddOffsetsToTxn})
	}
	w := p.startWith(func(w *running) {
		if c.mode == "after effect" {
			w.link.add(&rule{key: c.key, code: c.code, answered: sync.OnceFunc(func() { close(met) })})
		}
	})
	if handle != nil {
		must(t, handle.Wait(context.Background(), 1))
	} else {
		<-met
	}
	if c.mode == "for a while" {
		w.status("more than one refusal, or a while", whileOr(time.Second, func() bool { return handle.Hits() >= 6 }))
		handle.Remove()
	}
	began := time.Now()
	// Committed, though the worker may not know by which transaction.
	committed := func(offset int64) {
		w.status(fmt.Sprint("committed ", offset), func(s status) bool {
			return len(s.Topics) == 1 && len(s.Topics[0].Partitions) == 1 && s.Topics[0].Partitions[0].Committed >= offset
		})
	}
	committed(20)
	p.fill(0, 4, 6)
	committed(40)
	c.took = time.Since(began)
	s := w.Status()
	c.aborts, c.sessions = s.Aborts, s.Sessions
	w.end()
	p.exactly()
}

// whileOr is true after a time, or when ok is.
func whileOr(d time.Duration, ok func() bool) func(status) bool {
	end := time.Now().Add(d)
	return func(status) bool { return time.Now().After(end) || ok() }
}
