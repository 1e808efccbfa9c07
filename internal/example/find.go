package example

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// ErrNone: there is no example topic.
var ErrNone = errors.New("no example topics")

// Find returns the example topics that exist, in order of their numbers, at
// most limit (< 1: all). Partitions come from the broker and fields from the
// newest schema. The error is ErrNone if there is none.
func Find(ctx context.Context, kafka *kgo.Client, schemas *registry.Client, prefix string, limit int) ([]Topic, error) {
	partitions, err := countPartitions(ctx, kafka, nil)
	if err != nil {
		return nil, err
	}
	index := indexOf(prefix)
	var topics []Topic
	for _, name := range slices.Sorted(maps.Keys(partitions)) {
		if i, ok := index(name); ok {
			topics = append(topics, Topic{Name: name, Index: i, Partitions: partitions[name]})
		}
	}
	if len(topics) == 0 {
		return nil, fmt.Errorf("%w %s", ErrNone, TopicName(prefix, 0))
	}
	if limit > 0 && limit < len(topics) {
		topics = topics[:limit]
	}
	all, calls := errgroup.WithContext(ctx)
	all.SetLimit(8)
	for i := range topics {
		all.Go(func() error { return lookUp(calls, schemas, &topics[i]) })
	}
	return topics, all.Wait()
}

func lookUp(ctx context.Context, schemas *registry.Client, t *Topic) error {
	newest, err := schemas.Latest(ctx, Subject(t.Name))
	if err != nil {
		return fmt.Errorf("look up the schema of %s: %w", t.Name, err)
	}
	fields, ok := countFields(newest.Text)
	if !ok {
		return fmt.Errorf("%s has a schema that is not an example's: time and value0, value1, … of type double", t.Name)
	}
	t.SchemaID, t.Fields = newest.ID, fields
	return nil
}

// countPartitions asks the broker for the partitions of topics; no names means
// all topics. kadm would answer from a cache that is up to 5 s old.
func countPartitions(ctx context.Context, kafka *kgo.Client, names []string) (map[string]int, error) {
	request := kmsg.NewPtrMetadataRequest()
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		request.Topics = append(request.Topics, t)
	}
	answer, err := request.RequestWith(ctx, kafka)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	partitions := map[string]int{}
	for _, t := range answer.Topics {
		if t.ErrorCode == 0 && t.Topic != nil {
			partitions[*t.Topic] = len(t.Partitions)
		}
	}
	return partitions, nil
}
