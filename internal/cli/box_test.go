package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

// box is the broker and registry of a script, with a client to fill them.
type box struct {
	sandbox *sandbox.Sandbox
	kafka   *kgo.Client
	schemas map[string]*avro.Schema // by topic
	ids     map[string]int
}

// newBox is one for a test.
func newBox(t *testing.T) *box {
	t.Helper()
	b := &box{}
	must(t, b.start(func(f func()) { t.Cleanup(f) }))
	return b
}

// start starts both; atEnd is given what ends them.
func (b *box) start(atEnd func(func())) (err error) {
	if b.sandbox, err = sandbox.Start(sandbox.Options{}); err != nil {
		return err
	}
	atEnd(b.sandbox.Close)
	if b.kafka, err = kgo.NewClient(kgo.SeedBrokers(b.sandbox.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		return err
	}
	atEnd(b.kafka.Close)
	b.schemas, b.ids = make(map[string]*avro.Schema), make(map[string]int)
	return nil
}

// topic makes a topic with settings name=value, and registers its schema, if it has
// one.
func (b *box) topic(name string, partitions int, schema string, settings ...string) error {
	configs := make(map[string]*string)
	for _, setting := range settings {
		key, value, _ := strings.Cut(setting, "=")
		configs[key] = &value
	}
	ctx := context.Background()
	if _, err := kadm.NewClient(b.kafka).CreateTopic(ctx, int32(partitions), 1, configs, name); err != nil {
		return err
	}
	if schema == "" {
		return nil
	}
	var err error
	if b.schemas[name], err = avro.Parse(schema); err != nil {
		return err
	}
	client, err := registry.New(registry.Options{URL: b.sandbox.RegistryURL})
	if err != nil {
		return err
	}
	b.ids[name], err = client.Register(ctx, name+"-value", schema)
	return err
}

// record writes a record from its time stamp in milliseconds and its value in Avro's
// JSON, or null for a tombstone.
func (b *box) record(topic, line string) error {
	ms, text, ok := strings.Cut(line, " ")
	at, err := strconv.ParseInt(ms, 10, 64)
	if !ok || err != nil {
		return fmt.Errorf("record %q is not milliseconds and JSON", line)
	}
	r := &kgo.Record{Topic: topic, Timestamp: time.UnixMilli(at), Key: []byte("k"), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}}
	if text != "null" {
		schema := b.schemas[topic]
		if schema == nil {
			return fmt.Errorf("topic %s has no schema", topic)
		}
		var v any
		if err := schema.DecodeJSON([]byte(text), &v); err != nil {
			return err
		}
		if r.Value, err = schema.AppendEncode(registry.AppendHeader(nil, b.ids[topic]), v); err != nil {
			return err
		}
	}
	return b.produce(r)
}

// bytes writes a record with this value.
func (b *box) bytes(topic string, value []byte) error {
	return b.produce(&kgo.Record{Topic: topic, Timestamp: time.UnixMilli(1_700_000_000_350), Value: value})
}

func (b *box) produce(r *kgo.Record) error {
	return b.kafka.ProduceSync(context.Background(), r).FirstErr()
}
