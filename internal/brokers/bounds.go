package brokers

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Offsets of a partition that its leader can be asked for, as Kafka has them.
const (
	LogEnd   = -1
	LogStart = -2
)

// LeadersTimeout is how long the leaders of partitions are waited for where
// others wait as well. What has not answered by then is asked again later.
const LeadersTimeout = 2 * time.Second

// Leaders are the partitions by leader and topic.
type Leaders map[int32]map[string][]int32

// Add adds a partition that its leader is to be asked for.
func (l Leaders) Add(leader int32, topic string, partition int32) {
	if l[leader] == nil {
		l[leader] = map[string][]int32{}
	}
	l[leader][topic] = append(l[leader][topic], partition)
}

// LeaderOffset is what the leader of a partition says.
type LeaderOffset struct {
	Topic     string
	Partition int32
	Offset    int64
	Err       error
}

// Ask asks each leader by itself, so that one that does not answer holds up
// nothing that others know. each is called with what a leader has said, for one
// leader after the other, as soon as it has; ask returns when all have, or at the
// end of ctx.
func (l Leaders) Ask(ctx context.Context, cl *kgo.Client, at int64, level int8, each func([]LeaderOffset)) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for leader, topics := range l {
		all.Go(func() {
			answers := askLeader(ctx, cl, leader, topics, at, level)
			mu.Lock()
			defer mu.Unlock()
			each(answers)
		})
	}
	all.Wait()
}

func askLeader(ctx context.Context, cl *kgo.Client, leader int32, topics map[string][]int32, at int64, level int8) (answers []LeaderOffset) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID, req.IsolationLevel = -1, level
	for topic, partitions := range topics {
		rt := kmsg.NewListOffsetsRequestTopic()
		rt.Topic = topic
		for _, id := range partitions {
			rp := kmsg.NewListOffsetsRequestTopicPartition()
			rp.Partition, rp.Timestamp, rp.MaxNumOffsets = id, at, 1
			rt.Partitions = append(rt.Partitions, rp)
		}
		req.Topics = append(req.Topics, rt)
	}
	resp, err := cl.Broker(int(leader)).RetriableRequest(ctx, req)
	if err != nil {
		err = fmt.Errorf("broker %d, its leader, does not answer: %w", leader, err)
	}
	said := map[string]map[int32]bool{}
	if list, ok := resp.(*kmsg.ListOffsetsResponse); ok && err == nil {
		for _, rt := range list.Topics {
			said[rt.Topic] = map[int32]bool{}
			for _, rp := range rt.Partitions {
				said[rt.Topic][rp.Partition] = true
				answers = append(answers, LeaderOffset{rt.Topic, rp.Partition, rp.Offset, kerr.ErrorForCode(rp.ErrorCode)})
			}
		}
		err = fmt.Errorf("broker %d, its leader, says nothing of it", leader)
	}
	for topic, partitions := range topics {
		for _, id := range partitions {
			if !said[topic][id] {
				answers = append(answers, LeaderOffset{topic, id, 0, err})
			}
		}
	}
	return answers
}

// Bound is the first and the next offset of a partition. Err says why they are
// not known.
type Bound struct {
	Start, End int64
	Err        error
}

// Bounds are those of all partitions of topics, by topic and partition.
type Bounds map[string]map[int32]Bound

// Of is that of one partition.
func (b Bounds) Of(topic string, partition int32) Bound {
	if x, ok := b[topic][partition]; ok {
		return x
	}
	return Bound{Err: fmt.Errorf("partition %d is not there", partition)}
}

// Bounds asks the leaders of topics where their partitions begin and end. The
// end is that of committed records with the level of read_committed.
func (b *Brokers) Bounds(ctx context.Context, topics kadm.TopicDetails, level int8) Bounds {
	out := Bounds{}
	l := Leaders{}
	for name, t := range topics {
		out[name] = map[int32]Bound{}
		for id, p := range t.Partitions {
			if p.Leader < 0 || p.Err != nil {
				err := p.Err
				if err == nil {
					err = kerr.LeaderNotAvailable
				}
				out[name][id] = Bound{Err: err}
				continue
			}
			l.Add(p.Leader, name, id)
		}
	}
	var mu sync.Mutex
	take := func(set func(b *Bound, offset int64)) func([]LeaderOffset) {
		return func(answers []LeaderOffset) {
			mu.Lock()
			defer mu.Unlock()
			for _, a := range answers {
				x := out[a.Topic][a.Partition]
				if x.Err == nil {
					x.Err = a.Err
				}
				set(&x, a.Offset)
				out[a.Topic][a.Partition] = x
			}
		}
	}
	var both sync.WaitGroup
	both.Go(func() { l.Ask(ctx, b.Client, LogStart, AllRecords, take(func(b *Bound, o int64) { b.Start = o })) })
	both.Go(func() { l.Ask(ctx, b.Client, LogEnd, level, take(func(b *Bound, o int64) { b.End = o })) })
	both.Wait()
	return out
}

// Isolation levels of a question for the end of a partition.
const (
	AllRecords       = 0
	CommittedRecords = 1
)

// BoundsOf asks for the bounds of topics that are named.
func (b *Brokers) BoundsOf(ctx context.Context, level int8, topics ...string) (Bounds, error) {
	if len(topics) == 0 {
		return Bounds{}, nil
	}
	slices.Sort(topics)
	details, err := b.Admin.ListTopics(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	return b.Bounds(ctx, details, level), nil
}
