package worker_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// seed puts a schema into the registry as it is, as one that is less strict
// than the embedded one would have taken it.
func (b *bench) seed(id int, text string) int {
	b.t.Helper()
	b.box.Schemas.SeedSchema(fmt.Sprint("seeded-", id), 1, id, sr.Schema{Schema: text, Type: sr.TypeAvro})
	return id
}

// A schema that records cannot be read with is held against its records alone:
// they are dead letters, the window has all others, and nothing is waited for.
func TestUnreadableSchemas(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	good := b.schema("t0", xField)
	many := make([]string, 20_001)
	for i := range many {
		many[i] = fmt.Sprintf(`{"name":"f%d","type":"int"}`, i)
	}
	deep := `"int"`
	for i := range 65 {
		deep = fmt.Sprintf(`{"type":"record","name":"D%d","fields":[{"name":"d","type":%s}]}`, i, deep)
	}
	double2 := `{"name":"x0","type":{"type":"record","name":"W0","fields":[{"name":"a","type":"int"},{"name":"b","type":"int"}]}}`
	for i := range 30 {
		double2 += fmt.Sprintf(`,{"name":"x%d","type":{"type":"record","name":"W%d","fields":[{"name":"a","type":"W%d"},{"name":"b","type":"W%d"}]}}`, i+1, i+1, i, i)
	}
	record := func(fields string) string { return `{"type":"record","name":"r","fields":[` + fields + `]}` }
	cases := []struct{ text, err string }{
		{`{"type":"map","values":"double"}`, "neither a record nor a number: maps have no fixed fields"},
		{`{"type":"array","items":"double"}`, "neither a record nor a number"},
		{`"string"`, "string is not numeric"},
		{`"null"`, "null has no values"},
		{`["null","string"]`, "neither a record nor a number in it"},
		{`{"type":"enum","name":"e","symbols":["a"]}`, "enums count only when asked for"},
		{`{"type":"fixed","name":"f","size":3}`, "fixed f is not numeric"},
		{`{"type":"bytes","logicalType":"decimal","precision":64,"scale":127}`, "scale 127 is above its precision 64"},
		{`{"type":"long","logicalType":"timestamp-millis"}`, "a point in time"},
		{record(strings.Join(many, ",")), "more than 20000 fields"},
		{record(double2), "more than 20000 fields"},
		{record(`{"name":"d","type":` + deep + `}`), "deeper than 64 levels"},
		{record(`{"name":"d","type":"nowhere.to.be.found"}`), "is not defined"},
		{`{}`, "has no type"},
	}
	x := b.record(good, map[string]any{"x": 1.0})
	for i, c := range cases {
		b.send("t0", 0, 0.1, append(registry.AppendHeader(nil, b.seed(1000+i, c.text)), 0, 0, 0))
		b.send("t0", 0, 0.2, x)
	}
	w := b.start()
	wantKeys(t, b.read("t0-aggregated", 1), "0:"+strconv.Itoa(len(cases)))
	letters := b.records(b.cfg.DeadLetterTopic, len(cases))
	for i, c := range cases {
		if h := headers(letters[i]); h["offset"] != strconv.Itoa(2*i) || !strings.Contains(h["error"], c.err) {
			t.Errorf("%.60s: headers %v, want an error with %q", c.text, h, c.err)
		}
	}
	s := w.status("ready", func(s status.Status) bool { return s.Ready && len(s.Topics) == 1 && s.Topics[0].Windows == 1 })
	if got := s.Topics[0]; got.DeadLettered != int64(len(cases)) || got.Problem() != "" {
		t.Errorf("status %+v", got)
	}
}

