package codec

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

func derive(t testing.TB, base *Aggregated, fields []Field, operations ...string) *Aggregated {
	t.Helper()
	a, err := Derive("lsst.sal.x-aggregated", "lsst.sal.x", base, fields, ops(t, operations...), stats.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestDerive(t *testing.T) {
	fields, _ := projectText(t, record(
		`{"name":"x","type":["null","float"],"units":"m","doc":"a \"length\" <µ>"}`,
		`{"name":"n","type":{"type":"record","name":"N","fields":[{"name":"v","type":{"type":"array","items":"long"}}]}}`,
	), Selection{})
	a := derive(t, nil, fields, "min", "stdev", "p99.9")
	if a.Namespace != "lsst.sal" || a.Name != "x_aggregated" {
		t.Errorf("record is %s in %s", a.Name, a.Namespace)
	}
	root := avro.MustParse(a.Text).Root()
	var got []string
	for _, f := range root.Fields {
		got = append(got, f.Name)
	}
	want := []string{"time", "window_start", "window_end", "window_size", "count",
		"min_x", "stdev_x", "p99_9_x", "min_n_v", "stdev_n_v", "p99_9_n_v"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("fields %v, want %v", got, want)
	}
	x, v := root.Fields[6], root.Fields[10]
	if x.Type.Type != "union" || !x.HasDefault || x.Default != nil {
		t.Errorf("stdev_x is %+v", x)
	}
	if v.Type.Type != "array" || !v.HasDefault {
		t.Errorf("p99_9_n_v is %+v", v)
	}
	for _, once := range []string{
		`{"name":"x","path":"x","type":"[\"null\",\"float\"]","kind":"real","units":"m","doc":"a \"length\" <µ>"}`,
		`{"name":"n_v","path":"n.v","type":"array<long>","kind":"integer","array":"elements"}`,
		`"quantiles":"exclusive"`, `"operations":["min","stdev","p99.9"]`,
		`{"prefix":"p99_9_","doc":"99.9th percentile, interpolated between the samples","units":"u"}`,
	} {
		if n := strings.Count(a.Text, once); n != 1 {
			t.Errorf("%s is there %d times", once, n)
		}
	}
	if n := strings.Count(a.Text, "length"); n != 1 {
		t.Errorf("the description is there %d times", n)
	}
	if root.Fields[1].Type.LogicalType != "timestamp-millis" {
		t.Errorf("window_start is %+v", root.Fields[1])
	}
	if _, err := Derive("x", "y", nil, fields, ops(t, "min", "min"), stats.Exclusive); err == nil {
		t.Error("the same operation twice was accepted")
	}
}

func TestRecordNames(t *testing.T) {
	for topic, want := range map[string]string{
		"example-000-aggregated": "|example_000_aggregated",
		"a.b.c":                  "a.b|c",
		"1.2-3.4":                "_1._2_3|_4",
		"a..b.":                  "a._.b|_",
		"_":                      "|_",
	} {
		ns, name := recordName(topic)
		if got := ns + "|" + name; got != want {
			t.Errorf("%s: %s, want %s", topic, got, want)
		}
		if _, err := Derive(topic, "s", nil, nil, nil, stats.Exclusive); err != nil {
			t.Errorf("%s: %v", topic, err)
		}
	}
}

func TestChangedShapes(t *testing.T) {
	x := Field{Name: "x", Path: "x", Type: "int", Kind: stats.Integer}
	real := Field{Name: "x", Path: "x", Type: "double", Kind: stats.Real}
	array := Field{Name: "x", Path: "x", Type: "array<int>", Kind: stats.Integer, Array: true}
	pool := array
	pool.Pool = true

	a := derive(t, nil, []Field{x}, "mean")
	if a.Covers([]Field{real}, a.Operations) || !a.Covers([]Field{x}, a.Operations) || a.Covers([]Field{x}, nil) || !a.Covers(nil, a.Operations) {
		t.Error("Covers")
	}
	a = derive(t, a, []Field{real}, "mean")
	if len(a.Fields) != 1 || a.Fields[0].Kind != stats.Real || !a.Covers([]Field{x}, a.Operations) {
		t.Errorf("int to double: %+v", a.Fields)
	}
	a = derive(t, a, []Field{array}, "mean")
	a = derive(t, a, []Field{pool, x, array}, "mean")
	if got := names(a.Fields); !reflect.DeepEqual(got, []string{"x", "x_2", "x_3"}) {
		t.Errorf("names %v", got)
	}
	for i, f := range []Field{x, array, pool} {
		if slot, ok := a.Slot(f); !ok || slot != i {
			t.Errorf("%+v has slot %d, %v", f, slot, ok)
		}
	}
}

// randomFields are fields of a source schema, as Project would give them.
func randomFields(r *rand.Rand) []Field {
	var out []Field
	paths := map[string]bool{}
	for range r.IntN(12) {
		path := fmt.Sprintf("%c%s%c", 'a'+r.IntN(3), []string{"", "_", "."}[r.IntN(3)], 'a'+r.IntN(3))
		if paths[path] {
			continue
		}
		paths[path] = true
		f := Field{Name: strings.ReplaceAll(path, ".", "_"), Path: path, Type: "double", Kind: stats.Kind(r.IntN(2))}
		if f.Array = r.IntN(3) == 0; f.Array {
			f.Pool = r.IntN(2) == 0
		}
		f.Units = []string{"", "m", "kg·m²", `"`}[r.IntN(4)]
		f.Doc = []string{"", "some text", "<&>\u2028 \\ ü"}[r.IntN(3)]
		out = append(out, f)
	}
	nameFields(out, make([]about, len(out)))
	return out
}

// TestWideningsAreCompatible: whatever is added, each version can read every
// other one (BACKWARD_TRANSITIVE, FORWARD_TRANSITIVE), slots stay, and the
// text can be read back, also after a registry has reordered it.
func TestWideningsAreCompatible(t *testing.T) {
	all := []string{"min", "q1", "mean", "median", "stdev", "q3", "max", "p99.9", "samples"}
	for seed := range uint64(60) {
		r := newRand(seed)
		var base *Aggregated
		var versions []*avro.Schema
		for range 5 {
			var some []string
			for _, op := range all {
				if r.IntN(3) > 0 {
					some = append(some, op)
				}
			}
			fields := randomFields(r)
			a := derive(t, base, fields, some...)
			if !a.Covers(fields, a.Operations) {
				t.Fatalf("seed %d: a widened schema does not cover the fields", seed)
			}
			if again := derive(t, base, fields, some...); again.Text != a.Text {
				t.Fatalf("seed %d: the text is not always the same", seed)
			}
			if base != nil {
				for i, f := range base.Fields {
					if slot, ok := a.Slot(f); !ok || slot != i || a.Fields[i].Name != f.Name {
						t.Fatalf("seed %d: slot %d of %s became %d", seed, i, f.Name, slot)
					}
				}
			}
			for _, text := range []string{a.Text, reordered(t, a.Text)} {
				back, err := ParseAggregated(text)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if !reflect.DeepEqual(back, a) {
					t.Fatalf("seed %d: read back\n%+v\nwant\n%+v", seed, back, a)
				}
			}
			s, err := avro.Parse(a.Text)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for _, old := range versions {
				if err := avro.CheckCompatibility(old, s); err != nil {
					t.Fatalf("seed %d: backward: %v", seed, err)
				}
				if err := avro.CheckCompatibility(s, old); err != nil {
					t.Fatalf("seed %d: forward: %v", seed, err)
				}
			}
			versions = append(versions, s)
			base = a
		}
	}
}

// reordered is the same JSON with other white space and order of keys.
func reordered(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestParseAggregatedRefuses(t *testing.T) {
	fields, _ := projectText(t, record(`{"name":"x","type":"int"}`), Selection{})
	good := derive(t, nil, fields, "mean", "max").Text
	for name, change := range map[string][2]string{
		"not JSON":          {`{`, `[`},
		"no mark":           {`"kafka_aggregator"`, `"other"`},
		"version":           {`"version":1`, `"version":2`},
		"operation":         {`"operations":["mean","max"]`, `"operations":["mean","maxx"]`},
		"order":             {`"operations":["mean","max"]`, `"operations":["max","mean"]`},
		"field missing":     {`"operations":["mean","max"]`, `"operations":["mean"]`},
		"operation twice":   {`"operations":["mean","max"]`, `"operations":["max","max"]`},
		"type":              {`"count","type":"long"`, `"count","type":"int"`},
		"kind":              {`"kind":"integer"`, `"kind":"float"`},
		"quantiles":         {`"exclusive"`, `"both"`},
		"array":             {`"kind":"integer"`, `"kind":"integer","array":"some"`},
		"source field name": {`"fields":[{"name":"x"`, `"fields":[{"name":"9"`},
	} {
		if !strings.Contains(good, change[0]) {
			t.Fatalf("%s: no %s in %s", name, change[0], good)
		}
		if _, err := ParseAggregated(strings.Replace(good, change[0], change[1], 1)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// wideFields are n fields with descriptions of 200 letters.
func wideFields(n int, name, doc string) []Field {
	var fields []Field
	for i := range n {
		path := fmt.Sprintf(name, i)
		fields = append(fields, Field{Name: path, Path: path, Type: "double", Units: "N", Doc: doc})
	}
	return fields
}

// The schema of the widest real topics must fit into Kafka's 1 MB message,
// which registries use to keep it (as a JSON string, so with escapes), even
// with the most operations that anybody has asked for. The figures are those of
// docs/decisions/aggregated-schema-size.md.
func TestSchemaSize(t *testing.T) {
	seven := []string{"min", "q1", "mean", "median", "stdev", "q3", "max"}
	eighteen := append(seven[:7:7], "variance", "pstdev", "pvariance", "sum", "first", "last", "p99", "p1", "range", "iqr", "samples")
	doc := strings.Repeat("Measured force of the primary cylinder of an actuator. ", 4)[:200]
	for _, c := range []struct {
		name       string
		fields     []Field
		operations []string
		most       int
	}{
		{"10 x 7", wideFields(10, "value%d", ""), seven, 9_500},
		{"374 x 7", wideFields(374, "forceActuatorMeasurement%03d", doc), seven, 450_000},
		{"374 x 18", wideFields(374, "forceActuatorMeasurement%03d", doc), eighteen, 950_000},
		{"5000 x 7", wideFields(5000, "channel%04d", ""), seven, 4_000_000},
	} {
		a := derive(t, nil, c.fields, c.operations...)
		escaped, err := json.Marshal(a.Text)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d bytes, %d escaped", c.name, len(a.Text), len(escaped))
		if len(escaped) > c.most {
			t.Errorf("%s: %d bytes, more than %d", c.name, len(escaped), c.most)
		}
		if back, err := ParseAggregated(a.Text); err != nil || back.Text != a.Text {
			t.Errorf("%s: read back: %v", c.name, err)
		}
	}
	_, err := Derive("t", "s", nil, wideFields(20_000, strings.Repeat("n", 100)+"%d", ""), ops(t, eighteen...), stats.Exclusive)
	if err == nil || !strings.Contains(err.Error(), "fewer operations") {
		t.Errorf("a schema of 60 MB: %v", err)
	}
}

// What was registered before everything was said once is still ours: it is
// used as it is if it has all fields and operations, and can be widened.
func TestSchemasWithAttributes(t *testing.T) {
	text, err := os.ReadFile("testdata/aggregated-with-attributes.avsc")
	if err != nil {
		t.Fatal(err)
	}
	old, err := ParseAggregated(string(text))
	if err != nil {
		t.Fatal(err)
	}
	fields, _ := projectText(t, record(
		`{"name":"x","type":["null","float"],"units":"m","doc":"a \"length\" <µ>"}`,
		`{"name":"n","type":{"type":"record","name":"N","fields":[{"name":"v","type":{"type":"array","items":"long"}},{"name":"p","type":{"type":"array","items":"float"}}]}}`,
		`{"name":"count","type":"int","description":"of things"}`,
	), Selection{Arrays: []ArrayRule{{pattern(t, "n.p"), ArrayPool}}})
	same := derive(t, nil, fields, "min", "stdev", "p99.9")
	if !old.Covers(fields, same.Operations) || !reflect.DeepEqual(old, same) {
		t.Errorf("read back\n%+v\nwant\n%+v", old, same)
	}
	before, after := avro.MustParse(string(text)), avro.MustParse(same.Text)
	for i, f := range before.Root().Fields {
		g := after.Root().Fields[i]
		if g.Name != f.Name || !reflect.DeepEqual(g.Type, f.Type) || g.HasDefault != f.HasDefault || !reflect.DeepEqual(g.Default, f.Default) {
			t.Errorf("field %+v became %+v", f, g)
		}
	}
	wider := derive(t, old, append(fields, Field{Name: "y", Path: "y", Type: "int"}), "min", "max", "stdev", "p99.9")
	for _, next := range []*avro.Schema{after, avro.MustParse(wider.Text)} {
		if err := errors.Join(avro.CheckCompatibility(before, next), avro.CheckCompatibility(next, before)); err != nil {
			t.Error(err)
		}
	}
}
