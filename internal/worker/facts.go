package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/recovery"
)

// facts are what brokers say of a topic of which partitions are to be placed.
// What is not known of a topic, or of a partition, concerns that one alone: it
// is asked again.
type facts struct {
	id              [16]byte
	partitions      int // 0: not known
	bounds          map[int32]bound
	frontier        *recovery.Frontier // what the aggregated topic tells, nil if it has nothing or is not needed
	partlyCommitted bool
	err             error // why no partition of the topic can be placed
}

// question is what has to be known of a topic.
type question struct {
	source string   // the source topic, also of a topic with partials
	into   []string // the aggregated topics
	fresh  bool     // a partition has no committed offset
	shared bool     // the leader of the group has shared it out
}

// gather finds out what has to be known of topics. It takes no longer than a few
// times leadersTimeout, whatever does not answer.
func (s *session) gather(ctx context.Context, questions map[string]question) map[string]*facts {
	out := map[string]*facts{}
	var names, fresh, shared []string
	for topic, q := range questions {
		out[topic] = &facts{}
		names = append(names, topic)
		if q.fresh && s.w.cfg.Worker.Delivery == config.ExactlyOnce {
			fresh = append(fresh, topic)
		}
		if q.fresh && q.shared {
			shared = append(shared, topic)
		}
	}
	short, cancel := context.WithTimeout(ctx, leadersTimeout)
	defer cancel()
	details, err := s.w.describe(short, names...)
	if err != nil {
		for _, f := range out {
			f.err = err
		}
		return out
	}
	all := s.w.bounds(short, details, allRecords)
	for topic, f := range out {
		d := details[topic]
		f.id, f.partitions, f.bounds, f.err = d.ID, len(d.Partitions), all[topic], d.Err
	}
	if len(shared) > 0 {
		s.gatherPartlyCommitted(ctx, shared, out)
	}
	if len(fresh) > 0 {
		s.gatherFrontiers(ctx, fresh, questions, out)
	}
	return out
}

// gatherPartlyCommitted finds out of topics that are shared out whether some of their
// partitions were never committed, while by others windows are final. Offsets of
// a transaction that is open are not known yet.
func (s *session) gatherPartlyCommitted(ctx context.Context, topics []string, out map[string]*facts) {
	partitions := map[string][]int32{}
	for _, topic := range topics {
		for id := range out[topic].partitions {
			partitions[topic] = append(partitions[topic], int32(id))
		}
	}
	offsets, err := s.committed(ctx, partitions)
	for _, topic := range topics {
		f := out[topic]
		if err != nil {
			f.err = err
			continue
		}
		for _, o := range offsets[topic] {
			if o.Err != nil {
				f.err = fmt.Errorf("get committed offsets: %w", o.Err)
			}
		}
		f.partlyCommitted = partlyCommitted(offsets, topic, f.partitions)
	}
}

// committed gets the group's offsets of partitions, once no transaction that
// changes them is open; it waits a little for that. The partitions are named: of
// one whose first offset is in a transaction that is open, a coordinator that is
// asked for all there is says nothing at all; and where it names topics by their
// ids, a client that cannot look these up does not say which they are.
func (s *session) committed(ctx context.Context, partitions map[string][]int32) (kadm.OffsetResponses, error) {
	ctx, cancel := context.WithTimeout(ctx, leadersTimeout)
	defer cancel()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		offsets, err := s.askCommitted(ctx, partitions)
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

// errSilent: the coordinator has answered, and says nothing of a partition.
var errSilent = errors.New("the group's coordinator says nothing of it")

// askCommitted asks the group's coordinator once. All partitions are in what it
// gives, each with its offset, -1 if there is none, or an error.
func (s *session) askCommitted(ctx context.Context, partitions map[string][]int32) (kadm.OffsetResponses, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.RequireStable = s.w.cfg.Worker.Group, true
	out := kadm.OffsetResponses{}
	for topic, ids := range partitions {
		rt := kmsg.NewOffsetFetchRequestTopic()
		rt.Topic, rt.Partitions = topic, ids
		req.Topics = append(req.Topics, rt)
		for _, id := range ids {
			out.Add(kadm.OffsetResponse{Offset: kadm.Offset{Topic: topic, Partition: id, At: -1}, Err: errSilent})
		}
	}
	resp, err := req.RequestWith(ctx, s.w.cl)
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
