package worker_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// Empty windows come between those that have records, once, over a restart and also
// where the group has lost its offsets: then the aggregated topics tell where the
// gap began, each for itself.
func TestEmptyWindows(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	a := &b.cfg.Aggregations[0]
	a.AggregatedTopic, a.Operations = "{source_topic}-{size}", []string{"mean", "samples"}
	a.Windows = []config.Output{{Size: time.Second, EmitEmpty: true}, {Size: 2 * time.Second}, {Size: 5 * time.Second, EmitEmpty: true}}
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	send := func(at float64) { b.send("t0", 0, at, b.record(id, map[string]any{"x": 1.0})) }
	w := b.start()
	send(0)
	send(3.5)
	rows := b.read("t0-1s", 4)
	wantKeys(t, rows, "0:1", "1:0", "2:0", "3:1")
	empty, full := headers(rows[1].Record), headers(rows[0].Record)
	if v, ok := empty["source_offsets"]; !ok || v != "" || empty["source_topic"] != "t0" || empty["source_topic_id"] != full["source_topic_id"] || len(empty) != len(full) {
		t.Errorf("headers of an empty window: %v", empty)
	}
	if f := rows[1].fields; f["mean_x"] != nil || f["samples_x"] != 0.0 || f["window_size"] != 1.0 {
		t.Errorf("an empty window: %v", f)
	}
	s := w.status("the windows", func(s status.Status) bool { return s.Topics[0].Windows >= 6 })
	if n := s.Topics[0].EmptyWindows; n != 2 {
		t.Errorf("%d empty windows are counted, want 2", n)
	}
	w.end()

	w = b.start()
	send(6)
	wantKeys(t, b.read("t0-1s", 7), "0:1", "1:0", "2:0", "3:1", "4:0", "5:0", "6:1")
	w.end()

	_, err := b.adm.DeleteGroup(t.Context(), b.cfg.Worker.Group)
	must(t, err)
	send(16.5)
	send(19)
	wantKeys(t, b.exactly("t0-1s"), "0:1", "1:0", "2:0", "3:1", "4:0", "5:0", "6:1", "7:0", "8:0", "9:0", "10:0", "11:0", "12:0", "13:0", "14:0", "15:0", "16:1", "17:0", "18:0", "19:1")
	wantKeys(t, b.read("t0-5s", b.count("t0-5s")), "0:2", "5:1", "10:0", "15:2")
	wantKeys(t, b.read("t0-2s", b.count("t0-2s")), "0:1", "2:1", "6:1", "16:1", "18:1")
}

// A gap that has too many empty windows stays one, and is counted.
func TestGapIsTooLong(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	a := &b.cfg.Aggregations[0]
	a.EmitEmpty, a.Window.Size = true, 100*time.Millisecond
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	w := b.start()
	for _, at := range []float64{0, 400, 400.2} {
		b.send("t0", 0, at, b.record(id, map[string]any{"x": 1.0}))
	}
	wantKeys(t, b.read("t0-aggregated", 4), "0:1", "400:1", "400.1:0", "400.2:1")
	s := w.status("the windows", func(s status.Status) bool { return s.Topics[0].Windows == 4 })
	if c := s.Topics[0]; c.EmptyWindows != 1 || c.UnfilledWindows != 3999 {
		t.Errorf("%d empty windows are counted, %d not filled", c.EmptyWindows, c.UnfilledWindows)
	}
	if !strings.Contains(w.logs.String(), "a gap has too many empty windows") {
		t.Error("no word of the gap")
	}
}

// Topics that have rested together have more empty windows at once than are computed in
// one iteration. All of them come.
func TestManyGapsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	a := &b.cfg.Aggregations[0]
	a.EmitEmpty, a.Window.Size = true, 10*time.Millisecond
	const topics = 5
	for i := range topics {
		topic := fmt.Sprint("t", i)
		b.topic(topic, 1)
		id := b.schema(topic, xField)
		for _, at := range []float64{0, 0.01 * (agent.MaxGap + 1)} {
			b.send(topic, 0, at, b.record(id, map[string]any{"x": 1.0}))
		}
	}
	b.exactly("t0-aggregated")
	for i := range topics {
		if n := b.count(fmt.Sprintf("t%d-aggregated", i)); n != agent.MaxGap+2 {
			t.Errorf("topic %d has %d windows, want %d", i, n, agent.MaxGap+2)
		}
	}
}

// A sparse topic has more empty windows at once than are computed in one iteration. All of
// them come, also at the end that --stop-at-end asks for.
func TestManyGapsOfOneTopicAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	a := &b.cfg.Aggregations[0]
	a.EmitEmpty, a.Window.Size = true, 10*time.Millisecond
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	const gaps = 6
	for i := range gaps + 1 {
		b.send("t0", 0, float64(i)*0.01*(agent.MaxGap+1), b.record(id, map[string]any{"x": 1.0}))
	}
	b.exactly("t0-aggregated")
	if n := b.count("t0-aggregated"); n != gaps*(agent.MaxGap+1)+1 {
		t.Errorf("%d windows, want %d", n, gaps*(agent.MaxGap+1)+1)
	}
}
