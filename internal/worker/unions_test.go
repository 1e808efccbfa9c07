package worker_test

import (
	"reflect"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// Values of a union that are no numbers count as null in the statistics, and by
// their branch in the status: once, also if their windows are read again.
func TestOtherBranchesAreCounted(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.cfg.Aggregations[0].Operations = []string{"samples", "nulls", "mean"}
	b.topic("t0", 1)
	id := b.schema("t0", `{"name":"x","type":["null","double","string",{"type":"record","name":"L","fields":[{"name":"low","type":"double"}]},{"type":"bytes","logicalType":"uuid"}]},`+
		`{"name":"a","type":{"type":"array","items":["int","boolean"]}}`)
	send := func(at float64, x any, a ...any) {
		b.send("t0", 0, at, b.record(id, map[string]any{"x": x, "a": a}))
	}
	send(0, 1.5, 1, true)
	send(0.1, "text", false)
	send(0.2, nil)
	send(0.3, map[string]any{"low": 2.5}, 3)
	send(0.4, []byte{1}, 4)
	send(0.5, "more", 5)
	send(1, "open")
	want := []status.OtherBranch{{Field: "a", Branch: "boolean", Values: 2}, {Field: "x", Branch: "bytes", Values: 1}, {Field: "x", Branch: "string", Values: 3}}
	counted := func(s status.Status) bool {
		return len(s.Topics) == 1 && reflect.DeepEqual(s.Topics[0].OtherBranches, want)
	}
	w := b.start()
	f := b.read("t0-aggregated", 1)[0].fields
	if f["samples_x"] != 1.0 || f["nulls_x"] != 5.0 || f["mean_x"] != 1.5 || f["samples_x_low"] != 1.0 || f["nulls_x_low"] != 5.0 {
		t.Errorf("fields %v", f)
	}
	w.status("the branches", counted)
	b.send("t0", 0, 1.1, []byte("rubbish"))
	w.end()
	w = b.start() // the window of the last record is read again
	send(2, 1.0)
	b.read("t0-aggregated", 2)
	w.status("no branch again", func(s status.Status) bool { return len(s.Topics) == 1 && len(s.Topics[0].OtherBranches) == 0 })
}
