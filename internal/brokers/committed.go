package brokers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Committed gets the group's offsets of partitions, once no transaction that
// changes them is open; it waits a little for that. The partitions are named: of
// one whose first offset is in a transaction that is open, a coordinator that is
// asked for all there is says nothing at all; and where it names topics by their
// ids, a client that cannot look these up does not say which they are.
func (b *Brokers) Committed(ctx context.Context, partitions map[string][]int32) (kadm.OffsetResponses, error) {
	ctx, cancel := context.WithTimeout(ctx, LeadersTimeout)
	defer cancel()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		offsets, err := b.askCommitted(ctx, partitions)
		if err != nil {
			return nil, fmt.Errorf("get committed offsets: %w", err)
		}
		if !unstable(offsets) {
			return offsets, nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return offsets, nil
		}
	}
}

// ErrSilent: the coordinator has answered, and says nothing of a partition.
var ErrSilent = errors.New("the group's coordinator says nothing of it")

// askCommitted asks the group's coordinator once. All partitions are in what it
// gives, each with its offset, -1 if there is none, or an error.
func (b *Brokers) askCommitted(ctx context.Context, partitions map[string][]int32) (kadm.OffsetResponses, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.RequireStable = b.options.Group, true
	out := kadm.OffsetResponses{}
	for topic, ids := range partitions {
		rt := kmsg.NewOffsetFetchRequestTopic()
		rt.Topic, rt.Partitions = topic, ids
		req.Topics = append(req.Topics, rt)
		for _, id := range ids {
			out.Add(kadm.OffsetResponse{Offset: kadm.Offset{Topic: topic, Partition: id, At: -1}, Err: ErrSilent})
		}
	}
	resp, err := req.RequestWith(ctx, b.Client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return nil, err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if _, asked := out.Lookup(t.Topic, p.Partition); !asked {
				continue
			}
			o := kadm.OffsetResponse{Offset: kadm.Offset{Topic: t.Topic, Partition: p.Partition, At: p.Offset, LeaderEpoch: p.LeaderEpoch}, Err: kerr.ErrorForCode(p.ErrorCode)}
			if p.Metadata != nil {
				o.Metadata = *p.Metadata
			}
			out.Add(o)
		}
	}
	return out, nil
}

// unstable reports whether a transaction is open that changes one of the offsets.
func unstable(offsets kadm.OffsetResponses) bool {
	for _, partitions := range offsets {
		for _, o := range partitions {
			if errors.Is(o.Err, kerr.UnstableOffsetCommit) {
				return true
			}
		}
	}
	return false
}

// PartlyCommitted reports whether of a topic's partitions some were never committed,
// and by others windows are final.
func PartlyCommitted(offsets kadm.OffsetResponses, topic string, partitions int) bool {
	n, final := 0, false
	for _, o := range offsets[topic] {
		if o.At < 0 {
			continue
		}
		n++
		c, err := agent.DecodeCheckpoint(o.Metadata)
		final = final || err == nil && c.Final != window.Unset
	}
	return final && n < partitions
}
