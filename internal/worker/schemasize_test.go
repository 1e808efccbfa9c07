package worker_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// full makes the registry answer as Confluent's and Karapace do to what does
// not fit into a Kafka record.
func (b *bench) full() {
	b.box.Schemas.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || r.ContentLength < registry.UsualRecord {
			return false
		}
		rw.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(rw, `{"error_code":50001,"message":"Register operation timed out"}`)
		return true
	})
}

func doubles(n int) (fields string, values map[string]any) {
	var b strings.Builder
	values = map[string]any{}
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		name := fmt.Sprintf("forceActuatorMeasurement%04d", i)
		fmt.Fprintf(&b, `{"name":"%s","type":"double"}`, name)
		values[name] = float64(i)
	}
	return b.String(), values
}

// A topic whose aggregated schema does not fit into the registry waits alone,
// and says how large it is and what can be done. One that was fine before it
// got more fields goes on without these.
func TestSchemaThatTheRegistryHasNoRoomFor(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.cfg.Aggregations[0].Operations = []string{"min", "q1", "mean", "median", "stdev", "q3", "max"}
	b.full()
	for _, topic := range []string{"t0", "t1", "t2"} {
		b.topic(topic, 1)
	}
	must(t, b.compatibility("t0-value", "NONE"))
	fields, values := doubles(1500)
	small := b.schema("t0", xField)
	b.send("t0", 0, 0, b.record(small, map[string]any{"x": 1.0}))
	b.send("t1", 0, 0, b.record(b.schema("t1", fields), values))
	b.send("t2", 0, 0, b.record(b.schema("t2", xField), map[string]any{"x": 1.0}))
	values["x"] = 3.0
	b.send("t0", 0, 0.5, b.record(b.schema("t0", fields+","+xField), values))
	w := b.start()
	rows := b.read("t0-aggregated", 1)
	wantKeys(t, rows, "0:2")
	if f := rows[0].fields; f["mean_x"] != 2.0 || len(f) != 5+7 {
		t.Errorf("%d fields, mean_x %v", len(f), f["mean_x"])
	}
	wantKeys(t, b.read("t2-aggregated", 1), "0:1")
	s := w.status("a problem", func(s status.Status) bool {
		return len(s.Topics) == 3 && s.Topics[1].Problem() != "" && s.Topics[0].Rejected == 1
	})
	for _, part := range []string{"replied 500", "bytes in the registry", "fewer operations", "fields.exclude", "raise the registry's limit"} {
		if !strings.Contains(s.Topics[1].Problem(), part) {
			t.Errorf("problem %q without %q", s.Topics[1].Problem(), part)
		}
	}
	if s.Topics[0].Problem() != "" || s.Topics[2].Problem() != "" || s.Topics[1].DeadLettered != 0 {
		t.Errorf("status %+v", s.Topics)
	}
}

// A schema that was registered by a release that said more of each field is
// used as it is; a restart does not make a new version of it.
func TestRegisteredSchemaIsKept(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	aggregated := `{"type":"record","name":"t0_aggregated","doc":"Statistics of the fields of t0 by time window [window_start, window_end).","fields":[
		{"name":"time","type":"double","doc":"Middle of the window since 1970-01-01.","units":"s"},
		{"name":"window_start","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"Start of the window."},
		{"name":"window_end","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"End of the window, not part of it."},
		{"name":"window_size","type":"double","doc":"Size of the window.","units":"s"},{"name":"count","type":"long","doc":"Records in the window."},
		{"name":"min_x","type":["null","double"],"default":null,"doc":"smallest sample. Source: text","units":"m","operation":"min","source_field":"x"},
		{"name":"mean_x","type":["null","double"],"default":null,"doc":"arithmetic mean. Source: text","units":"m","operation":"mean","source_field":"x"},
		{"name":"max_x","type":["null","double"],"default":null,"doc":"largest sample. Source: text","units":"m","operation":"max","source_field":"x"}],
		"kafka_aggregator":{"version":1,"source_topic":"t0","quantiles":"exclusive","operations":["min","mean","max"],
		"fields":[{"name":"x","path":"x","type":"double","kind":"real","units":"m","doc":"text"}]}}`
	must(t, b.compatibility("t0-aggregated-value", "FULL_TRANSITIVE"))
	old, err := b.registry.Register(t.Context(), "t0-aggregated-value", aggregated)
	must(t, err)
	v1 := b.schema("t0", strings.Replace(xField, `"double"`, `"double","doc":"text","units":"m"`, 1))
	b.send("t0", 0, 0, b.record(v1, map[string]any{"x": 1.0}))
	w := b.start()
	first := b.read("t0-aggregated", 1)
	if first[0].schema != old || first[0].fields["max_x"] != 1.0 {
		t.Errorf("schema %d, want %d; %v", first[0].schema, old, first[0].fields)
	}
	w.end()
	v2 := b.schema("t0", xField+`,{"name":"y","type":"double","default":0}`)
	b.send("t0", 0, 5, b.record(v2, map[string]any{"x": 1.0, "y": 2.0}))
	rows := b.exactly("t0-aggregated")
	if len(rows) != 2 || rows[1].schema == old || rows[1].fields["max_x"] != 1.0 || rows[1].fields["max_y"] != 2.0 {
		t.Errorf("%d records, %v", len(rows), rows[len(rows)-1].fields)
	}
	versions, err := b.registry.Versions(t.Context(), "t0-aggregated-value")
	must(t, err)
	if len(versions) != 2 || strings.Count(versions[1].Text, `"text"`) != 1 {
		t.Errorf("%d versions, %s", len(versions), versions[len(versions)-1].Text)
	}
}

// However many topics wait for something that will never come, the others are
// not kept from their schemas.
func TestTopicsThatWaitKeepNoOther(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.box.Schemas.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || !strings.Contains(r.URL.Path, "-aggregated-value") || strings.Contains(r.URL.Path, "t99-") {
			return false
		}
		rw.WriteHeader(http.StatusConflict)
		fmt.Fprint(rw, `{"error_code":409,"message":"never"}`)
		return true
	})
	const waiting = 12
	for i := range waiting {
		topic := fmt.Sprintf("t%02d", i)
		b.topic(topic, 1)
		b.send(topic, 0, 0, b.record(b.schema(topic, xField), map[string]any{"x": 1.0}))
	}
	b.topic("t99", 1)
	id := b.schema("t99", xField)
	w := b.start()
	problems := func(s status.Status) (n int) {
		for i := range s.Topics {
			if strings.Contains(s.Topics[i].Problem(), "never") {
				n++
			}
		}
		return n
	}
	w.status("all that wait", func(s status.Status) bool { return problems(s) == waiting })
	b.send("t99", 0, 0, b.record(id, map[string]any{"x": 1.0}))
	wantKeys(t, b.read("t99-aggregated", 1), "0:1")
}
