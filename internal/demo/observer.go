package demo

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// observer reads source and aggregated topics with two plain consumers, as any
// user's program would, and feeds the tally and the view.
type observer struct {
	demo       *Demo
	sources    *kgo.Client
	aggregated *kgo.Client
	schemas    *registry.Client
	of         map[string]string // source topic of an aggregated topic

	mu        sync.Mutex
	positions map[string]int64 // next offset by aggregated topic and partition
	moved     chan struct{}
}

func newObserver(d *Demo) (*observer, error) {
	o := &observer{demo: d, of: map[string]string{}, positions: map[string]int64{}, moved: make(chan struct{}, 1)}
	var err error
	if o.schemas, err = registry.New(registry.Options{URL: d.sandbox.RegistryURL}); err != nil {
		return nil, err
	}
	var aggregated []string
	for _, t := range d.topics {
		name := strings.ReplaceAll(d.config.Aggregations[0].AggregatedTopic, "{source_topic}", t.Name)
		aggregated = append(aggregated, name)
		o.of[name] = t.Name
	}
	common := []kgo.Opt{kgo.SeedBrokers(d.sandbox.Brokers...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted())}
	if o.sources, err = kgo.NewClient(append(common, kgo.ConsumeTopics(d.Topics()...))...); err != nil {
		return nil, err
	}
	// The worker makes the aggregated topics; look for them often. Control
	// records show where a transaction ends: they belong to the position.
	o.aggregated, err = kgo.NewClient(append(common, kgo.ConsumeTopics(aggregated...), kgo.KeepControlRecords(),
		kgo.MetadataMinAge(100*time.Millisecond), kgo.MetadataMaxAge(time.Second), kgo.UnknownTopicRetries(-1))...)
	return o, err
}

// run reads until ctx ends.
func (o *observer) run(ctx context.Context) error {
	defer o.sources.Close()
	defer o.aggregated.Close()
	var both errgroup.Group
	both.Go(func() error {
		for {
			fetches := o.sources.PollFetches(ctx)
			if ctx.Err() != nil {
				return nil
			}
			if err := fetchError(fetches); err != nil {
				return err
			}
			fetches.EachRecord(func(r *kgo.Record) { o.demo.tally.source(r.Topic, r.Timestamp.UnixMilli()) })
		}
	})
	both.Go(func() error {
		for {
			fetches := o.aggregated.PollFetches(ctx)
			now := time.Now()
			if ctx.Err() != nil {
				return nil
			}
			if err := fetchError(fetches); err != nil {
				return err
			}
			for _, r := range fetches.Records() {
				if err := o.result(ctx, r, now); err != nil {
					return fmt.Errorf("%s offset %d: %w", r.Topic, r.Offset, err)
				}
			}
			select {
			case o.moved <- struct{}{}:
			default:
			}
		}
	})
	return both.Wait()
}

// fetchError is the first error that a consumer does not get over by itself.
func fetchError(fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		if !kgo.IsRetryableBrokerErr(e.Err) {
			return fmt.Errorf("read %s: %w", e.Topic, e.Err)
		}
	}
	return nil
}

// result takes an aggregated record: the window from its key, the values by
// the schema that its first bytes name.
func (o *observer) result(ctx context.Context, r *kgo.Record, now time.Time) error {
	o.mu.Lock()
	o.positions[place(r.Topic, r.Partition)] = r.Offset + 1
	o.mu.Unlock()
	if r.Attrs.IsControl() {
		return nil
	}
	parts := strings.Split(string(r.Key), "|")
	if len(parts) != 4 {
		return fmt.Errorf("key %q is not topic|group|start|size", r.Key)
	}
	start, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return fmt.Errorf("key %q: %w", r.Key, err)
	}
	id, body, err := registry.ParseHeader(r.Value)
	if err != nil {
		return err
	}
	schema, err := o.schemas.Schema(ctx, id)
	if err != nil {
		return err
	}
	var values map[string]any
	if _, err := schema.Decode(body, &values); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	count, _ := values["count"].(int64)
	topic := o.of[r.Topic]
	o.demo.tally.result(topic, start, count, now)
	o.demo.view.Result(Result{topic, time.UnixMilli(start), values})
	return nil
}

// readToEnd returns when everything that the aggregated topics hold now was
// read, so that a record too many is not missed.
func (o *observer) readToEnd(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	var names []string
	for name := range o.of {
		names = append(names, name)
	}
	ends, err := kadm.NewClient(o.aggregated).ListEndOffsets(ctx, names...)
	if err != nil {
		return fmt.Errorf("ends of the aggregated topics: %w", err)
	}
	for !o.passed(ends) {
		select {
		case <-o.moved:
		case <-ctx.Done():
			return fmt.Errorf("read the aggregated topics to their ends: %w", ctx.Err())
		}
	}
	return nil
}

func (o *observer) passed(ends kadm.ListedOffsets) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	done := true
	ends.Each(func(e kadm.ListedOffset) {
		if e.Err == nil && o.positions[place(e.Topic, e.Partition)] < e.Offset {
			done = false
		}
	})
	return done
}

func place(topic string, partition int32) string { return topic + "/" + strconv.Itoa(int(partition)) }
