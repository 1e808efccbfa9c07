package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"golang.org/x/sync/errgroup"
)

// Rate is how fast records come into a topic.
type Rate struct {
	PerSecond float64
	How       string // how it was found out; empty: it is not known
}

// Rates measures the input of the topics: by the growth of their end offsets
// over d, and for topics that do not grow by the time stamps of the last
// minute of their data. With d = 0 nothing is measured.
func (c *Cluster) Rates(ctx context.Context, topics []string, d time.Duration) (map[string]Rate, error) {
	out := make(map[string]Rate)
	if d <= 0 || len(topics) == 0 {
		return out, nil
	}
	_, before, err := c.Bounds(ctx, topics)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(d):
	}
	_, after, err := c.Bounds(ctx, topics)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	var quiet []string
	for _, t := range topics {
		grown := int64(0)
		for partition, o := range after[t] {
			if b, ok := before[t][partition]; ok && o.Err == nil && b.Err == nil {
				grown += o.Offset - b.Offset
			}
		}
		if grown > 0 {
			out[t] = Rate{float64(grown) / took.Seconds(), "measured over " + took.Round(100*time.Millisecond).String()}
			continue
		}
		quiet = append(quiet, t)
	}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(8)
	for _, t := range quiet {
		group.Go(func() error {
			if r, ok := c.pastRate(ctx, t, after[t]); ok {
				mu.Lock()
				defer mu.Unlock()
				out[t] = r
			}
			return nil
		})
	}
	return out, group.Wait()
}

// pastRate is the rate over the last minute before the newest time stamp.
func (c *Cluster) pastRate(ctx context.Context, topic string, end map[int32]kadm.ListedOffset) (Rate, bool) {
	const span = time.Minute
	newest, err := c.Admin.ListMaxTimestampOffsets(ctx, topic)
	if err != nil {
		return Rate{}, false
	}
	last := int64(-1)
	newest.Each(func(o kadm.ListedOffset) {
		if o.Err == nil {
			last = max(last, o.Timestamp)
		}
	})
	if last < 0 {
		return Rate{}, false
	}
	since, err := c.Admin.ListOffsetsAfterMilli(ctx, last-span.Milliseconds()+1, topic)
	if err != nil {
		return Rate{}, false
	}
	n, first := int64(0), last
	since.Each(func(o kadm.ListedOffset) {
		if e, ok := end[o.Partition]; ok && o.Err == nil && e.Err == nil && o.Offset >= 0 && o.Offset < e.Offset {
			n += e.Offset - o.Offset
			first = min(first, o.Timestamp)
		}
	})
	if n < 2 || first == last || first < 0 {
		return Rate{}, false
	}
	return Rate{float64(n-1) / (float64(last-first) / 1000), "of the last data, until " + time.UnixMilli(last).UTC().Format(time.RFC3339)}, true
}
