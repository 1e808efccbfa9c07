package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// follower sees from the group's committed offsets how far the workers are.
// That costs the workers nothing.
type follower struct {
	*stack
	group  string
	topics []*scaleTopic
}

// finals are the times, in ns, up to which windows are out, by topic.
func (f *follower) finals(ctx context.Context) (map[string]int64, error) {
	offsets, err := f.admin.FetchOffsets(ctx, f.group)
	if err != nil {
		return nil, err
	}
	final := func(topic string, partition int32) int64 {
		o, _ := offsets.Lookup(topic, partition)
		c, err := agent.DecodeCheckpoint(o.Metadata)
		if err != nil { // nothing is committed yet
			return math.MinInt64
		}
		return c.Final
	}
	out := map[string]int64{}
	for _, t := range f.topics {
		least := int64(math.MaxInt64)
		for id := range t.Partitions {
			least = min(least, final(t.Name, int32(id)))
		}
		out[t.Name] = max(least, final(config.PartialsTopic(f.group, t.Name), 0))
	}
	return out, nil
}

// out waits until windows are out up to a time before the end of each topic.
// It returns when that was so for all, and for each.
func (f *follower) out(ctx context.Context, short time.Duration, alive func() error) (time.Time, map[string]time.Time, error) {
	done := map[string]time.Time{}
	for {
		finals, err := f.finals(ctx)
		if err != nil {
			return time.Time{}, nil, err
		}
		now := time.Now()
		for _, t := range f.topics {
			if _, was := done[t.Name]; !was && finals[t.Name] >= ends(t)-int64(short) {
				done[t.Name] = now
			}
		}
		if len(done) == len(f.topics) {
			return now, done, nil
		}
		if err := alive(); err != nil {
			return now, nil, err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return now, nil, err
		}
	}
}

// formed waits until the group has assigned topics to its members.
func (f *follower) formed(ctx context.Context, members int) (time.Time, error) {
	for deadline := time.Now().Add(time.Minute); ; {
		groups, err := f.admin.DescribeGroups(ctx, f.group)
		now := time.Now()
		if g := groups[f.group]; err == nil && g.State == "Stable" && len(g.Members) == members {
			return now, nil
		}
		if now.After(deadline) {
			return now, fmt.Errorf("group %s has not formed within a minute", f.group)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return now, err
		}
	}
}

// shares are the records of the topics that each member has, as parts of one,
// and when the last of its plain topics was out.
func (f *follower) shares(ctx context.Context, done map[string]time.Time) ([]float64, []time.Time, error) {
	groups, err := f.admin.DescribeGroups(ctx, f.group)
	if err != nil {
		return nil, nil, err
	}
	records, total := map[string]float64{}, 0.0 // by topic, of a partition
	for _, t := range f.topics {
		records[t.Name] = float64(t.records) / float64(t.Partitions)
		total += float64(t.records)
	}
	var shares []float64
	var last []time.Time
	for _, m := range groups[f.group].Members {
		assigned, ok := m.Assigned.AsConsumer()
		if !ok {
			continue
		}
		share, end := 0.0, time.Time{}
		for _, t := range assigned.Topics {
			share += records[t.Topic] * float64(len(t.Partitions)) / total
			if at := done[t.Topic]; records[t.Topic] > 0 && len(t.Partitions) == 1 && at.After(end) {
				end = at
			}
		}
		shares, last = append(shares, share), append(last, end)
	}
	return shares, last, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
