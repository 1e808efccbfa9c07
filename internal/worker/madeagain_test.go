package worker_test

import (
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// A leader that says that a partition ends below what was read of it speaks of
// another topic, which was made under its name, or does not know all yet. That is
// no word that there is nothing more to read: a window that the clock closes for
// it lacks what was not read.
func TestEndBelowPosition(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	v0 := b.schema("t0", xField)
	var again atomic.Bool
	again.Store(true)
	var asked atomic.Int64
	b.box.Cluster.ControlKey(int16(kmsg.ListOffsets), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.box.Cluster.KeepControl()
		req := r.(*kmsg.ListOffsetsRequest)
		if !again.Load() || req.Topics[0].Topic != "t0" {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		p := kmsg.NewListOffsetsResponseTopicPartition()
		p.Offset = 0
		resp.Topics = append(resp.Topics, kmsg.ListOffsetsResponseTopic{Topic: "t0", Partitions: append([]kmsg.ListOffsetsResponseTopicPartition(nil), p)})
		asked.Add(1)
		return resp, nil, true
	})
	w := b.start()
	w.status("a partition", func(s status.Status) bool { return len(s.Topics) == 1 && len(s.Topics[0].Partitions) == 1 })
	for i := range 5 {
		b.send("t0", 0, float64(i)/10, b.record(v0, map[string]any{"x": 1.0}))
	}
	w.status("records", func(s status.Status) bool { return s.Topics[0].Partitions[0].Position == 5 })
	before := asked.Load()
	w.status("the end was asked for", func(s status.Status) bool { return asked.Load() >= before+3 || s.Topics[0].Windows > 0 })
	for i := range 5 {
		b.send("t0", 0, float64(i+5)/10, b.record(v0, map[string]any{"x": 1.0}))
	}
	again.Store(false)
	wantKeys(t, b.read("t0-aggregated", 1), "0:10")
}
