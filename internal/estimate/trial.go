package estimate

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/example"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

// Ran is what a worker has used.
type Ran struct {
	Took   time.Duration
	Cores  float64
	Memory float64 // bytes, resident
	Topics int     // that it had results of when it was measured
	All    int
}

// trial runs a worker in a process of its own on a broker in this one, and
// measures it when it has results of all topics, or after the limit of some.
func trial(ctx context.Context, classes []Class, o Options) (Ran, error) {
	s, err := sandbox.Start(sandbox.Options{})
	if err != nil {
		return Ran{}, err
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := config.Default()
	c.Kafka.Brokers, c.SchemaRegistry.URL = s.Brokers, s.RegistryURL
	conn, err := cluster.Connect(ctx, &config.Loaded{Config: c})
	if err != nil {
		return Ran{}, err
	}
	defer conn.Close()

	var group errgroup.Group
	defer group.Wait()
	defer cancel()          // ends the producers and the worker, for Wait
	var aggregated []string // of which results are waited for
	var producers []*example.Producer
	o.Progress(Progress{Stage: Starting})
	for i, class := range classes {
		created, err := example.Create(ctx, conn.Kafka, conn.Source, example.Plan{Prefix: fmt.Sprintf("bench%d", i), Topics: int(class.Topics), Fields: class.Values, Partitions: 1})
		if err != nil {
			return Ran{}, err
		}
		var topics []example.Topic
		for _, t := range created {
			topics = append(topics, t.Topic)
			if class.Rate >= 0.1 { // what is slower has none before long
				aggregated = append(aggregated, t.Name+"-aggregated")
			}
		}
		producer, err := example.NewProducer(example.ProducerOptions{Kafka: []kgo.Opt{kgo.SeedBrokers(s.Brokers...)}, Topics: topics, Frequency: class.Rate, Seed: uint64(i)})
		if err != nil {
			return Ran{}, err
		}
		producers = append(producers, producer)
	}
	w, err := start(ctx, s, classes[0].Aggregation, o.Command)
	if err != nil {
		return Ran{}, err
	}
	group.Go(func() error { defer close(w.ended); w.err = w.cmd.Wait(); return nil })
	for _, producer := range producers {
		group.Go(func() error { return producer.Run(ctx) })
	}
	o.Progress(Progress{Stage: Waiting, Of: len(aggregated), For: o.Limit})
	settled, err := w.settled(ctx, conn.Admin, aggregated, o)
	if err != nil {
		return Ran{}, err
	}
	o.Progress(Progress{Stage: Measuring, For: o.Duration})
	before, _, err := w.usage(ctx)
	if err != nil {
		return Ran{}, err
	}
	began := time.Now()
	select {
	case <-ctx.Done():
		return Ran{}, ctx.Err()
	case <-w.ended:
		return Ran{}, w.failure()
	case <-time.After(o.Duration):
	}
	after, memory, err := w.usage(ctx)
	took := time.Since(began)
	return Ran{Took: took, Cores: (after - before) / took.Seconds(), Memory: memory, Topics: settled, All: len(aggregated)}, err
}
