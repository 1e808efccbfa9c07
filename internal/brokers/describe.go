package brokers

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Describe asks a broker what there is of topics; of all, if none is named. Unlike
// with the client's list of topics the answer is never older than the question: one
// that is may be of a topic that was made again since, while offsets and records
// are of the new one.
func (b *Brokers) Describe(ctx context.Context, names ...string) (kadm.TopicDetails, error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range names {
		rt := kmsg.NewMetadataRequestTopic()
		rt.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, rt)
	}
	resp, err := req.RequestWith(ctx, b.Client)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	out := kadm.TopicDetails{}
	for _, t := range resp.Topics {
		if t.Topic == nil {
			continue
		}
		d := kadm.TopicDetail{Topic: *t.Topic, ID: t.TopicID, IsInternal: t.IsInternal, Partitions: kadm.PartitionDetails{}, Err: kerr.ErrorForCode(t.ErrorCode)}
		for _, p := range t.Partitions {
			d.Partitions[p.Partition] = kadm.PartitionDetail{
				Topic: d.Topic, Partition: p.Partition, Leader: p.Leader, LeaderEpoch: p.LeaderEpoch,
				Replicas: p.Replicas, ISR: p.ISR, OfflineReplicas: p.OfflineReplicas, Err: kerr.ErrorForCode(p.ErrorCode),
			}
		}
		out[d.Topic] = d
	}
	for _, name := range names {
		if _, ok := out[name]; !ok {
			out[name] = kadm.TopicDetail{Topic: name, Err: kerr.UnknownTopicOrPartition}
		}
	}
	return out, nil
}
