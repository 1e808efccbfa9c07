package survey

import (
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

// box is an embedded broker and registry with clients to fill them.
type box struct {
	t        *testing.T
	box      *sandbox.Sandbox
	kafka    *kgo.Client
	registry *registry.Client
}

func newBox(t *testing.T) *box {
	s, err := sandbox.Start(sandbox.Options{})
	must(t, err)
	t.Cleanup(s.Close)
	b := &box{t: t, box: s}
	b.kafka, err = kgo.NewClient(kgo.SeedBrokers(s.Brokers...))
	must(t, err)
	t.Cleanup(b.kafka.Close)
	b.registry, err = registry.New(registry.Options{URL: s.RegistryURL})
	must(t, err)
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// topic makes a topic with settings, name=value.
func (b *box) topic(name string, partitions int32, settings map[string]string) {
	b.t.Helper()
	configs := map[string]*string{}
	for name, value := range settings {
		configs[name] = &value
	}
	_, err := kadm.NewClient(b.kafka).CreateTopic(b.t.Context(), partitions, 1, configs, name)
	must(b.t, err)
}

func (b *box) schema(subject, text string) int {
	b.t.Helper()
	id, err := b.registry.Register(b.t.Context(), subject, text)
	must(b.t, err)
	return id
}

// record writes a record of a schema, its value in Avro's JSON.
func (b *box) record(topic string, at time.Time, id int, schema, value string) {
	b.t.Helper()
	parsed, err := avro.Parse(schema)
	must(b.t, err)
	var v any
	must(b.t, parsed.DecodeJSON([]byte(value), &v))
	body, err := parsed.AppendEncode(registry.AppendHeader(nil, id), v)
	must(b.t, err)
	must(b.t, b.kafka.ProduceSync(b.t.Context(), &kgo.Record{Topic: topic, Timestamp: at, Value: body}).FirstErr())
}

// connect has the default configuration with these changes.
func (b *box) connect(url string, change func(*config.Config)) *cluster.Cluster {
	b.t.Helper()
	c := config.Default()
	c.Kafka.Brokers, c.SchemaRegistry.URL = b.box.Brokers, url
	if change != nil {
		change(c)
	}
	must(b.t, c.Validate())
	of, err := cluster.Connect(b.t.Context(), &config.Loaded{Config: c})
	must(b.t, err)
	b.t.Cleanup(of.Close)
	return of
}
