package worker_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// An aggregated topic that refuses records holds up its own source only: the
// others go on in the same session.
func TestTopicRefusesRecords(t *testing.T) {
	t.Parallel()
	for _, delivery := range []string{config.ExactlyOnce, config.AtLeastOnce} {
		t.Run(delivery, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sandbox.Options{})
			b.cfg.Worker.Delivery = delivery
			b.topic("t0", 1)
			b.topic("t1", 1)
			v0, v1 := b.schema("t0", xField), b.schema("t1", xField)
			refusing := b.box.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t0-aggregated", Err: kerr.TopicAuthorizationFailed, Count: -1})
			for i := range 3 { // both in one transaction
				b.send("t0", 0, float64(i), b.record(v0, map[string]any{"x": 1.0}))
				b.send("t1", 0, float64(i), b.record(v1, map[string]any{"x": 1.0}))
			}
			w := b.start()
			wantKeys(t, b.read("t1-aggregated", 3), "0:1", "1:1", "2:1")
			s := w.status("a problem", func(s status.Status) bool {
				return len(s.Topics) == 2 && s.Topics[0].Phase == "held" && strings.Contains(s.Topics[0].Problem(), "topic t0-aggregated refuses records: TOPIC_AUTHORIZATION_FAILED")
			})
			if s.Ready || s.Topics[0].Windows != 0 || s.Topics[0].Problems[0].Cause != "output" || s.Topics[1].Phase != "running" {
				t.Errorf("status %+v", s)
			}
			b.send("t0", 0, 3, b.record(v0, map[string]any{"x": 1.0}))
			b.send("t1", 0, 3, b.record(v1, map[string]any{"x": 1.0}))
			wantKeys(t, b.read("t1-aggregated", 4), "0:1", "1:1", "2:1", "3:1")
			refusing.Remove()
			wantKeys(t, b.read("t0-aggregated", 4), "0:1", "1:1", "2:1", "3:1")
			s = w.status("ready", func(s status.Status) bool { return s.Ready })
			if s.Sessions != 1 || s.Topics[0].Phase != "running" {
				t.Errorf("%d sessions, phase %s", s.Sessions, s.Topics[0].Phase)
			}
		})
	}
}

// A partition of an aggregated topic has no leader: its source waits, the others
// go on in the same session. So it is with whatever a broker says of the topic.
func TestOutputWithoutLeader(t *testing.T) {
	t.Parallel()
	for _, delivery := range []string{config.ExactlyOnce, config.AtLeastOnce} {
		for _, e := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.KafkaStorageError, kerr.UnknownServerError} {
			t.Run(delivery+"/"+e.Message, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, sandbox.Options{})
				b.cfg.Worker.Delivery = delivery
				b.cfg.Worker.TransactionTimeout = 4 * time.Second
				b.topic("t0", 1)
				b.topic("t1", 1)
				b.topic("t0-aggregated", 1)
				v0, v1 := b.schema("t0", xField), b.schema("t1", xField)
				w := b.start()
				w.status("both topics", func(s status.Status) bool { return len(s.Topics) == 2 && s.Ready })
				away := b.box.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t0-aggregated", Err: e, Count: -1})
				if e == kerr.NotLeaderForPartition {
					leader := b.leaderless("t0-aggregated", 0)
					defer leader.Remove()
				}
				for i := range 3 { // both in one transaction
					b.send("t0", 0, float64(i), b.record(v0, map[string]any{"x": 1.0}))
					b.send("t1", 0, float64(i), b.record(v1, map[string]any{"x": 1.0}))
				}
				wantKeys(t, b.read("t1-aggregated", 3), "0:1", "1:1", "2:1")
				w.status("a problem", func(s status.Status) bool {
					return len(s.Topics) == 2 && strings.Contains(s.Topics[0].Problem(), "topic t0-aggregated refuses records: ") && s.Topics[1].Problem() == ""
				})
				b.send("t1", 0, 3, b.record(v1, map[string]any{"x": 1.0}))
				wantKeys(t, b.read("t1-aggregated", 4), "0:1", "1:1", "2:1", "3:1")
				if s := w.Status(); s.Sessions != 1 {
					t.Errorf("%d sessions", s.Sessions)
				}
				away.Remove()
			})
		}
	}
}

// random is an array that cannot be compressed.
func random(n int) (out []float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range n {
		out = append(out, rng.NormFloat64())
	}
	return out
}

