package worker

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
	logEnd   = -1
	logStart = -2
)

// leadersTimeout is how long the leaders of partitions are waited for where
// others wait as well. What has not answered by then is asked again later.
const leadersTimeout = 2 * time.Second

// leaders are the partitions by leader and topic.
type leaders map[int32]map[string][]int32

func (l leaders) add(leader int32, topic string, partition int32) {
	if l[leader] == nil {
		l[leader] = map[string][]int32{}
	}
	l[leader][topic] = append(l[leader][topic], partition)
}

// leaderOffset is what the leader of a partition says.
type leaderOffset struct {
	topic     string
	partition int32
	offset    int64
	err       error
}

// ask asks each leader by itself, so that one that does not answer holds up
// nothing that others know. each is called with what a leader has said, for one
// leader after the other, as soon as it has; ask returns when all have, or at the
// end of ctx.
func (l leaders) ask(ctx context.Context, cl *kgo.Client, at int64, level int8, each func([]leaderOffset)) {
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

func askLeader(ctx context.Context, cl *kgo.Client, leader int32, topics map[string][]int32, at int64, level int8) (answers []leaderOffset) {
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
				answers = append(answers, leaderOffset{rt.Topic, rp.Partition, rp.Offset, kerr.ErrorForCode(rp.ErrorCode)})
			}
		}
		err = fmt.Errorf("broker %d, its leader, says nothing of it", leader)
	}
	for topic, partitions := range topics {
		for _, id := range partitions {
			if !said[topic][id] {
				answers = append(answers, leaderOffset{topic, id, 0, err})
			}
		}
	}
	return answers
}

// bound is the first and the next offset of a partition. err says why they are
// not known.
type bound struct {
	start, end int64
	err        error
}

// bounds are those of all partitions of topics, by topic and partition.
type bounds map[string]map[int32]bound

func (b bounds) of(topic string, partition int32) bound {
	if x, ok := b[topic][partition]; ok {
		return x
	}
	return bound{err: fmt.Errorf("partition %d is not there", partition)}
}

// bounds asks the leaders of topics where their partitions begin and end. The
// end is that of committed records with the level of read_committed.
func (w *Worker) bounds(ctx context.Context, topics kadm.TopicDetails, level int8) bounds {
	out := bounds{}
	l := leaders{}
	for name, t := range topics {
		out[name] = map[int32]bound{}
		for id, p := range t.Partitions {
			if p.Leader < 0 || p.Err != nil {
				err := p.Err
				if err == nil {
					err = kerr.LeaderNotAvailable
				}
				out[name][id] = bound{err: err}
				continue
			}
			l.add(p.Leader, name, id)
		}
	}
	var mu sync.Mutex
	take := func(set func(b *bound, offset int64)) func([]leaderOffset) {
		return func(answers []leaderOffset) {
			mu.Lock()
			defer mu.Unlock()
			for _, a := range answers {
				b := out[a.topic][a.partition]
				if b.err == nil {
					b.err = a.err
				}
				set(&b, a.offset)
				out[a.topic][a.partition] = b
			}
		}
	}
	var both sync.WaitGroup
	both.Go(func() { l.ask(ctx, w.cl, logStart, allRecords, take(func(b *bound, o int64) { b.start = o })) })
	both.Go(func() { l.ask(ctx, w.cl, logEnd, level, take(func(b *bound, o int64) { b.end = o })) })
	both.Wait()
	return out
}

// Isolation levels of a question for the end of a partition.
const (
	allRecords       = 0
	committedRecords = 1
)

// boundsOf asks for the bounds of topics that are named.
func (w *Worker) boundsOf(ctx context.Context, level int8, topics ...string) (bounds, error) {
	if len(topics) == 0 {
		return bounds{}, nil
	}
	slices.Sort(topics)
	details, err := w.adm.ListTopics(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	return w.bounds(ctx, details, level), nil
}
