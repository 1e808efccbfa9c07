//go:build e2e

package e2e

import (
	"fmt"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// create makes topics that are no example topics.
func (s *stack) create(partitions int32, topics ...string) {
	s.t.Helper()
	answers, err := kadm.NewClient(s.client).CreateTopics(s.t.Context(), partitions, 1, nil, topics...)
	must(s.t, err)
	must(s.t, answers.Error())
}

// ends are the end offsets of the partitions that are not empty.
func (s *stack) ends(topics ...string) (map[string]int64, error) {
	listed, err := kadm.NewClient(s.client).ListEndOffsets(s.t.Context(), topics...)
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

// source writes records of one schema to a topic, in the past or now.
type source struct {
	s      *stack
	topic  string
	schema *avro.Schema
	id     int
}

// source registers a schema for a topic.
func (s *stack) source(topic, schema string) *source {
	s.t.Helper()
	id, err := s.schemas.Register(s.t.Context(), topic+"-value", schema)
	must(s.t, err)
	return &source{s: s, topic: topic, schema: avro.MustParse(schema), id: id}
}

// encode is a record in wire format.
func (f *source) encode(record any) []byte {
	f.s.t.Helper()
	value, err := f.schema.AppendEncode(registry.AppendHeader(nil, f.id), record)
	must(f.s.t, err)
	return value
}

func (f *source) record(partition int32, at time.Time, record any) *kgo.Record {
	f.s.t.Helper()
	return &kgo.Record{Topic: f.topic, Partition: partition, Timestamp: at, Value: f.encode(record)}
}

// produce writes records and waits until they are there.
func (s *stack) produce(records ...*kgo.Record) {
	s.t.Helper()
	must(s.t, s.client.ProduceSync(s.t.Context(), records...).FirstErr())
}
