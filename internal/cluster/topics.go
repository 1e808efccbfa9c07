package cluster

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Bounds are the first and the next offset of each partition of the topics.
func (c *Cluster) Bounds(ctx context.Context, topics []string) (start, end kadm.ListedOffsets, err error) {
	if len(topics) == 0 {
		return nil, nil, nil
	}
	var wait sync.WaitGroup
	var startErr, endErr error
	wait.Go(func() { start, startErr = c.Admin.ListStartOffsets(ctx, topics...) })
	wait.Go(func() { end, endErr = c.Admin.ListEndOffsets(ctx, topics...) })
	wait.Wait()
	if err := errors.Join(startErr, endErr); err != nil {
		return nil, nil, c.BrokerError(ctx, err)
	}
	return start, end, nil
}

// LastRecords reads the last few records of each topic until use has been true
// for one of each, or 5 s have passed. It is called for whatever comes.
func (c *Cluster) LastRecords(ctx context.Context, topics []string, use func(*kgo.Record) bool) error {
	start, end, err := c.Bounds(ctx, topics)
	if err != nil {
		return err
	}
	from := make(map[string]map[int32]kgo.Offset)
	end.Each(func(o kadm.ListedOffset) {
		first := start[o.Topic][o.Partition].Offset
		if o.Err == nil && o.Offset > first { // a few back: the last ones may be marks of transactions
			if from[o.Topic] == nil {
				from[o.Topic] = make(map[int32]kgo.Offset)
			}
			from[o.Topic][o.Partition] = kgo.NewOffset().At(max(first, o.Offset-5))
		}
	})
	if len(from) == 0 {
		return nil
	}
	c.Kafka.AddConsumePartitions(from)
	defer c.Kafka.PurgeTopicsFromConsuming(topics...)
	wait, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	done := make(map[string]bool)
	for len(done) < len(from) && wait.Err() == nil {
		c.Kafka.PollFetches(wait).EachRecord(func(r *kgo.Record) {
			if use(r) {
				done[r.Topic] = true
			}
		})
	}
	return ctx.Err()
}
