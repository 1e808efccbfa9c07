package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// CreateTopic makes a topic without replicas whose partition i is on the broker
// with the number on[i]. Settings are the topic's.
func CreateTopic(ctx context.Context, client *kgo.Client, topic string, settings map[string]string, on ...int) error {
	request := kmsg.NewPtrCreateTopicsRequest()
	request.TimeoutMillis = int32((30 * time.Second).Milliseconds())
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = topic, -1, -1
	for i, number := range on {
		a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		a.Partition, a.Replicas = int32(i), []int32{int32(number)}
		t.ReplicaAssignment = append(t.ReplicaAssignment, a)
	}
	for name, value := range settings {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = name, &value
		t.Configs = append(t.Configs, c)
	}
	request.Topics = append(request.Topics, t)
	answer, err := request.RequestWith(ctx, client)
	if err == nil {
		for _, t := range answer.Topics {
			err = errors.Join(err, kerr.ErrorForCode(t.ErrorCode))
		}
	}
	if err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	return nil
}

// WaitLeader returns when a partition has the leader with a number, 0: none.
// That a broker was killed is noticed when its lease is over.
func WaitLeader(ctx context.Context, client *kgo.Client, topic string, partition int32, number int) error {
	want := int32(number)
	if number == 0 {
		want = -1
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		leader, err := leaderOf(ctx, client, topic, partition)
		if err == nil && leader == want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s/%d has the leader %d, want %d: %w", topic, partition, leader, want, errors.Join(err, ctx.Err()))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// leaderOf is the leader's number, -1 for none.
func leaderOf(ctx context.Context, client *kgo.Client, topic string, partition int32) (int32, error) {
	request := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	request.Topics = append(request.Topics, t)
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		return -1, err
	}
	for _, t := range answer.Topics {
		for _, p := range t.Partitions {
			if p.Partition == partition {
				return p.Leader, nil
			}
		}
	}
	return -1, errors.New("there is no such partition")
}