// A result that is larger than its topic takes waits; its size is told, and when
// the topic takes it, it is written.
func TestResultTooLarge(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	b.topic("t1", 1)
	created, err := b.adm.CreateTopic(t.Context(), 1, 1, map[string]*string{"max.message.bytes": new("2000")}, "t0-aggregated")
	must(t, err)
	must(t, created.Err)
	v0, v1 := b.schema("t0", `{"name":"a","type":{"type":"array","items":"double"}}`), b.schema("t1", xField)
	b.send("t0", 0, 0, b.record(v0, map[string]any{"a": random(800)}))
	b.send("t1", 0, 0, b.record(v1, map[string]any{"x": 1.0}))
	w := b.start()
	wantKeys(t, b.read("t1-aggregated", 1), "0:1")
	s := w.status("a problem", func(s status.Status) bool {
		return len(s.Topics) == 2 && strings.Contains(s.Topics[0].Problem(), "the topic takes 2000; raise the topic's max.message.bytes")
	})
	t.Log(s.Topics[0].Problem())
	_, err = b.adm.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Name: "max.message.bytes", Value: new("20000")}}, "t0-aggregated")
	must(t, err)
	wantKeys(t, b.read("t0-aggregated", 1), "0:1")
	if s := w.status("ready", func(s status.Status) bool { return s.Ready }); s.Sessions != 1 {
		t.Errorf("%d sessions", s.Sessions)
	}
}

// A result of several megabytes is written to a topic that takes it.
func TestLargeResult(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	created, err := b.adm.CreateTopic(t.Context(), 1, 1, map[string]*string{"max.message.bytes": new("10485760")}, "t0-aggregated")
	must(t, err)
	must(t, created.Err)
	id := b.schema("t0", `{"name":"a","type":{"type":"array","items":"double"}}`)
	const n = 60_000
	source, err := kgo.NewClient(kgo.SeedBrokers(b.box.Brokers...), kgo.ProducerBatchMaxBytes(1_040_000))
	must(t, err)
	defer source.Close()
	must(t, source.ProduceSync(t.Context(), &kgo.Record{Topic: "t0", Timestamp: base, Value: b.record(id, map[string]any{"a": random(n)})}).FirstErr())
	b.start()
	rows := b.read("t0-aggregated", 1)
	wantKeys(t, rows, "0:1")
	if got := len(rows[0].fields["mean_a"].([]any)); got != n || len(rows[0].Value) < 3*8*n {
		t.Errorf("%d elements in %d bytes", got, len(rows[0].Value))
	}
}

// A worker that is to stop at the end does so though a topic takes nothing, and
// says that not all is written.
func TestStopAtEndWithoutOutput(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	b.topic("t1", 1)
	v0, v1 := b.schema("t0", xField), b.schema("t1", xField)
	b.box.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t0-aggregated", Err: kerr.PolicyViolation, Count: -1})
	b.send("t0", 0, 0, b.record(v0, map[string]any{"x": 1.0}))
	b.send("t1", 0, 0, b.record(v1, map[string]any{"x": 1.0}))
	w := b.start(func(o *worker.Options) { o.StopAtEnd = true })
	err := <-w.done
	w.done <- err
	if err == nil || !strings.Contains(err.Error(), "not all that was computed could be written: topic t0-aggregated refuses records: POLICY_VIOLATION") {
		t.Errorf("error %v", err)
	}
	wantKeys(t, b.read("t1-aggregated", 1), "0:1")
}

