package worker_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// A worker that waits for an output without a leader is there in time when the
// group forms anew: it is not taken for dead.
func TestOutputWithoutLeaderInRebalance(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	b.topic("t1", 1)
	b.topic("t0-aggregated", 1)
	v0, v1 := b.schema("t0", xField), b.schema("t1", xField)
	w := b.start()
	w.status("both topics", func(s status.Status) bool { return len(s.Topics) == 2 && s.Ready })
	stuck := b.box.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t0-aggregated", Err: kerr.NotLeaderForPartition, Count: -1})
	defer stuck.Remove()
	for i := range 3 {
		b.send("t0", 0, float64(i), b.record(v0, map[string]any{"x": 1.0}))
	}
	must(t, stuck.Wait(t.Context(), 1))
	other := b.start()
	other.status("in the group", func(s status.Status) bool { return s.MemberID != "" && len(s.Topics) > 0 })
	b.send("t1", 0, 0, b.record(v1, map[string]any{"x": 1.0}))
	wantKeys(t, b.read("t1-aggregated", 1), "0:1")
	if s := w.Status(); s.Sessions != 1 {
		t.Errorf("%d sessions: %s", s.Sessions, s.Reason)
	}
}
