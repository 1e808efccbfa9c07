package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// awaitLoaded is loaded with the patience of a transaction.
func (c *committer) awaitLoaded(written []*kgo.Record) error {
	ctx, cancel := context.WithTimeout(c.hard, c.w.cfg.Worker.TransactionTimeout)
	defer cancel()
	return loaded(ctx, c.cl, written)
}

// loaded waits until the client has stored what it knows of the partitions of
// records that were written, before the transaction that they are in is ended.
//
// The client (kgo 1.22.3) sends the first records of a topic before it stores
// the topic's partitions. When it ends a transaction it looks for partitions
// with records among those that are stored; if it finds none, it aborts in
// place of the commit that it was asked for, and says that all is well. It is
// a matter of microseconds, unless its goroutine has to wait for a processor
// at the wrong moment.
func loaded(ctx context.Context, cl *kgo.Client, records []*kgo.Record) error {
	topic, partition := "", int32(-1)
	for _, r := range records {
		if r.Topic == topic && r.Partition == partition {
			continue
		}
		topic, partition = r.Topic, r.Partition
		for wait := 50 * time.Microsecond; ; wait = min(2*wait, 50*time.Millisecond) {
			leader, _, err := cl.PartitionLeader(topic, partition)
			if leader >= 0 || err != nil { // err is of the leader: it is stored as well
				break
			}
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return fmt.Errorf("the client does not know %s/%d, which it has written to: %w", topic, partition, ctx.Err())
			}
		}
	}
	return nil
}