// A letter that does not fit is made smaller, and at last its record is counted
// without one. No window waits for that, and no session ends.
func TestLettersAreRefused(t *testing.T) {
	t.Parallel()
	header := func(n, size int) (hs []kgo.RecordHeader) {
		for i := range n {
			hs = append(hs, kgo.RecordHeader{Key: fmt.Sprint("h", i), Value: make([]byte, size)})
		}
		return hs
	}
	for _, c := range []struct {
		name   string
		record kgo.Record
		limit  string            // of the dead-letter topic
		want   map[string]string // headers; nil: no letter
		value  int
		key    int
	}{
		{"large key", kgo.Record{Key: make([]byte, 1_100_000), Value: []byte("bad")}, "1048588", map[string]string{"key_truncated_from": "1100000"}, 3, 249_000},
		{"large header", kgo.Record{Key: []byte("k"), Value: []byte("bad"), Headers: header(1, 2_000_000)}, "1048588", map[string]string{"headers_dropped": "1"}, 3, 1},
		{"many headers", kgo.Record{Key: []byte("k"), Value: []byte("bad"), Headers: header(12_000, 100)}, "1048588", map[string]string{"headers_dropped": "-"}, 3, 1},
		{"key and value", kgo.Record{Key: make([]byte, 200_000), Value: make([]byte, 950_000)}, "1048588", map[string]string{"truncated_from": "950000"}, 799_000, 200_000},
		{"a topic of small records", kgo.Record{Key: make([]byte, 900), Value: make([]byte, 5000)}, "2000", map[string]string{"truncated_from": "5000", "key_truncated_from": "900"}, 1000, 300},
		{"a topic of no records", kgo.Record{Key: make([]byte, 900), Value: make([]byte, 5000)}, "100", nil, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sandbox.Options{})
			for topic, limit := range map[string]string{"t0": "10485760", b.cfg.DeadLetterTopic: c.limit} {
				created, err := b.adm.CreateTopic(t.Context(), 1, 1, map[string]*string{"max.message.bytes": &limit}, topic)
				must(t, err)
				must(t, created.Err)
			}
			b.topic("t1", 1)
			v0, v1 := b.schema("t0", xField), b.schema("t1", xField)
			b.send("t0", 0, 0, b.record(v0, map[string]any{"x": 1.0}))
			source, err := kgo.NewClient(kgo.SeedBrokers(b.box.Brokers...), kgo.ProducerBatchMaxBytes(8<<20))
			must(t, err)
			defer source.Close()
			r := c.record
			for _, b := range [][]byte{r.Key, r.Value} {
				if len(b) > 3 { // not to be compressed
					_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
				}
			}
			r.Topic, r.Timestamp = "t0", base
			must(t, source.ProduceSync(t.Context(), &r).FirstErr())
			b.send("t0", 0, 0.5, b.record(v0, map[string]any{"x": 1.0}))
			b.send("t1", 0, 0, b.record(v1, map[string]any{"x": 1.0}))
			w := b.start()
			wantKeys(t, b.read("t1-aggregated", 1), "0:1")
			wantKeys(t, b.read("t0-aggregated", 1), "0:2")
			s := w.status("the record", func(s status.Status) bool {
				return len(s.Topics) == 2 && s.Topics[0].DeadLettered == 1 && s.Topics[0].Windows == 1 && s.Ready
			})
			if s.Sessions != 1 {
				t.Errorf("%d sessions", s.Sessions)
			}
			if c.want == nil {
				if n := b.count(b.cfg.DeadLetterTopic); n != 0 || s.Topics[0].Unsent != 1 {
					t.Errorf("%d letters, %d records without", n, s.Topics[0].Unsent)
				}
				return
			}
			letter := b.records(b.cfg.DeadLetterTopic, 1)[0]
			h := headers(letter)
			for k, v := range c.want {
				if h[k] != v && (v != "-" || h[k] == "") {
					t.Errorf("header %s is %q, want %q", k, h[k], v)
				}
			}
			if h["topic"] != "t0" || h["offset"] != "1" || len(letter.Value) < c.value || len(letter.Key) < c.key || s.Topics[0].Unsent != 0 {
				t.Errorf("headers %.300v, %d bytes of value, %d of key; %d unsent", h, len(letter.Value), len(letter.Key), s.Topics[0].Unsent)
			}
		})
	}
}

