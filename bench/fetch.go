package main

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// fetchMain is a process that reads a topic up to the end that it has at the
// start, with the worker's client and options, and does nothing with it: the
// limit of what any reader in Go can reach.
func fetchMain(args []string) error {
	flags := flag.NewFlagSet("fetch", flag.ContinueOnError)
	brokers := flags.String("brokers", "", "")
	topic := flags.String("topic", "", "")
	want := flags.Int64("want", 0, "records")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var pool recordPool
	n, err := readAll(context.Background(), *topic, func(r *kgo.Record) { r.Recycle() },
		kgo.SeedBrokers(*brokers), kgo.WithPools(&pool))
	if err == nil && n != *want {
		err = fmt.Errorf("%d records, want %d", n, *want)
	}
	return err
}

// readAll calls use for each record of a topic that is there now, as a
// consumer who reads committed records sees it. Records of one partition come
// in order. It returns their number.
func readAll(ctx context.Context, topic string, use func(*kgo.Record), opts ...kgo.Opt) (n int64, err error) {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ConsumeTopics(topic),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxWait(500 * time.Millisecond), kgo.MaxDecompressBatchBytes(64 << 20),
	}, opts...)...)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("list end offsets of %s: %w", topic, err)
	}
	open := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			open[o.Partition] = o.Offset
		}
	})
	for len(open) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return n, err
		}
		for _, e := range fetches.Errors() {
			return n, fmt.Errorf("read %s/%d: %w", e.Topic, e.Partition, e.Err)
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			for _, r := range p.Records {
				if r.Offset+1 >= open[r.Partition] {
					delete(open, r.Partition)
				}
				if !r.Attrs.IsControl() {
					n++
					use(r)
				}
			}
		})
	}
	return n, nil
}

// recordPool lends the slices that records are decoded into, as the worker's does.
type recordPool struct{ pool sync.Pool }

func (p *recordPool) GetRecords(n int) []kgo.Record {
	if v := p.pool.Get(); v != nil {
		if s := *v.(*[]kgo.Record); cap(s) >= n {
			return s[:n]
		}
	}
	return make([]kgo.Record, n)
}

func (p *recordPool) PutRecords(s []kgo.Record) { p.pool.Put(&s) }
