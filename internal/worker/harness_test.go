package worker_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// base is a time in the past that windows of a second start at. Tests give
// records timestamps from here on, so nothing depends on when they run.
var base = time.Now().Add(-time.Hour).Truncate(time.Minute)

// bench is a sandbox, a configuration for it, and a client.
type bench struct {
	t        *testing.T
	box      *sandbox.Sandbox
	cfg      *config.Config
	cl       *kgo.Client
	adm      *kadm.Client
	registry *registry.Client
	schemas  map[int]*avro.Schema
}

func newBench(t *testing.T, o sandbox.Options) *bench {
	t.Helper()
	box, err := sandbox.Start(o)
	must(t, err)
	t.Cleanup(box.Close)
	b := &bench{t: t, box: box, cfg: config.Default(), schemas: map[int]*avro.Schema{}}
	b.cfg.Kafka.Brokers = box.Brokers
	b.cfg.SchemaRegistry.URL = box.RegistryURL
	b.cfg.Worker.TopicRefresh = 50 * time.Millisecond
	b.cfg.Worker.CommitInterval = time.Millisecond
	a := &b.cfg.Aggregations[0]
	a.Topics.Include = []string{"^t[0-9]*$"}
	a.Operations = []string{"min", "mean", "max"}
	a.Window = config.Window{Size: time.Second, Grace: time.Second, IdleAfter: 300 * time.Millisecond, MaxFutureSkew: 2 * time.Hour}
	b.cl, err = kgo.NewClient(kgo.SeedBrokers(box.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(20*time.Millisecond))
	must(t, err)
	t.Cleanup(b.cl.Close)
	b.adm = kadm.NewClient(b.cl)
	b.registry, err = registry.New(registry.Options{URL: box.RegistryURL})
	must(t, err)
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) topic(name string, partitions int32) {
	b.t.Helper()
	r, err := b.adm.CreateTopic(b.t.Context(), partitions, 1, nil, name)
	must(b.t, err)
	must(b.t, r.Err)
}

// schema registers a record schema of the given fields for a topic.
func (b *bench) schema(topic, fields string) int {
	b.t.Helper()
	text := fmt.Sprintf(`{"type":"record","name":"r","fields":[%s]}`, fields)
	id, err := b.registry.Register(b.t.Context(), topic+"-value", text)
	must(b.t, err)
	b.schemas[id] = avro.MustParse(text)
	return id
}

const xField = `{"name":"x","type":"double"}`

// record encodes a value with a schema.
func (b *bench) record(id int, v map[string]any) []byte {
	b.t.Helper()
	body, err := b.schemas[id].Encode(v)
	must(b.t, err)
	return append(registry.AppendHeader(nil, id), body...)
}

// send writes a value to a partition, stamped at base plus seconds.
func (b *bench) send(topic string, partition int32, seconds float64, value []byte) {
	b.t.Helper()
	b.sendAt(topic, partition, base.Add(time.Duration(seconds*1e9)), value)
}

func (b *bench) sendAt(topic string, partition int32, at time.Time, value []byte) {
	b.t.Helper()
	must(b.t, b.cl.ProduceSync(b.t.Context(), &kgo.Record{Topic: topic, Partition: partition, Timestamp: at, Value: value}).FirstErr())
}

// sendRaw writes a value with a timestamp in ms that the client would not let
// through as it is: it calculates in ns.
func (b *bench) sendRaw(topic string, partition int32, ms int64, value []byte) {
	b.t.Helper()
	r := kmsg.Record{Key: nil, Value: value}
	r.Length = int32(len(r.AppendTo(nil)) - 1) // the length itself takes a byte
	batch := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, FirstTimestamp: ms, MaxTimestamp: ms, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: 1, Records: r.AppendTo(nil),
	}
	batch.Length = int32(len(batch.AppendTo(nil)) - 12)
	bytes := batch.AppendTo(nil)
	binary.BigEndian.PutUint32(bytes[17:], crc32.Checksum(bytes[21:], crc32.MakeTable(crc32.Castagnoli)))

	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis, req.Version = -1, 5000, 9 // topics by name
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Partition, rp.Records = partition, bytes
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic, rt.Partitions = topic, append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.box.Brokers[0]), kgo.MaxVersions(kversion.V3_0_0()))
	must(b.t, err)
	defer cl.Close()
	resp, err := req.RequestWith(b.t.Context(), cl)
	must(b.t, err)
	must(b.t, kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode))
}

// running is a worker that runs.
type running struct {
	*worker.Worker
	t    *testing.T
	stop context.CancelFunc
	done chan error
	logs *logs
}

