//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// A source schema that changes while records flow, in the middle of windows:
// fields turn nullable, wider, disappear, come back, and are new.
func TestSchemaChanges(t *testing.T) {
	s := stack.New(t)
	s.Create(2, "changing")
	must(t, s.Registry.Schemas.SetCompat("changing-value", sr.CompatNone))
	phases := []struct {
		fields []string
		record func(k int) map[string]any
	}{
		{[]string{`{"name":"a","type":"double"}`, `{"name":"b","type":"float"}`, `{"name":"c","type":"int"}`},
			func(k int) map[string]any { return map[string]any{"a": float64(k), "b": float32(k) / 3, "c": int32(k)} }},
		{[]string{`{"name":"a","type":["null","double"]}`, `{"name":"b","type":"double"}`, `{"name":"c","type":"long"}`},
			func(k int) map[string]any {
				m := map[string]any{"a": nil, "b": float64(k) / 7, "c": int64(k) << 40}
				if k%3 > 0 {
					m["a"] = float64(k) / 3
				}
				return m
			}},
		{[]string{`{"name":"a","type":["null","double"]}`, `{"name":"d","type":"long"}`, `{"name":"c","type":"string"}`},
			func(k int) map[string]any { return map[string]any{"a": 1.5, "d": int64(k), "c": "text"} }},
		{[]string{`{"name":"c","type":"double"}`, `{"name":"d","type":["null","long"]}`, `{"name":"e","type":{"type":"array","items":"double"}}`},
			func(k int) map[string]any {
				return map[string]any{"c": float64(k) / 3, "d": int64(k), "e": []float64{float64(k), 1}}
			}},
	}
	const perPhase, perSecond = 105, 10 // each change in the middle of a window
	start := time.Now().Add(-90 * time.Second).Truncate(time.Second)
	worker := s.Start("worker", "worker", "-c", s.Config("^changing$"))
	for i, phase := range phases {
		from := s.Source("changing", record("r", phase.fields))
		var records []*kgo.Record
		for k := i * perPhase; k < (i+1)*perPhase; k++ {
			records = append(records, from.Record(int32(k%2), start.Add(time.Duration(k)*time.Second/perSecond), phase.record(k)))
		}
		s.Produce(records...)
	}
	s.WaitWindows(time.Second, 30*time.Second, nil, "changing")
	worker.Terminate(10 * time.Second)
	s.Oracle("^changing$", "--expect-windows", "42")
	versions, err := s.Schemas.Versions(t.Context(), "changing-aggregated-value")
	must(t, err)
	t.Logf("%d versions of the aggregated schema", len(versions))
}