// One source's records make letters that the topic does not take; those of the
// other are written whole, and soon, though the worker may not ask what the topic
// takes. The broker refuses batches, and does not say for which record.
func TestLettersBesideRefused(t *testing.T) {
	t.Parallel()
	noise := func(n int) []byte {
		out := make([]byte, n)
		_, _ = rand.NewChaCha8([32]byte{1}).Read(out)
		return out
	}
	for name, bad := range map[string]kgo.Record{
		"too large": {Key: []byte("k"), Value: noise(5000)},
		"no key":    {Value: []byte("bad")},
	} {
		for _, delivery := range []string{config.ExactlyOnce, config.AtLeastOnce} {
			t.Run(name+"/"+delivery, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, sandbox.Options{})
				b.cfg.Worker.Delivery = delivery
				b.topic("t0", 1)
				b.topic("t1", 1)
				created, err := b.adm.CreateTopic(t.Context(), 1, 1, map[string]*string{"max.message.bytes": new("2000"), "cleanup.policy": new("compact")}, b.cfg.DeadLetterTopic)
				must(t, err)
				must(t, created.Err)
				b.box.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
				const n = 20
				want := map[string]bool{}
				var records []*kgo.Record
				for i := range n {
					r := bad
					r.Topic, r.Timestamp = "t0", base
					own := &kgo.Record{Topic: "t1", Timestamp: base, Key: fmt.Append(nil, "key ", i), Value: []byte("bad"), Headers: []kgo.RecordHeader{{Key: "mine", Value: []byte("x")}}}
					want[string(own.Key)] = true
					records = append(records, &r, own)
				}
				must(t, b.cl.ProduceSync(t.Context(), records...).FirstErr())
				v0 := b.schema("t0", xField)
				b.schema("t1", xField)
				b.send("t0", 0, 0, b.record(v0, map[string]any{"x": 1.0}))
				w := b.start()
				wantKeys(t, b.read("t0-aggregated", 1), "0:1")
				s := w.status("all", func(s status.Status) bool {
					return len(s.Topics) == 2 && s.Topics[0].DeadLettered == n && s.Topics[1].DeadLettered == n
				})
				if s.Sessions != 1 || s.Topics[0].Unsent+s.Topics[1].Unsent > 0 {
					t.Errorf("%d sessions; %d and %d without a letter", s.Sessions, s.Topics[0].Unsent, s.Topics[1].Unsent)
				}
				if s.Aborts > 20 {
					t.Errorf("%d transactions were not committed", s.Aborts)
				}
				for _, r := range b.records(b.cfg.DeadLetterTopic, 2*n) {
					h := headers(r)
					if h["topic"] != "t1" {
						continue
					}
					if !want[string(r.Key)] || string(r.Value) != "bad" || h["mine"] != "x" {
						t.Errorf("letter with key %q, value %q, headers %v", r.Key, r.Value, h)
					}
					delete(want, string(r.Key))
				}
				if len(want) > 0 {
					t.Errorf("no letters: %v", want)
				}
			})
		}
	}
}

// Windows that are due together are more than the topic takes in a batch; each
// alone is not, and the worker may not ask.
func TestTopicOfSmallBatches(t *testing.T) {
	t.Parallel()
	for _, delivery := range []string{config.ExactlyOnce, config.AtLeastOnce} {
		t.Run(delivery, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sandbox.Options{})
			b.cfg.Worker.Delivery = delivery
			b.topic("t0", 1)
			created, err := b.adm.CreateTopic(t.Context(), 1, 1, map[string]*string{"max.message.bytes": new("600")}, "t0-aggregated")
			must(t, err)
			must(t, created.Err)
			b.box.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
			v0 := b.schema("t0", xField)
			var want []string
			for i := range 40 {
				b.send("t0", 0, float64(i), b.record(v0, map[string]any{"x": rand.Float64()}))
				want = append(want, fmt.Sprintf("%d:1", i))
			}
			w := b.start()
			wantKeys(t, b.read("t0-aggregated", len(want)), want...)
			if s := w.Status(); s.Sessions != 1 || s.Aborts > 3 {
				t.Errorf("%d sessions, %d transactions were not committed", s.Sessions, s.Aborts)
			}
		})
	}
}

// A session ends while it looks at a topic that has refused records: the next
// one looks again.
func TestHoldOutlivesSession(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	b.topic("t1", 1)
	v0, v1 := b.schema("t0", xField), b.schema("t1", xField)
	w := b.start()
	w.status("both topics", func(s status.Status) bool { return len(s.Topics) == 2 && s.Ready })
	b.send("t1", 0, 0, b.record(v1, map[string]any{"x": 1.0}))
	wantKeys(t, b.read("t1-aggregated", 1), "0:1")
	b.box.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t0-aggregated", Err: kerr.PolicyViolation, Count: 1})
	b.send("t0", 0, 0, b.record(v0, map[string]any{"x": 1.0}))
	w.status("a problem", func(s status.Status) bool { return s.Topics[0].Problem() != "" })
	looks := make(chan struct{})
	b.box.Cluster.ControlKey(int16(kmsg.DescribeConfigs), func(r kmsg.Request) (kmsg.Response, error, bool) {
		if r.(*kmsg.DescribeConfigsRequest).Resources[0].ResourceName != "t0-aggregated" {
			b.box.Cluster.KeepControl()
			return nil, nil, false
		}
		close(looks)
		return nil, nil, true // no answer
	})
	<-looks
	b.box.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t1-aggregated", Err: kerr.InvalidTxnState, Count: 1})
	b.send("t1", 0, 1, b.record(v1, map[string]any{"x": 1.0}))
	w.status("another session", func(s status.Status) bool { return s.Sessions == 2 })
	wantKeys(t, b.read("t0-aggregated", 1), "0:1")
	w.status("no problem", func(s status.Status) bool { return len(s.Topics) == 2 && s.Topics[0].Problem() == "" })
}
