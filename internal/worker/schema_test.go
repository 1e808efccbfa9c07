package worker_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// A field turns nullable, one disappears, one changes its type and one is new
// while the worker runs: windows keep what they have, the schema follows.
func TestSchemaChangesWhileRunning(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	must(t, b.compatibility("t0-value", "NONE"))
	v1 := b.schema("t0", `{"name":"a","type":"double"},{"name":"b","type":"int"},{"name":"c","type":"long"}`)
	b.start()
	for i := range 10 {
		b.send("t0", 0, float64(i)/10, b.record(v1, map[string]any{"a": 1.0, "b": 2, "c": int64(3)}))
	}
	v2 := b.schema("t0", `{"name":"a","type":["null","double"]},{"name":"c","type":"double"},{"name":"d","type":"float"}`)
	for i := range 20 {
		a := map[string]any{"a": nil, "c": 4.0, "d": float32(5)}
		if i%2 == 0 {
			a["a"] = 2.0
		}
		b.send("t0", 0, 0.95+float64(i)/10, b.record(v2, a))
	}
	rows := b.read("t0-aggregated", 3)
	wantKeys(t, rows, "0:11", "1:10", "2:9")
	first, last := rows[0].fields, rows[2].fields
	if first["max_a"] != 2.0 || first["mean_b"] != 2.0 || first["min_c"] != 3.0 || first["max_c"] != 4.0 || first["mean_d"] != 5.0 {
		t.Errorf("the window of both schemas: %v", first)
	}
	if last["max_a"] != 2.0 || last["mean_b"] != nil || last["mean_c"] != 4.0 || last["mean_d"] != 5.0 {
		t.Errorf("a window of the new schema: %v", last)
	}
	versions, err := b.registry.Versions(t.Context(), "t0-aggregated-value")
	must(t, err)
	if len(versions) != 2 {
		t.Errorf("%d versions of the aggregated schema, want 2", len(versions))
	}
}

// After a restart, windows that need only the old fields are written with the
// old version again.
func TestWindowKeepsItsSchemaVersion(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.cfg.Aggregations[0].Window.IdleAfter = time.Hour
	b.topic("t0", 1)
	v1 := b.schema("t0", xField)
	w := b.start()
	b.send("t0", 0, 0, b.record(v1, map[string]any{"x": 1.0}))
	b.send("t0", 0, 1, b.record(v1, map[string]any{"x": 1.0}))
	v2 := b.schema("t0", xField+`,{"name":"y","type":"double","default":0}`)
	b.send("t0", 0, 2, b.record(v2, map[string]any{"x": 1.0, "y": 2.0}))
	first := b.read("t0-aggregated", 1)
	w.end()
	rows := b.exactly("t0-aggregated")
	wantKeys(t, rows, "0:1", "1:1", "2:1")
	if rows[0].schema != first[0].schema || rows[1].schema != rows[0].schema || rows[2].schema == rows[0].schema {
		t.Errorf("schema ids %d %d %d", rows[0].schema, rows[1].schema, rows[2].schema)
	}
}

// A registry that refuses the widened schema does not stop the stream.
func TestRegistryRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	v1 := b.schema("t0", xField)
	w := b.start()
	b.send("t0", 0, 0, b.record(v1, map[string]any{"x": 1.0}))
	b.read("t0-aggregated", 1)
	b.box.Schemas.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || !strings.Contains(r.URL.Path, "aggregated") {
			return false
		}
		rw.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
		rw.WriteHeader(http.StatusConflict)
		_, _ = rw.Write([]byte(`{"error_code":409,"message":"no"}`))
		return true
	})
	v2 := b.schema("t0", xField+`,{"name":"y","type":"double","default":0}`)
	b.send("t0", 0, 5, b.record(v2, map[string]any{"x": 3.0, "y": 2.0}))
	rows := b.read("t0-aggregated", 2)
	if f := rows[1].fields; f["mean_x"] != 3.0 || f["mean_y"] != nil || rows[1].schema != rows[0].schema {
		t.Errorf("fields %v", f)
	}
	w.status("a rejected schema", func(s status.Status) bool { return len(s.Topics) == 1 && s.Topics[0].Rejected == 1 })
}

// With the registry away, records wait and nothing is dropped; the other
// topics go on.
func TestRegistryAway(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	b.topic("t1", 1)
	v0, v1 := b.schema("t0", xField), b.schema("t1", xField)
	w := b.start()
	b.send("t0", 0, 0, b.record(v0, map[string]any{"x": 1.0}))
	b.read("t0-aggregated", 1)
	away := true
	stop := make(chan struct{})
	b.box.Schemas.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		select {
		case <-stop:
			return false
		default:
		}
		if away {
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
		return true
	})
	b.send("t1", 0, 0, b.record(v1, map[string]any{"x": 1.0}))
	s := w.status("a problem", func(s status.Status) bool { return !s.Ready && strings.Contains(s.Reason, "t1") })
	if s.State != "running" {
		t.Errorf("state %s", s.State)
	}
	b.send("t0", 0, 5, b.record(v0, map[string]any{"x": 1.0}))
	w.status("the other topic goes on", func(s status.Status) bool { return s.Topics[0].Windows == 2 })
	if got := w.Status().Topics[1]; got.Windows != 0 || got.DeadLettered != 0 {
		t.Errorf("the waiting topic: %+v", got)
	}
	close(stop)
	wantKeys(t, b.read("t1-aggregated", 1), "0:1")
	w.status("ready", func(s status.Status) bool { return s.Ready })
}

// Every shape of field: nested, nullable, arrays of changing length, pooled
// and left-out ones, integers beyond 2^53.
func TestShapes(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.cfg.Aggregations[0].Fields.Arrays = map[string]string{"pool": "pool", "skip": "skip"}
	b.topic("t0", 1)
	arr := func(name string) string {
		return `{"name":"` + name + `","type":{"type":"array","items":["null","float"]}}`
	}
	id := b.schema("t0", `{"name":"n","type":{"type":"record","name":"in","fields":[{"name":"v","type":["null","int"]}]}},`+
		arr("a")+","+arr("pool")+","+arr("skip")+`,{"name":"big","type":"long"},{"name":"s","type":"string"}`)
	rec := func(v any, big int64, a ...any) []byte {
		return b.record(id, map[string]any{"n": map[string]any{"v": v}, "a": a, "pool": a, "skip": a, "big": big, "s": "x"})
	}
	b.send("t0", 0, 0, rec(1, 1<<53+1, float32(1), float32(2), nil))
	b.send("t0", 0, 0, rec(nil, 1<<53+3, float32(3)))
	b.send("t0", 0, 0, rec(4, 1<<53+5))
	b.start()
	f := b.read("t0-aggregated", 1)[0].fields
	if f["mean_n_v"] != 2.5 || f["mean_pool"] != 2.0 || f["mean_big"] != float64(1<<53+4) || f["min_big"] != float64(1<<53) {
		t.Errorf("fields %v", f)
	}
	if _, ok := f["mean_skip"]; ok {
		t.Error("a skipped array is there")
	}
	a, _ := f["mean_a"].([]any)
	if len(a) != 3 || a[0] != 2.0 || a[1] != 2.0 || a[2] == a[2] {
		t.Errorf("mean_a = %v", f["mean_a"])
	}
}
