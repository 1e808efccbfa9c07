package worker_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// An aggregated topic that refuses records holds up its own source only.
func TestTopicRefusesRecords(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	b.topic("t1", 1)
	v0, v1 := b.schema("t0", xField), b.schema("t1", xField)
	b.box.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t0-aggregated", Err: kerr.MessageTooLarge, Count: 1})
	w := b.start()
	b.send("t0", 0, 0, b.record(v0, map[string]any{"x": 1.0}))
	b.send("t0", 0, 5, b.record(v0, map[string]any{"x": 1.0}))
	s := w.status("a problem", func(s worker.Status) bool {
		return len(s.Topics) == 2 && strings.Contains(s.Topics[0].Problem(), "refuses")
	})
	if s.Ready || s.Aborts != 1 {
		t.Errorf("status %+v", s)
	}
	b.send("t1", 0, 0, b.record(v1, map[string]any{"x": 1.0}))
	b.send("t1", 0, 5, b.record(v1, map[string]any{"x": 1.0}))
	wantKeys(t, b.read("t1-aggregated", 1), "0:1")
	if got := w.Status().Topics[0]; got.Windows != 0 {
		t.Errorf("the refused topic: %+v", got)
	}
	wantKeys(t, b.read("t0-aggregated", 2), "0:1", "5:1")
	w.status("ready", func(s worker.Status) bool { return s.Ready && s.Sessions == 2 })
}
