package stack

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// Create makes topics that are no example topics.
func (s *Stack) Create(partitions int32, topics ...string) {
	s.t.Helper()
	answers, err := kadm.NewClient(s.Client).CreateTopics(s.t.Context(), partitions, 1, nil, topics...)
	must(s.t, err)
	must(s.t, answers.Error())
}

// CreateStamped makes topics whose broker stamps the records when they arrive.
func (s *Stack) CreateStamped(partitions int32, topics ...string) {
	s.t.Helper()
	arrival := "LogAppendTime"
	answers, err := kadm.NewClient(s.Client).CreateTopics(s.t.Context(), partitions, 1, map[string]*string{"message.timestamp.type": &arrival}, topics...)
	must(s.t, err)
	must(s.t, answers.Error())
}

// Ends are the end offsets of the partitions that are not empty.
func (s *Stack) Ends(topics ...string) (map[string]int64, error) {
	listed, err := kadm.NewClient(s.Client).ListEndOffsets(s.t.Context(), topics...)
	if err != nil {
		return nil, err
	}
	ends := map[string]int64{}
	listed.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			ends[fmt.Sprint(o.Topic, " ", o.Partition)] = o.Offset
		}
	})
	return ends, listed.Error()
}

// Source writes records of one schema to a topic, in the past or now.
type Source struct {
	Topic string

	s      *Stack
	schema *avro.Schema
	id     int
}

// Source registers a schema for a topic.
func (s *Stack) Source(topic, schema string) *Source {
	s.t.Helper()
	id, err := s.Schemas.Register(s.t.Context(), topic+"-value", schema)
	must(s.t, err)
	return &Source{s: s, Topic: topic, schema: avro.MustParse(schema), id: id}
}

// Encode is a record in wire format.
func (f *Source) Encode(record any) []byte {
	f.s.t.Helper()
	value, err := f.schema.AppendEncode(registry.AppendHeader(nil, f.id), record)
	must(f.s.t, err)
	return value
}

// Record is one for a partition, stamped at a time.
func (f *Source) Record(partition int32, at time.Time, record any) *kgo.Record {
	f.s.t.Helper()
	return &kgo.Record{Topic: f.Topic, Partition: partition, Timestamp: at, Value: f.Encode(record)}
}

// Produce writes records and waits until they are there.
func (s *Stack) Produce(records ...*kgo.Record) {
	s.t.Helper()
	must(s.t, s.Client.ProduceSync(s.t.Context(), records...).FirstErr())
}

// ReadAll reads the committed records of a topic to its end.
func (s *Stack) ReadAll(topic string) []*kgo.Record {
	s.t.Helper()
	client, err := kgo.NewClient(s.Opts(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())...)
	must(s.t, err)
	defer client.Close()
	ends, err := s.Ends(topic)
	must(s.t, err)
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	var records []*kgo.Record
	for len(ends) > 0 {
		fetches := client.PollFetches(ctx)
		must(s.t, ctx.Err())
		for _, r := range fetches.Records() {
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
			if place := fmt.Sprint(topic, " ", r.Partition); r.Offset >= ends[place]-1 {
				delete(ends, place)
			}
		}
	}
	return records
}
