package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// rig is an aggregation and the versions that were registered for a topic of it.
type rig struct {
	t          *testing.T
	a          config.Aggregation
	registered []Registered
}

func newRig(t *testing.T) *rig {
	a := config.DefaultAggregation()
	a.Name, a.Operations = "test", []string{"min", "max"}
	return &rig{t: t, a: a}
}

func (r *rig) spec() *Spec {
	r.t.Helper()
	s, err := NewSpec(&r.a)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *rig) output() Output {
	return r.spec().Output("t", config.Choice{AggregatedTopic: "t-aggregated"})
}

// record is a schema with fields such as "x double".
func record(fields ...string) string {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		name, typ, _ := strings.Cut(f, " ")
		if !strings.HasPrefix(typ, "{") {
			typ = `"` + typ + `"`
		}
		fmt.Fprintf(&b, `{"name":%q,"type":%s}`, name, typ)
	}
	return `{"type":"record","name":"r","fields":[` + b.String() + `]}`
}

const doubles = `{"type":"array","items":"double"}`

// plan is the plan for a schema with these fields.
func (r *rig) plan(fields ...string) *Plan {
	r.t.Helper()
	in, err := r.spec().Input(record(fields...))
	if err != nil {
		r.t.Fatal(err)
	}
	o := r.output()
	return o.Plan(o.Read(r.registered), in)
}

// run registers what a worker would, and returns the plan.
func (r *rig) run(fields ...string) *Plan {
	r.t.Helper()
	p := r.plan(fields...)
	if p.Err != nil {
		r.t.Fatal(p.Err)
	}
	if p.ID == 0 {
		p = p.Registered(r.register(p.Schema.Text))
	}
	return p
}

func (r *rig) register(text string) int {
	id := 100 + len(r.registered)
	r.registered = append(r.registered, Registered{ID: id, Version: len(r.registered) + 1, Text: text})
	return id
}

// want compares a plan with: what changes, the version's id, the id that it is a
// widening of, and the fields of its schema.
func want(t *testing.T, p *Plan, change Change, id, base int, fields ...string) {
	t.Helper()
	var have []string
	if p.Schema != nil {
		for _, f := range p.Schema.Fields {
			have = append(have, f.Name)
		}
	}
	if p.Change != change || p.ID != id || p.BaseID != base || !slices.Equal(have, fields) || p.Err != nil {
		t.Errorf("%s, id %d, from %d, fields %v, error %v; want %s, %d, %d, %v", p.Change, p.ID, p.BaseID, have, p.Err, change, id, base, fields)
	}
}

func TestFirstVersionAndAgain(t *testing.T) {
	r := newRig(t)
	want(t, r.plan("x double", "s string"), New, 0, 0, "x")
	want(t, r.run("x double", "s string"), New, 100, 0, "x")
	want(t, r.run("x double"), Unchanged, 100, 0, "x")
}

func TestFieldsAreAdded(t *testing.T) {
	r := newRig(t)
	r.run("x long")
	want(t, r.run("y double"), Changed, 101, 100, "x", "y")
	want(t, r.run("x long"), Unchanged, 100, 0, "x")
	want(t, r.run("x double", "y double"), Changed, 102, 101, "x", "y") // x is real now
	want(t, r.run("x long"), Unchanged, 100, 0, "x")
	want(t, r.run("x double"), Unchanged, 102, 0, "x", "y")
	arrays := r.run("x " + doubles)
	want(t, arrays, Changed, 103, 102, "x", "y", "x_2")
	if named := arrays.Named(); len(named) != 1 || named[0].Name != "x_2" || arrays.Fields[0].Name != "x" {
		t.Errorf("its names: %v", named)
	}
	r.a.Fields.Arrays = map[string]string{"x": "pool"}
	want(t, r.run("x "+doubles), Changed, 104, 103, "x", "y", "x_2", "x_3")
}

// Operations and quantiles: a version is in use again once they are as they were.
func TestOptionsBackAndForth(t *testing.T) {
	for name, change := range map[string]func(*config.Aggregation){
		"operations": func(a *config.Aggregation) { a.Operations = []string{"min", "max", "rms"} },
		"order":      func(a *config.Aggregation) { a.Operations = []string{"max", "min"} },
		"quantiles":  func(a *config.Aggregation) { a.Quantiles = "inclusive" },
	} {
		r := newRig(t)
		r.run("x double")
		was := r.a
		change(&r.a)
		p := r.run("x double")
		want(t, p, Changed, 101, 100, "x")
		if len(p.History().Versions) != 1 {
			t.Errorf("%s: %d versions in use", name, len(p.History().Versions))
		}
		r.a = was
		want(t, r.run("x double"), Unchanged, 100, 0, "x")
		change(&r.a)
		want(t, r.run("x double"), Unchanged, 101, 0, "x")
		want(t, r.run("y double"), Changed, 102, 101, "x", "y")
		r.a = was
		want(t, r.run("x double"), Unchanged, 100, 0, "x")
		// A new version is a widening of the newest, of whatever configuration.
		want(t, r.run("z double"), Changed, 103, 102, "x", "y", "z")
	}
}

// What is no part of the schema changes nothing.
func TestOtherOptions(t *testing.T) {
	r := newRig(t)
	r.run("x double")
	r.a.MinSampleSize, r.a.SmallSamples, r.a.ExactLimit, r.a.Partitions = 7, "first_value", 3, 5
	want(t, r.plan("x double"), Unchanged, 100, 0, "x")
}

func TestForeignVersions(t *testing.T) {
	r := newRig(t)
	foreign := r.register(`{"type":"record","name":"other","fields":[]}`)
	p := r.plan("x double")
	want(t, p, Replaced, 0, 0, "x")
	if f := p.History().Foreign; len(f) != 1 || f[0].ID != foreign || !strings.Contains(f[0].Reason, "not the schema of an aggregated topic") {
		t.Errorf("foreign: %+v", f)
	}
	ours := r.run("x double").ID
	r.register(`"string"`)
	r.registered = append(r.registered, Registered{ID: 7, Version: 4, Text: r.registered[1].Text, Type: "JSON"})
	if f := r.plan("x double").History().Foreign; len(f) != 3 || f[2].Reason != "its type is JSON, not AVRO" {
		t.Errorf("foreign: %+v", f)
	}
	want(t, r.plan("x double"), Unchanged, ours, 0, "x")
	want(t, r.plan("x double", "y double"), Changed, 0, ours, "x", "y")
}

// A version with other slots came in between; the one before it is what would be
// registered, so it is there.
func TestVersionThatIsThereAlready(t *testing.T) {
	r := newRig(t)
	first := r.run("x double", "y double").ID
	text := r.registered[0].Text
	r.registered = nil
	r.run("y double", "x double")
	other := r.registered[0].Text
	r.a.Operations = []string{"max"}
	r.registered = nil
	newest := r.run("x double", "y double")
	r.a.Operations = []string{"min", "max"}
	r.registered = []Registered{{first, 1, text, ""}, {200, 2, other, ""}, {300, 3, newest.Schema.Text, ""}}
	p := r.plan("x double", "y double")
	want(t, p, Unchanged, first, 0, "x", "y")
	if v := p.History().Versions; len(v) != 1 || v[p.Version()].SchemaID != first {
		t.Errorf("versions %v", v)
	}
}

func TestWithoutANewVersion(t *testing.T) {
	r := newRig(t)
	if p := r.plan("x double"); p.Without() != nil {
		t.Error("there is none to go on with")
	}
	r.run("x double", "z double")
	p := r.plan("x double", "y double").Without()
	want(t, p, Changed, 100, 100, "x", "z")
	if lacking := p.Lacking(); len(lacking) != 1 || lacking[0].Path != "y" {
		t.Errorf("it lacks %v", lacking)
	}
	row := decode(t, p, "\x00\x00\x00\x00\x00\x00\xf8\x3f\x00\x00\x00\x00\x00\x00\x00\x40")
	if len(row.Scalars) != 2 || row.Scalars[0] != 1.5 || row.Scalars[1] == row.Scalars[1] {
		t.Errorf("row %v", row.Scalars)
	}
}

func TestUnderivable(t *testing.T) {
	r := newRig(t)
	r.a.Operations = []string{"min", "min"}
	p := r.plan("x double")
	if !errors.Is(p.Err, ErrUnderivable) || !strings.Contains(p.Err.Error(), "t-aggregated") || p.Schema != nil || p.Change != New {
		t.Errorf("%+v", p)
	}
}

// The number of records is what is left.
func TestNoNumericFields(t *testing.T) {
	r := newRig(t)
	p := r.run("s string")
	want(t, p, New, 100, 0)
	if len(p.LeftOut) != 1 || p.LeftOut[0].Path != "s" {
		t.Errorf("left out %v", p.LeftOut)
	}
	row := decode(t, p, "\x02a")
	if len(row.Scalars) != 0 {
		t.Errorf("row %v", row.Scalars)
	}
	want(t, r.run("s string"), Unchanged, 100, 0)
	want(t, r.run("s string", "x double"), Changed, 101, 100, "x")
}

func TestUnreadable(t *testing.T) {
	r := newRig(t)
	for _, text := range []string{`"string"`, `{`, `{"type":"record"}`} {
		if _, err := r.spec().Input(text); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Partials that were made with an older version, or with one that others have
// registered, get into the slots of the newest in use.
func TestPartials(t *testing.T) {
	r := newRig(t)
	r.run("x double")
	r.run("x double", "y double")
	in, err := Partials(r.registered[0].Text)
	if err != nil {
		t.Fatal(err)
	}
	o := r.output()
	p := o.Plan(o.Read(r.registered), in)
	slots, err := p.Slots()
	if err != nil || !slices.Equal(slots, []int{0}) || p.Version() != 0 {
		t.Errorf("slots %v, version %d, %v", slots, p.Version(), err)
	}
	if in, err = Partials(r.registered[1].Text); err != nil {
		t.Fatal(err)
	}
	p = o.Plan(o.Read(r.registered[:1]), in).Without()
	if _, err := p.Slots(); err == nil || !strings.Contains(err.Error(), "no field y") {
		t.Errorf("error %v", err)
	}
	if _, err := Partials(`"string"`); err == nil {
		t.Error("a schema that is not ours")
	}
}

func decode(t *testing.T, p *Plan, body string) codec.Row {
	t.Helper()
	d, err := p.Decoder()
	if err != nil {
		t.Fatal(err)
	}
	var row codec.Row
	if err := d.Decode([]byte(body), &row); err != nil {
		t.Fatal(err)
	}
	return row
}

// A history is not changed by plans that are made from it.
func TestHistoryStays(t *testing.T) {
	r := newRig(t)
	r.run("x double")
	o := r.output()
	h := o.Read(r.registered)
	in := func(fields ...string) *Input {
		in, err := r.spec().Input(record(fields...))
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	a := o.Plan(h, in("x double", "a double")).Registered(7)
	b := o.Plan(h, in("x double", "b double")).Registered(8)
	if len(h.Versions) != 1 || a.History().Versions[1].SchemaID != 7 || b.History().Versions[1].SchemaID != 8 {
		t.Error("they share memory")
	}
	want(t, o.Plan(a.History(), in("x double", "a double")), Unchanged, 7, 0, "x", "a")
	want(t, o.Plan(b.History(), in("c double")), Changed, 0, 8, "x", "b", "c")
}