// Records of a schema that is a number or a union of records, among others.
func TestSchemasThatAreNoRecord(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	good := b.schema("t0", xField)
	number := b.seed(1000, `"double"`)
	union := b.seed(1001, `["null",{"type":"record","name":"a","fields":[{"name":"x","type":"int"}]},
		{"type":"record","name":"b","fields":[{"name":"s","type":"string"},{"name":"y","type":["null","double"]}]}]`)
	value := func(id int, body ...byte) []byte { return append(registry.AppendHeader(nil, id), body...) }
	b.send("t0", 0, 0, b.record(good, map[string]any{"x": 1.0}))
	b.send("t0", 0, 0.1, value(number, double(5)...))
	b.send("t0", 0, 0.2, value(number, double(7)...))
	b.send("t0", 0, 0.3, value(union, 0))
	b.send("t0", 0, 0.4, value(union, 2, 6))
	b.send("t0", 0, 0.5, value(union, append([]byte{4, 2, 's', 2}, double(9)...)...))
	b.start()
	rows := b.read("t0-aggregated", 1)
	wantKeys(t, rows, "0:6")
	f := rows[0].fields
	if f["min_x"] != 1.0 || f["mean_x"] != 2.0 || f["max_x"] != 3.0 || f["mean_value"] != 6.0 || f["mean_y"] != 9.0 {
		t.Errorf("fields %v", f)
	}
	if n := b.count(b.cfg.DeadLetterTopic); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

// A topic that has nothing but numbers, and one that begins with a schema that
// cannot be read.
func TestTopicsThatBeginOddly(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	b.topic("t1", 1)
	number, text := b.seed(1000, `["null","long"]`), b.seed(1001, `"string"`)
	for i := range 3 {
		b.send("t0", 0, float64(i)/10, append(registry.AppendHeader(nil, number), 2, byte(2*i)))
	}
	b.send("t0", 0, 0.4, append(registry.AppendHeader(nil, number), 0))
	b.send("t1", 0, 0, append(registry.AppendHeader(nil, text), 0))
	b.send("t1", 0, 0.1, b.record(b.schema("t1", xField), map[string]any{"x": 3.0}))
	b.start()
	rows := b.read("t0-aggregated", 1)
	wantKeys(t, rows, "0:4")
	if f := rows[0].fields; f["max_value"] != 2.0 || f["mean_value"] != 1.0 {
		t.Errorf("fields %v", f)
	}
	rows = b.read("t1-aggregated", 1)
	wantKeys(t, rows, "0:1")
	if f := rows[0].fields; f["max_x"] != 3.0 {
		t.Errorf("fields %v", f)
	}
}

// Writer schemas that registries hold though their defaults, aliases, names or
// logical types are wrong. What is wrong does not matter to the records.
func TestDeviatingSchemas(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	const x = `{"name":"x","type":"int"}`
	fields := func(more string) string { return `{"type":"record","name":"r","fields":[` + more + x + `]}` }
	cases := []struct {
		text string
		body []byte // before x
	}{
		{fields(`{"name":"a","type":"string","default":null},`), []byte{0}},
		{fields(`{"name":"a","type":"boolean","default":"false"},`), []byte{1}},
		{fields(`{"name":"a","type":{"type":"enum","name":"e","symbols":["A"],"default":"B"}},`), []byte{0}},
		{fields(`{"name":"a","type":"int","aliases":["a","b","b"]},`), []byte{8}},
		{fields(`{"name":"a","type":{"type":"bytes","logicalType":"decimal","precision":64,"scale":127}},`), []byte{2, 7}},
		{fields(`{"name":"a","type":{"type":"bytes","logicalType":"decimal"}},`), []byte{2, 7}},
		{fields(`{"name":"a","type":{"type":"bytes","logicalType":"decimal","precision":3,"scale":-2}},`), []byte{2, 7}},
		{fields(`{"name":"a","type":{"type":"fixed","name":"f","size":1,"logicalType":"decimal","precision":30}},`), []byte{7}},
		{fields(`{"name":"a","type":{"type":"record","name":".Z","namespace":null,"fields":[]}},{"name":"b","type":".Z"},`), nil},
	}
	for i, c := range cases {
		b.send("t0", 0, float64(i)/10, append(append(registry.AppendHeader(nil, b.seed(1000+i, c.text)), c.body...), byte(2*i)))
	}
	b.start()
	rows := b.read("t0-aggregated", 1)
	wantKeys(t, rows, "0:"+strconv.Itoa(len(cases)))
	if f := rows[0].fields; f["min_x"] != 0.0 || f["mean_x"] != float64(len(cases)-1)/2 || f["max_x"] != float64(len(cases)-1) {
		t.Errorf("fields %v", f)
	}
	if n := b.count(b.cfg.DeadLetterTopic); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

// A schema that was broken on its way is not kept: who needs it next asks again.
func TestSchemaThatWasBrokenOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	b.topic("t1", 1)
	id := b.schema("t0", xField)
	var broken atomic.Bool
	b.box.Schemas.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/schemas/ids/") || !broken.CompareAndSwap(false, true) {
			return false
		}
		fmt.Fprint(rw, `{"schema":"{\"type\":\"recor"}`)
		return true
	})
	b.send("t0", 0, 0, b.record(id, map[string]any{"x": 1.0}))
	b.start()
	if h := headers(b.records(b.cfg.DeadLetterTopic, 1)[0]); h["topic"] != "t0" || !strings.Contains(h["error"], "ends in the middle") {
		t.Errorf("headers %v", h)
	}
	b.send("t1", 0, 0, b.record(id, map[string]any{"x": 1.0}))
	wantKeys(t, b.read("t1-aggregated", 1), "0:1")
}
