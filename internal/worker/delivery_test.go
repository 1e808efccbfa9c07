package worker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

func TestLastWindowComesOutWhenTrafficStops(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 2)
	id := b.schema("t0", xField)
	w := b.start()
	for i := range 30 {
		b.send("t0", int32(i%2), float64(i)/10, b.record(id, map[string]any{"x": float64(i)}))
	}
	rows := b.read("t0-aggregated", 3)
	wantKeys(t, rows, "0:10", "1:10", "2:10")
	r := rows[0]
	if got, want := string(r.Key), fmt.Sprintf("t0||%d|1000", r.start().UnixMilli()); got != want {
		t.Errorf("key %q, want %q", got, want)
	}
	if mid := r.start().Add(time.Second / 2); !r.Timestamp.Equal(mid) || r.fields["time"] != float64(mid.UnixNano())/1e9 {
		t.Errorf("timestamp %v, time %v, want %v", r.Timestamp, r.fields["time"], mid)
	}
	if r.fields["min_x"] != 0.0 || r.fields["mean_x"] != 4.5 || r.fields["max_x"] != 9.0 || r.fields["window_size"] != 1.0 {
		t.Errorf("fields %v", r.fields)
	}
	if h := headers(r.Record); h["source_topic"] != "t0" || h["source_offsets"] != "0:0-4/5 1:0-4/5" {
		t.Errorf("headers %v", h)
	}
	s := w.status("3 windows", func(s status.Status) bool { return len(s.Topics) == 1 && s.Topics[0].Windows == 3 })
	if got := s.Topics[0]; got.Records != 30 || got.Late != 0 || got.OpenWindows != 0 || !s.Ready {
		t.Errorf("status %+v", s)
	}
}

// A worker that stops and starts again, in an orderly way or not, loses and
// doubles nothing, and its open windows are whole.
func TestRestart(t *testing.T) {
	t.Parallel()
	for _, delivery := range []string{config.ExactlyOnce, config.AtLeastOnce} {
		t.Run(delivery, func(t *testing.T) {
			b := newBench(t, sandbox.Options{})
			b.cfg.Worker.Delivery = delivery
			b.topic("t0", 3)
			id := b.schema("t0", xField)
			send := func(from, to int) {
				for i := from; i < to; i++ {
					b.send("t0", int32(i%3), float64(i)/10, b.record(id, map[string]any{"x": 1.0}))
				}
			}
			b.cfg.Aggregations[0].Window.IdleAfter = time.Hour // only records close windows
			w := b.start()
			send(0, 45)
			b.read("t0-aggregated", 3)
			w.end()
			w = b.start()
			send(45, 55)
			b.read("t0-aggregated", 4)
			w.end()
			send(55, 60)
			wantKeys(t, b.exactly("t0-aggregated"), "0:10", "1:10", "2:10", "3:10", "4:10", "5:10")
			wantKeys(t, b.exactly("t0-aggregated"), "0:10", "1:10", "2:10", "3:10", "4:10", "5:10") // nothing left to do
		})
	}
}

func TestTwoWorkersShareTopics(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	for i := range 4 {
		b.topic(fmt.Sprint("t", i), 2)
	}
	v, w := b.start(), b.start()
	own := func(r *running) int { return len(r.Status().Topics) }
	w.status("2 topics each", func(status.Status) bool { return own(v) == 2 && own(w) == 2 })
	for i := range 4 {
		topic := fmt.Sprint("t", i)
		id := b.schema(topic, xField)
		for j := range 20 {
			b.send(topic, int32(j%2), float64(j)/10, b.record(id, map[string]any{"x": 1.0}))
		}
	}
	v.end()
	for i := range 4 {
		wantKeys(t, b.read(fmt.Sprintf("t%d-aggregated", i), 2), "0:10", "1:10")
	}
	w.status("4 topics", func(s status.Status) bool { return len(s.Topics) == 4 })
}

