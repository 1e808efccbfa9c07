package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// A producer whose clock is 37 s ahead of another's in the same partition is named, and no
// record of either is lost.
func TestFastProducerIsNamed(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.cfg.Aggregations[0].Window.IdleAfter = time.Hour
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	fast, err := kgo.NewClient(kgo.SeedBrokers(b.box.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	defer fast.Close()
	// Old data: the wall clock has no say.
	at := base
	for range 20 {
		for range 10 {
			at = at.Add(100 * time.Millisecond)
			must(t, b.cl.ProduceSync(t.Context(), &kgo.Record{Topic: "t0", Timestamp: at, Value: b.record(id, map[string]any{"x": 1.0})}).FirstErr())
			must(t, fast.ProduceSync(t.Context(), &kgo.Record{Topic: "t0", Timestamp: at.Add(37 * time.Second), Value: b.record(id, map[string]any{"x": 1.0})}).FirstErr())
		}
	}
	w := b.start()
	s := w.status("two clocks", func(s status.Status) bool {
		return len(s.Topics) == 1 && len(s.Topics[0].Partitions) == 1 && len(s.Topics[0].Partitions[0].Clocks) == 2 && s.Topics[0].Partitions[0].Lag == 0
	})
	p := s.Topics[0].Partitions[0]
	producer, _, err := fast.ProducerID(t.Context())
	must(t, err)
	if c := p.Clocks[1]; c.Ahead < 36.8 || c.Ahead > 37.2 || c.Producer == nil || *c.Producer != producer || p.Apart() != c.Ahead {
		t.Errorf("%+v, the fast producer is %d", p.Clocks, producer)
	}
	if p.Late != 0 || p.Records != 400 {
		t.Errorf("%+v", p)
	}
	if log := w.logs.String(); strings.Count(log, "the clocks of the topic's records disagree") != 1 || !strings.Contains(log, "is 37.0 s ahead of the others (is it TAI, and the others UTC?)") {
		t.Errorf("log:\n%s", log)
	}
	w.end()
}
