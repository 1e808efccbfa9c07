package brokers

import (
	"context"
	"fmt"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/recovery"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
	"github.com/twmb/franz-go/pkg/kadm"
)

// Facts are what brokers say of a topic of which partitions are to be placed.
// What is not known of a topic, or of a partition, concerns that one alone: it
// is asked again.
type Facts struct {
	ID              [16]byte
	Partitions      int // 0: not known
	Bounds          map[int32]Bound
	Frontier        *recovery.Frontier // what the aggregated topic tells, nil if it has nothing or is not needed
	PartlyCommitted bool               // some partitions were never committed, while by others windows are final
	Err             error              // why no partition of the topic can be placed
}

// Question is what has to be known of a topic.
type Question struct {
	Source string   // the source topic, also of a topic with partials
	Into   []string // the aggregated topics
	Fresh  bool     // a partition has no committed offset
	Shared bool     // the leader of the group has shared it out
}

// Gather finds out what has to be known of topics. It takes no longer than a few
// times LeadersTimeout, whatever does not answer.
func (b *Brokers) Gather(ctx context.Context, questions map[string]Question) map[string]*Facts {
	out := map[string]*Facts{}
	var names, fresh, shared []string
	for topic, q := range questions {
		out[topic] = &Facts{}
		names = append(names, topic)
		if q.Fresh && b.options.ExactlyOnce {
			fresh = append(fresh, topic)
		}
		if q.Fresh && q.Shared {
			shared = append(shared, topic)
		}
	}
	short, cancel := context.WithTimeout(ctx, LeadersTimeout)
	defer cancel()
	details, err := b.Describe(short, names...)
	if err != nil {
		for _, f := range out {
			f.Err = err
		}
		return out
	}
	all := b.Bounds(short, details, AllRecords)
	for topic, f := range out {
		d := details[topic]
		f.ID, f.Partitions, f.Bounds, f.Err = d.ID, len(d.Partitions), all[topic], d.Err
	}
	if len(shared) > 0 {
		b.gatherPartlyCommitted(ctx, shared, out)
	}
	if len(fresh) > 0 {
		b.gatherFrontiers(ctx, fresh, questions, out)
		b.gatherFinal(ctx, fresh, questions, out)
	}
	return out
}

// gatherPartlyCommitted finds out of topics that are shared out whether some of their
// partitions were never committed, while by others windows are final. Offsets of
// a transaction that is open are not known yet.
func (b *Brokers) gatherPartlyCommitted(ctx context.Context, topics []string, out map[string]*Facts) {
	offsets := b.gatherCommitted(ctx, topics, out)
	for _, topic := range topics {
		f := out[topic]
		f.PartlyCommitted = PartlyCommitted(offsets, topic, f.Partitions)
	}
}

// gatherFinal has what is committed of other partitions say which windows of a
// topic are out, where there is any. What the aggregated topic has beyond that was
// written at least once, and maybe not in full.
func (b *Brokers) gatherFinal(ctx context.Context, topics []string, questions map[string]Question, out map[string]*Facts) {
	topics = slices.DeleteFunc(slices.Clone(topics), func(topic string) bool {
		f := out[topic]
		return f.Frontier == nil || f.Err != nil || questions[topic].Source != topic
	})
	if len(topics) == 0 {
		return
	}
	offsets := b.gatherCommitted(ctx, topics, out)
	for _, topic := range topics {
		f := out[topic]
		final, found := int64(window.Unset), false
		for _, o := range offsets[topic] {
			if c, err := agent.DecodeCheckpoint(o.Metadata); o.At >= 0 && err == nil && !recovery.Other(c.TopicID, f.ID) {
				final, found = max(final, c.Final), true
			}
		}
		if found {
			f.Frontier.Final = min(f.Frontier.Final, final)
		}
	}
}

// gatherCommitted gets the group's offsets of all partitions of topics. That they are
// not known is an error of their topic.
func (b *Brokers) gatherCommitted(ctx context.Context, topics []string, out map[string]*Facts) kadm.OffsetResponses {
	partitions := map[string][]int32{}
	for _, topic := range topics {
		for id := range out[topic].Partitions {
			partitions[topic] = append(partitions[topic], int32(id))
		}
	}
	offsets, err := b.Committed(ctx, partitions)
	for _, topic := range topics {
		if err != nil {
			out[topic].Err = err
		}
		for _, o := range offsets[topic] {
			if o.Err != nil {
				out[topic].Err = fmt.Errorf("get committed offsets: %w", o.Err)
			}
		}
	}
	return offsets
}
