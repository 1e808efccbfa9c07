//go:build e2e

package faults

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	statuses "github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

// place is where a fault happens: a broker, a registry, one source topic, and
// a configuration for workers.
type place struct {
	t        *testing.T
	fake     *kfake.Cluster // nil on a real Kafka
	broker   *kafka.Broker  // nil on the embedded one; the first of several
	cluster  *kafka.Cluster // nil but where a test has brokers of its own
	registry *sandbox.Registry
	cfg      *config.Config
	cl       *kgo.Client
	adm      *kadm.Client
	schemas  *registry.Client

	topic string
	id    int // of its schema
	avro  *avro.Schema
	base  time.Time           // a minute's start, a day ago
	sent  map[int64][]float64 // values by start of window, ms
	n     float64
	shown int // logs of workers
}

// patience is how long a topic may take that nothing holds up, on a machine that
// has much else to do.
const patience = 20 * time.Second

const schemaText = `{"type":"record","name":"r","fields":[{"name":"x","type":"double"}]}`

func onFake(t *testing.T, opts ...kfake.Opt) *place {
	t.Helper()
	box, err := sandbox.Start(sandbox.Options{KafkaOpts: opts})
	must(t, err)
	t.Cleanup(box.Close)
	return newPlace(t, &place{fake: box.Cluster}, box.Brokers)
}

func onKafka(t *testing.T) *place {
	t.Helper()
	broker, err := realKafka()
	must(t, err)
	return newPlace(t, &place{broker: broker}, []string{broker.Addr})
}

// startBrokers starts n brokers that no other test uses.
func startBrokers(t *testing.T, n int, o kafka.Options) *kafka.Cluster {
	t.Helper()
	o.Settings = map[string]string{"group.min.session.timeout.ms": "1000"}
	return kafka.StartCluster(t, n, o)
}

// onCluster is a place on such brokers.
func onCluster(t *testing.T, cluster *kafka.Cluster) *place {
	t.Helper()
	return newPlace(t, &place{cluster: cluster, broker: cluster.Broker(1)}, cluster.Addrs())
}

func newPlace(t *testing.T, p *place, brokers []string) *place {
	t.Helper()
	p.t, p.cfg, p.sent = t, config.Default(), map[int64][]float64{}
	var err error
	p.registry, err = sandbox.StartRegistry("127.0.0.1:0")
	must(t, err)
	t.Cleanup(p.registry.Close)
	p.schemas, err = registry.New(registry.Options{URL: p.registry.URL})
	must(t, err)
	p.cl, err = kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(20*time.Millisecond), kgo.UnknownTopicRetries(-1), kgo.ProducerBatchMaxBytes(10<<20))
	must(t, err)
	t.Cleanup(p.cl.Close)
	p.adm = kadm.NewClient(p.cl)
	p.base = time.Now().Add(-24 * time.Hour).Truncate(time.Minute)

	name := regexp.MustCompile(`[^A-Za-z0-9._-]+`).ReplaceAllString(t.Name(), "-")
	p.topic, p.avro = name, avro.MustParse(schemaText)
	p.id, err = p.schemas.Register(t.Context(), name+"-value", schemaText)
	must(t, err)
	p.cfg.Kafka.Brokers, p.cfg.SchemaRegistry.URL = brokers, p.registry.URL
	p.cfg.DeadLetterTopic = name + "-dead"
	w := &p.cfg.Worker
	w.Group, w.ID, w.TopicRefresh, w.CommitInterval, w.SessionTimeout, w.TransactionTimeout = name, "a", 100*time.Millisecond, time.Millisecond, 6*time.Second, 10*time.Second
	a := &p.cfg.Aggregations[0]
	a.Topics.Include, a.Operations = []string{"^" + name + "$"}, []string{"min", "mean", "max"}
	// Only records close windows, or the end.
	a.Window = config.Window{Size: time.Second, Grace: time.Second, IdleAfter: time.Hour, MaxFutureSkew: 10 * time.Minute}
	return p
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (p *place) window() *config.Window { return &p.cfg.Aggregations[0].Window }

func (p *place) create(partitions int32, settings ...string) {
	p.t.Helper()
	m := map[string]*string{}
	for i := 0; i < len(settings); i += 2 {
		m[settings[i]] = &settings[i+1]
	}
	r, err := p.adm.CreateTopic(p.t.Context(), partitions, 1, m, p.topic)
	must(p.t, err)
	must(p.t, r.Err)
}

