package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

// box is an embedded broker and registry with a client to fill them.
type box struct {
	t     *testing.T
	box   *sandbox.Sandbox
	kafka *kgo.Client
}

func newBox(t *testing.T) *box {
	s, err := sandbox.Start(sandbox.Options{})
	must(t, err)
	t.Cleanup(s.Close)
	kafka, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	t.Cleanup(kafka.Close)
	return &box{t, s, kafka}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *box) topic(name string, partitions int32) {
	b.t.Helper()
	_, err := kadm.NewClient(b.kafka).CreateTopic(b.t.Context(), partitions, 1, nil, name)
	must(b.t, err)
}

func (b *box) produce(topic string, partition int32, ms int64, value string) {
	r := &kgo.Record{Topic: topic, Partition: partition, Timestamp: time.UnixMilli(ms), Value: []byte(value)}
	if err := b.kafka.ProduceSync(context.Background(), r).FirstErr(); err != nil {
		b.t.Error(err)
	}
}

func (b *box) connect() *Cluster {
	b.t.Helper()
	c, err := Connect(b.t.Context(), loaded(b.t, b.box.Brokers[0], b.box.RegistryURL))
	must(b.t, err)
	b.t.Cleanup(c.Close)
	return c
}

func loaded(t *testing.T, broker, url string, more ...string) *config.Loaded {
	t.Helper()
	l, err := config.Load(config.Sources{Environ: append([]string{"KAFKA_AGGREGATOR_KAFKA_BROKERS=" + broker, "KAFKA_AGGREGATOR_SCHEMA_REGISTRY_URL=" + url}, more...)})
	must(t, err)
	return l
}

func TestBounds(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.topic("a", 2)
	b.produce("a", 1, 1_700_000_000_000, "x")
	start, end, err := b.connect().Bounds(t.Context(), []string{"a", "missing"})
	must(t, err)
	if s, e := start["a"][1].Offset, end["a"][1].Offset; s != 0 || e != 1 || end["a"][0].Offset != 0 {
		t.Errorf("from %d to %d, the other to %d", s, e, end["a"][0].Offset)
	}
	for _, o := range end["missing"] {
		if o.Err == nil { // and it is no failure of all
			t.Errorf("a topic that is not there ends at %d", o.Offset)
		}
	}
}

// The last record of each topic is looked for a few back, in all partitions.
func TestLastRecords(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.topic("a", 2)
	b.topic("empty", 1)
	for i := range 10 {
		b.produce("a", 1, 1_700_000_000_000, fmt.Sprint(i))
	}
	var got []string
	must(t, b.connect().LastRecords(t.Context(), []string{"a", "empty"}, func(r *kgo.Record) bool {
		got = append(got, string(r.Value))
		return string(r.Value) == "7"
	}))
	if !strings.HasPrefix("5 6 7 8 9", strings.Join(got, " ")) || !slices.Contains(got, "7") { // what came with it comes too
		t.Errorf("%q", got)
	}
}

// refused is an address at which nobody listens.
func refused(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	return s.Listener.Addr().String()
}

func TestUnreachableRegistry(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	away := "http://" + refused(t)
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(failing.Close)
	c, err := Connect(t.Context(), loaded(t, b.box.Brokers[0], away, "KAFKA_AGGREGATOR_AGGREGATED_SCHEMA_REGISTRY_URL="+failing.URL))
	must(t, err)
	t.Cleanup(c.Close)
	for _, test := range []struct {
		client  *registry.Client
		key     string
		address string
		answer  bool
	}{
		{c.Source, "schema_registry.url", away, false},
		{c.Aggregated, "aggregated_schema_registry.url", failing.URL, true},
	} {
		_, err := test.client.Latest(t.Context(), "a-value")
		u, ok := errors.AsType[*Unreachable](c.RegistryError(t.Context(), test.client, err))
		if !ok || u.Key != test.key || u.Address != test.address || u.Answered != test.answer || u.Origin.Env == "" {
			t.Errorf("%s: %+v of %v", test.key, u, err)
		}
	}
	if err := c.RegistryError(t.Context(), c.Source, registry.ErrNotFound); err != registry.ErrNotFound {
		t.Errorf("an answer became %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := c.RegistryError(ended, c.Source, errors.New("whatever")); err != context.Canceled {
		t.Errorf("after the end: %v", err)
	}
	if err := c.BrokerError(ended, errors.New("whatever")); err != context.Canceled {
		t.Errorf("after the end: %v", err)
	}
}

func TestSettingsNoClientCanBeMadeWith(t *testing.T) {
	t.Parallel()
	l := loaded(t, refused(t), "http://"+refused(t))
	l.AggregatedSchemaRegistry.URL = "http://localhost"
	l.AggregatedSchemaRegistry.PasswordFile = filepath.Join(t.TempDir(), "none")
	_, err := Connect(t.Context(), l)
	if s, ok := errors.AsType[*SettingsError](err); !ok || s.Of != "aggregated" || !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "aggregated: schema registry: ") {
		t.Errorf("%v", err)
	}
}
