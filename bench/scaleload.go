package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/lsst-sqre/kafka-aggregator/internal/example"
)

// scaleTopic is a source topic of the scaling benchmark.
type scaleTopic struct {
	example.Topic
	hz      int64 // records a second of event time
	records int64
	windows map[int64]*window // by start in ms; of some the values too
}

// Shape of the load: a hot topic, and plain topics of one partition with 1 to
// 8 times the least rate, which do not come in order of their weight.
const (
	hotPartitions = 8
	plainTopics   = 64
	scaleFields   = 60 // of a record, beside the time; the first of them are aggregated
	plainHz       = 50
	// valueEvery is of how many windows one has its values checked.
	valueEvery = 16
)

func plainRates() []int64 {
	rates := make([]int64, plainTopics)
	for i := range rates {
		rates[i] = plainHz << (i % 4)
	}
	rand.New(rand.NewPCG(5, 8)).Shuffle(len(rates), func(i, j int) { rates[i], rates[j] = rates[j], rates[i] })
	return rates
}

// writeLoad makes the topics, writes their records, and computes what is
// expected of them. All topics have the same span of event time.
func (s *stack) writeLoad(ctx context.Context) ([]*scaleTopic, error) {
	hot, err := example.Create(ctx, s.client, s.schemas, example.Plan{Prefix: "hot", Topics: 1, Fields: scaleFields, Partitions: hotPartitions})
	if err != nil {
		return nil, err
	}
	plain, err := example.Create(ctx, s.client, s.schemas, example.Plan{Prefix: "plain", Topics: plainTopics, Fields: scaleFields, Partitions: 1})
	if err != nil {
		return nil, err
	}
	topics := []*scaleTopic{{Topic: hot[0].Topic, hz: s.hot}}
	for i, hz := range plainRates() {
		topics = append(topics, &scaleTopic{Topic: plain[i].Topic, hz: hz})
	}
	began := time.Now()
	start := began.Add(-s.span - time.Minute).Truncate(time.Second)
	total := int64(0)
	var writing errgroup.Group
	writing.SetLimit(2)
	for i, t := range topics {
		t.records = t.hz * int64(s.span/time.Second)
		total += t.records
		writing.Go(func() error {
			_, err := example.WriteBacklog(ctx, example.BacklogOptions{Kafka: s.opts(), Topic: t.Topic, Records: t.records, PerWindow: t.hz, Start: start, Seed: uint64(i), Codec: kgo.GzipCompression()})
			return err
		})
	}
	if err := writing.Wait(); err != nil {
		return nil, err
	}
	progress("%d records written in %.1f s", total, time.Since(began).Seconds())
	began = time.Now()
	var reading errgroup.Group
	reading.SetLimit(2)
	for _, t := range topics {
		reading.Go(func() (err error) {
			t.windows, err = s.expected(ctx, t)
			return err
		})
	}
	err = reading.Wait()
	progress("what is expected of them computed in %.1f s", time.Since(began).Seconds())
	return topics, err
}

// expected counts the records of each window as they lie in the topic, and
// computes the values of every valueEvery-th window and the last. As
// reference, it shares nothing with the program.
func (s *stack) expected(ctx context.Context, t *scaleTopic) (map[int64]*window, error) {
	windows := map[int64]*window{}
	samples := map[int64][][]float64{}
	var bad error
	n, err := readAll(ctx, t.Name, func(r *kgo.Record) {
		body := r.Value[5:]
		if len(body) != 8*(scaleFields+1) {
			bad = fmt.Errorf("%s/%d: offset %d has %d bytes", t.Name, r.Partition, r.Offset, len(body))
			return
		}
		start := r.Timestamp.UnixMilli() / 1000 * 1000
		if windows[start] == nil {
			windows[start] = &window{}
		}
		windows[start].count++
		if start/1000%valueEvery != 0 {
			return
		}
		if samples[start] == nil {
			samples[start] = make([][]float64, fields)
		}
		for i := range samples[start] {
			samples[start][i] = append(samples[start][i], math.Float64frombits(binary.LittleEndian.Uint64(body[8*(i+1):])))
		}
	}, s.opts()...)
	switch {
	case err != nil:
		return nil, err
	case bad != nil:
		return nil, bad
	case n != t.records || len(windows) != int(s.span/time.Second):
		return nil, fmt.Errorf("%s: %d records in %d windows are there, %d were written", t.Name, n, len(windows), t.records)
	}
	for start, columns := range samples {
		for _, c := range columns {
			windows[start].values = append(windows[start].values, describe(c)...)
		}
	}
	return windows, nil
}

// ends is when the last window of the load starts, in ns.
func ends(t *scaleTopic) int64 {
	last := int64(0)
	for start := range t.windows {
		last = max(last, start)
	}
	return last * 1e6
}
