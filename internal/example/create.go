package example

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// Plan is what Create makes.
type Plan struct {
	Prefix     string             // of topic names
	Topics     int                // 1 to MaxTopics
	Fields     int                // 1 to MaxFields, besides time
	Partitions int                // of each topic that is made
	Configs    map[string]*string // of each topic that is made
}

// Created is a topic after Create, and what of it was there before. The
// partitions are the topic's own, which differ from the plan's if it existed.
type Created struct {
	Topic
	TopicExisted  bool
	SchemaExisted bool // exactly this schema was registered
}

// Create makes the topics and registers their schemas. What exists already is
// left as it is; a schema that differs becomes a new version.
func Create(ctx context.Context, kafka *kgo.Client, schemas *registry.Client, p Plan) ([]Created, error) {
	if p.Topics < 1 || p.Topics > MaxTopics {
		return nil, fmt.Errorf("%d topics: must be 1 to %d", p.Topics, MaxTopics)
	}
	if p.Fields < 1 || p.Fields > MaxFields {
		return nil, fmt.Errorf("%d fields: must be 1 to %d", p.Fields, MaxFields)
	}
	if p.Partitions < 1 {
		return nil, fmt.Errorf("%d partitions: must be at least 1", p.Partitions)
	}
	created := make([]Created, p.Topics)
	names := make([]string, p.Topics)
	for i := range created {
		names[i] = TopicName(p.Prefix, i)
		created[i].Topic = Topic{Name: names[i], Index: i, Partitions: p.Partitions, Fields: p.Fields}
	}
	if err := createTopics(ctx, kafka, p, names, created); err != nil {
		return nil, err
	}
	all, calls := errgroup.WithContext(ctx)
	all.SetLimit(8)
	for i := range created {
		all.Go(func() error { return register(calls, schemas, &created[i]) })
	}
	return created, all.Wait()
}

func createTopics(ctx context.Context, kafka *kgo.Client, p Plan, names []string, created []Created) error {
	answers, err := kadm.NewClient(kafka).CreateTopics(ctx, int32(p.Partitions), -1, p.Configs, names...)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	var existed []string
	for i, name := range names {
		switch err := answers[name].Err; {
		case err == nil:
		case errors.Is(err, kerr.TopicAlreadyExists):
			created[i].TopicExisted = true
			existed = append(existed, name)
		default:
			return fmt.Errorf("create topic %s: %w (%s)", name, err, answers[name].ErrMessage)
		}
	}
	if len(existed) == 0 {
		return nil
	}
	partitions, err := countPartitions(ctx, kafka, existed)
	if err != nil {
		return err
	}
	for i, name := range names {
		if created[i].TopicExisted {
			created[i].Partitions = partitions[name]
		}
	}
	return nil
}

func register(ctx context.Context, schemas *registry.Client, c *Created) error {
	subject, text := Subject(c.Name), Schema(c.Name, c.Fields)
	before, err := schemas.Versions(ctx, subject)
	if err != nil {
		return fmt.Errorf("look up %s: %w", subject, err)
	}
	c.SchemaID, err = schemas.Register(ctx, subject, text)
	if err != nil {
		return fmt.Errorf("register %s: %w", subject, err)
	}
	c.SchemaExisted = slices.ContainsFunc(before, func(r registry.Registered) bool { return r.ID == c.SchemaID })
	return nil
}