// start runs a worker until the test ends or end is called.
func (b *bench) start(more ...func(*worker.Options)) *running {
	b.t.Helper()
	l := &logs{}
	o := worker.Options{Config: b.cfg, Version: "test", Logger: slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelInfo}))}
	for _, f := range more {
		f(&o)
	}
	w, err := worker.New(o)
	must(b.t, err)
	ctx, stop := context.WithCancel(context.Background())
	r := &running{Worker: w, t: b.t, stop: stop, done: make(chan error, 1), logs: l}
	go func() { r.done <- w.Run(ctx) }()
	b.t.Cleanup(func() {
		stop()
		<-r.done
		if b.t.Failed() {
			b.t.Logf("worker's log:\n%s", l.String())
		}
	})
	return r
}

// end stops the worker in an orderly way.
func (r *running) end() {
	r.t.Helper()
	r.stop()
	err := <-r.done
	r.done <- err
	must(r.t, err)
}

// status waits until the status has what is asked for.
func (r *running) status(what string, ok func(status.Status) bool) status.Status {
	r.t.Helper()
	for {
		s := r.Status()
		if ok(s) {
			return s
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-r.t.Context().Done():
			r.t.Fatalf("status never had: %s", what)
		}
	}
}

type logs struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logs) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *logs) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// row is an aggregated record, decoded by the library.
type row struct {
	*kgo.Record
	schema int
	fields map[string]any
}

// read waits for n committed records of a topic and returns them.
func (b *bench) read(topic string, n int) []row {
	b.t.Helper()
	out := b.records(topic, n)
	rows := make([]row, len(out))
	for i, r := range out {
		id, body, err := registry.ParseHeader(r.Value)
		must(b.t, err)
		s, err := b.registry.Schema(b.t.Context(), id)
		must(b.t, err)
		rows[i] = row{Record: r, schema: id}
		if _, err := s.Decode(body, &rows[i].fields); err != nil {
			b.t.Fatal(err)
		}
	}
	return rows
}

func (b *bench) records(topic string, n int) (out []*kgo.Record) {
	b.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.box.Brokers...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(20*time.Millisecond), kgo.UnknownTopicRetries(-1))
	must(b.t, err)
	defer cl.Close()
	for len(out) < n {
		fs := cl.PollFetches(b.t.Context())
		must(b.t, b.t.Context().Err())
		out = append(out, fs.Records()...)
	}
	return out
}

// exactly runs --stop-at-end, so that all that will ever come has come, and
// returns the aggregated records of a topic.
func (b *bench) exactly(topic string) []row {
	b.t.Helper()
	r := b.start(func(o *worker.Options) { o.StopAtEnd = true })
	err := <-r.done
	r.done <- err
	must(b.t, err)
	ends, err := b.adm.ListEndOffsets(b.t.Context(), topic)
	must(b.t, err)
	committed, err := b.adm.ListCommittedOffsets(b.t.Context(), topic)
	must(b.t, err)
	_ = committed
	total := int64(0)
	ends.Each(func(o kadm.ListedOffset) { total += o.Offset })
	if total == 0 {
		return nil
	}
	return b.read(topic, b.count(topic))
}

// count counts the committed records of a topic, control records left out.
func (b *bench) count(topic string) (n int) { return b.countAt(topic, true) }

// countAt counts the records of a topic, the committed ones or all.
func (b *bench) countAt(topic string, committed bool) (n int) {
	b.t.Helper()
	level := kgo.ReadUncommitted()
	if committed {
		level = kgo.ReadCommitted()
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.box.Brokers...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(level),
		kgo.KeepControlRecords(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	must(b.t, err)
	defer cl.Close()
	ends, err := b.adm.ListEndOffsets(b.t.Context(), topic)
	must(b.t, err)
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	for len(left) > 0 {
		fs := cl.PollFetches(b.t.Context())
		must(b.t, b.t.Context().Err())
		fs.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				n++
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return n
}

// keys lists the windows of rows as "seconds since base:count".
func keys(rows []row) []string {
	var out []string
	for _, r := range rows {
		out = append(out, fmt.Sprintf("%g:%d", r.start().Sub(base).Seconds(), r.fields["count"]))
	}
	slices.Sort(out)
	return out
}

func (r *row) start() time.Time {
	switch v := r.fields["window_start"].(type) {
	case time.Time:
		return v
	case int64:
		return time.UnixMilli(v)
	}
	panic(fmt.Sprintf("window_start is %T", r.fields["window_start"]))
}

func headers(r *kgo.Record) map[string]string {
	m := map[string]string{}
	for _, h := range r.Headers {
		if _, ok := m[h.Key]; !ok {
			m[h.Key] = string(h.Value)
		}
	}
	return m
}

func wantKeys(t *testing.T, rows []row, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := keys(rows); !slices.Equal(got, want) {
		t.Errorf("windows %v, want %v", got, want)
	}
}

func double(x float64) []byte {
	return binary.LittleEndian.AppendUint64(nil, math.Float64bits(x))
}

// compatibility sets the level of a subject.
func (b *bench) compatibility(subject, level string) error {
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPut, b.box.RegistryURL+"/config/"+subject, strings.NewReader(`{"compatibility":"`+level+`"}`))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