func (p *place) value(x float64) []byte {
	p.t.Helper()
	body, err := p.avro.AppendEncode(registry.AppendHeader(nil, p.id), map[string]any{"x": x})
	must(p.t, err)
	return body
}

// record makes one that is stamped some seconds after base and belongs into a
// window; forget takes it out again.
func (p *place) record(partition int32, seconds float64) *kgo.Record {
	p.t.Helper()
	p.n++
	at := p.base.Add(time.Duration(seconds * 1e9))
	start := at.Truncate(p.window().Size).UnixMilli()
	p.sent[start] = append(p.sent[start], p.n)
	return &kgo.Record{Topic: p.topic, Partition: partition, Timestamp: at, Value: p.value(p.n)}
}

// send writes a record for each of the times, in seconds after base.
func (p *place) send(partition int32, seconds ...float64) {
	p.t.Helper()
	var rs []*kgo.Record
	for _, s := range seconds {
		rs = append(rs, p.record(partition, s))
	}
	must(p.t, p.cl.ProduceSync(p.t.Context(), rs...).FirstErr())
}

// fill writes ten records a second, from and to in seconds after base.
func (p *place) fill(partition int32, from, to float64) {
	p.t.Helper()
	var at []float64
	for s := from; s < to-0.01; s += 0.1 {
		at = append(at, s+0.001) // clear of the windows' ends
	}
	p.send(partition, at...)
}

// running is a worker in this process.
type running struct {
	*worker.Worker
	t    *testing.T
	link *link
	stop context.CancelFunc
	hard context.CancelFunc
	done chan error
	logs *logs
}

// start runs a worker whose connections all go through a link of its own.
func (p *place) start(more ...func(*worker.Options)) *running {
	p.t.Helper()
	return p.startWith(func(*running) {}, more...)
}

// startWith is start with something to do before the worker runs: rules for
// its link.
func (p *place) startWith(prepare func(*running), more ...func(*worker.Options)) *running {
	p.t.Helper()
	r := &running{t: p.t, link: newLink(), done: make(chan error, 1), logs: &logs{}}
	hard, kill := context.WithCancel(context.Background())
	cfg := *p.cfg
	o := worker.Options{
		Config: &cfg, Version: "test", Hard: hard,
		Logger:    slog.New(slog.NewTextHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelInfo})),
		KafkaOpts: []kgo.Opt{kgo.Dialer(r.link.dial)},
	}
	for _, f := range more {
		f(&o)
	}
	var err error
	r.Worker, err = worker.New(o)
	must(p.t, err)
	ctx, stop := context.WithCancel(context.Background())
	r.stop, r.hard = stop, kill
	prepare(r)
	go func() { r.done <- r.Run(ctx) }()
	p.t.Cleanup(func() {
		r.kill()
		if p.shown++; p.t.Failed() && p.shown <= 3 { // the last ones
			p.t.Logf("worker's log:\n%s", r.logs)
		}
	})
	return r
}

// wait returns what Run returned.
func (r *running) wait() error {
	err := <-r.done
	r.done <- err
	return err
}

// kill ends the worker as SIGKILL would: all connections break first, so that
// nothing is sent any more.
func (r *running) kill() {
	r.link.kill()
	r.hard()
	r.stop()
	_ = r.wait()
}

// end stops it in order.
func (r *running) end() {
	r.t.Helper()
	r.stop()
	must(r.t, r.wait())
}

// status waits until the status has what is asked for.
func (r *running) status(what string, ok func(statuses.Status) bool) statuses.Status {
	r.t.Helper()
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		s := r.Status()
		if ok(s) {
			return s
		}
		if time.Since(begin) > time.Minute {
			r.t.Fatalf("status never had: %s; it is %s", what, brief(s))
		}
	}
}

// windows waits until a number of windows are committed by this worker.
func (r *running) windows(n int64) {
	r.t.Helper()
	r.status(fmt.Sprintf("%d windows", n), func(s statuses.Status) bool {
		total := int64(0)
		for _, t := range s.Topics {
			total += t.Windows
		}
		return total >= n
	})
}

// logged waits for a line of the log that has all the words.
func (r *running) logged(words ...string) string {
	r.t.Helper()
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		for line := range strings.Lines(r.logs.String()) {
			if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
				return line
			}
		}
		if time.Since(begin) > time.Minute {
			r.t.Fatalf("no line with %q in the log", words)
		}
	}
}

type logs struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logs) Write(b []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(b) }
func (l *logs) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }
