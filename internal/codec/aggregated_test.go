package codec

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
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
	if x.Type.Type != "union" || !x.HasDefault || x.Default != nil || x.Props["units"] != "m" ||
		x.Props["operation"] != "stdev" || x.Props["source_field"] != "x" || !strings.HasSuffix(x.Doc, `. Source: a "length" <µ>`) {
		t.Errorf("stdev_x is %+v", x)
	}
	if v.Type.Type != "array" || !v.HasDefault || v.Props["operation"] != "p99.9" || v.Props["source_field"] != "n.v" || v.Doc == "" {
		t.Errorf("p99_9_n_v is %+v", v)
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
	nameFields(out)
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

// The schema of the widest real topics must fit into Kafka's 1 MB message,
// which registries use to keep it (as a JSON string, so with escapes).
func TestSchemaSize(t *testing.T) {
	var fields []Field
	for i := range 365 {
		path := fmt.Sprintf("forceActuatorMeasurement%03d", i)
		fields = append(fields, Field{Name: path, Path: path, Type: "double", Units: "N", Doc: "Measured force of the primary cylinder."})
	}
	a := derive(t, nil, fields, "min", "q1", "mean", "median", "stdev", "q3", "max")
	escaped, err := json.Marshal(a.Text)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes, %d escaped", len(a.Text), len(escaped))
	if len(escaped) > 1_000_000 {
		t.Errorf("%d bytes", len(escaped))
	}
}
