package brokers

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// EnsureTopic makes a topic unless it is there.
func (b *Brokers) EnsureTopic(ctx context.Context, topic string, partitions int) error {
	return b.Ensure(ctx, topic, partitions, map[string]*string{"message.timestamp.type": new("CreateTime")})
}

// Ensure makes a topic with settings unless it is there.
func (b *Brokers) Ensure(ctx context.Context, topic string, partitions int, settings map[string]*string) error {
	ctx, cancel := context.WithTimeout(ctx, AdminTimeout)
	defer cancel()
	found, err := b.Admin.ListTopics(ctx, topic)
	if err != nil {
		return fmt.Errorf("look for topic %s: %w", topic, err)
	}
	if d := found[topic]; d.Err == nil && len(d.Partitions) > 0 {
		return nil
	}
	if !b.options.CreateTopics {
		return fmt.Errorf("topic %s does not exist and worker.create_topics is false: create it", topic)
	}
	created, err := b.Admin.CreateTopic(ctx, int32(partitions), -1, settings, topic)
	if err == nil {
		err = created.Err
	}
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		if created.ErrMessage != "" { // the broker's own sentence says more than the code
			return fmt.Errorf("create topic %s: %w (%s)", topic, err, created.ErrMessage)
		}
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	return nil
}

// EnsurePartials makes a topic for partials. What was merged is deleted from
// it by the worker that merges; retention is for what is left behind. Frames
// are stamped by the broker, so that the clocks of workers may differ.
func (b *Brokers) EnsurePartials(ctx context.Context, topic string) error {
	return b.Ensure(ctx, topic, 1, map[string]*string{
		"message.timestamp.type": new("LogAppendTime"),
		"cleanup.policy":         new("delete"),
		"retention.ms":           new("604800000"),
		"segment.bytes":          new("67108864"),
	})
}

// DeleteRecords deletes what lies below offsets.
func (b *Brokers) DeleteRecords(ctx context.Context, offsets kadm.Offsets) error {
	ctx, cancel := context.WithTimeout(ctx, AdminTimeout)
	defer cancel()
	resp, err := b.Admin.DeleteRecords(ctx, offsets)
	if err == nil {
		err = resp.Error()
	}
	if err != nil {
		return fmt.Errorf("delete records: %w", err)
	}
	return nil
}