func TestNewTopicsAndPartitionsAreFound(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	w := b.start()
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	b.send("t0", 0, 0, b.record(id, map[string]any{"x": 1.0}))
	wantKeys(t, b.read("t0-aggregated", 1), "0:1")
	b.topic("t1", 1)
	id = b.schema("t1", xField)
	b.send("t1", 0, 0, b.record(id, map[string]any{"x": 1.0}))
	wantKeys(t, b.read("t1-aggregated", 1), "0:1")
	if _, err := b.adm.CreatePartitions(t.Context(), 1, "t1"); err != nil {
		t.Fatal(err)
	}
	w.status("2 partitions", func(s status.Status) bool { return len(s.Topics) == 2 && len(s.Topics[1].Partitions) == 2 })
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.box.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	defer cl.Close()
	must(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "t1", Partition: 1, Timestamp: base.Add(10 * time.Second), Value: b.record(id, map[string]any{"x": 2.0})}).FirstErr())
	wantKeys(t, b.read("t1-aggregated", 2), "0:1", "10:1")
}

// However wide the regular expression, a worker does not eat what it makes.
func TestOwnOutputIsNotASource(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.cfg.Aggregations[0].Topics.Include = []string{".*"}
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	b.send("t0", 0, 0, b.record(id, map[string]any{"x": 1.0}))
	b.send("t0", 0, 0, []byte("bad"))
	w := b.start()
	b.read("t0-aggregated", 1)
	b.records(b.cfg.DeadLetterTopic, 1)
	b.topic("t1", 1)
	w.status("the new topic", func(s status.Status) bool { return len(s.Topics) == 2 })
	for _, topic := range w.Status().Topics {
		if topic.Topic != "t0" && topic.Topic != "t1" {
			t.Errorf("%s is aggregated", topic.Topic)
		}
	}
}

func TestSecondRegistry(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	other, err := sandbox.StartRegistry("127.0.0.1:0")
	must(t, err)
	defer other.Close()
	b.cfg.AggregatedSchemaRegistry.URL = other.URL
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	b.send("t0", 0, 0, b.record(id, map[string]any{"x": 1.0}))
	b.start()
	b.records("t0-aggregated", 1)
	if vs, err := b.registry.Versions(t.Context(), "t0-aggregated-value"); err != nil || len(vs) != 0 {
		t.Errorf("the first registry has %v, %v", vs, err)
	}
	reg, err := cluster.NewRegistry(b.cfg.AggregatedSchemaRegistry, nil)
	must(t, err)
	if vs, err := reg.Versions(t.Context(), "t0-aggregated-value"); err != nil || len(vs) != 1 {
		t.Errorf("the second registry has %v, %v", vs, err)
	}
}

// Where topics may not be created, a worker says which one is missing, and
// goes on when it is there.
func TestTopicsMayNotBeCreated(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.cfg.Worker.CreateTopics = false
	b.topic(b.cfg.DeadLetterTopic, 1)
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	b.send("t0", 0, 0, b.record(id, map[string]any{"x": 1.0}))
	w := b.start()
	s := w.status("a problem", func(s status.Status) bool { return len(s.Topics) == 1 && s.Topics[0].Problem() != "" })
	if want := "topic t0-aggregated does not exist and worker.create_topics is false: create it"; s.Topics[0].Problem() != want || s.Ready || s.Topics[0].Phase != "schema" {
		t.Errorf("problem %q, ready %v, phase %s", s.Topics[0].Problem(), s.Ready, s.Topics[0].Phase)
	}
	b.topic("t0-aggregated", 1)
	wantKeys(t, b.read("t0-aggregated", 1), "0:1")
	w.status("ready", func(s status.Status) bool { return s.Ready && s.Topics[0].Problem() == "" })
}

// A backlog in one partition, an empty one, and one far behind the others.
func TestSkewedBacklog(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 3)
	id := b.schema("t0", xField)
	var want []string
	for i := range 200 {
		b.send("t0", 0, float64(i), b.record(id, map[string]any{"x": 1.0}))
		want = append(want, fmt.Sprintf("%d:%d", i, 1+(200-i)/200))
	}
	b.send("t0", 1, 0, b.record(id, map[string]any{"x": 1.0}))
	b.start()
	wantKeys(t, b.read("t0-aggregated", 200), want...)
}
