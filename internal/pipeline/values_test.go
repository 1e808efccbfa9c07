package pipeline

import (
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// mixed has values that a former release took, and such that it left out, which
// would have the same names.
const mixed = `{"type":"record","name":"r","fields":[
	{"name":"p","type":{"type":"array","items":{"type":"record","name":"P","fields":[{"name":"q_r","type":"double"}]}}},
	{"name":"p_q","type":{"type":"record","name":"Q","fields":[{"name":"r","type":"int"}]}},
	{"name":"u","type":["double",{"type":"record","name":"U","fields":[{"name":"v","type":"float"}]}]},
	{"name":"u_v","type":"long"},
	{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}}]}`

// former is what the release before registered for it.
func former(t *testing.T, o Output) string {
	t.Helper()
	a, err := codec.Derive(o.Topic, o.Source, nil, []codec.Field{
		{Name: "p_q_r", Path: "p_q.r", Type: "int", Kind: stats.Integer},
		{Name: "u", Path: "u", Type: `["double","record U"]`},
		{Name: "u_v", Path: "u_v", Type: "long", Kind: stats.Integer},
	}, o.Operations, o.Quantiles)
	if err != nil {
		t.Fatal(err)
	}
	return a.Text
}

// TestFormerFieldsStay: fields that were aggregated before kinds of values were added
// have the same names, with and without a version that is registered, and with one
// the same slots.
func TestFormerFieldsStay(t *testing.T) {
	r := newRig(t)
	in, err := r.spec().Input(mixed)
	if err != nil {
		t.Fatal(err)
	}
	o := r.output()
	want(t, o.Plan(o.Read(nil), in), New, 0, 0, "p_q_r_2", "p_q_r", "u", "u_v_2", "u_v")
	r.register(former(t, o))
	p := o.Plan(o.Read(r.registered), in)
	want(t, p, Changed, 0, 100, "p_q_r", "u", "u_v", "p_q_r_2", "u_v_2")
	h := p.Registered(r.register(p.Schema.Text)).History()
	if len(h.Versions) != 2 {
		t.Errorf("%d versions are in use, want both", len(h.Versions))
	}
	if old := p.Without(); len(old.Lacking()) != 2 || old.ID != 100 {
		t.Errorf("where the new version is refused, windows have version %d and lack %v", old.ID, old.Lacking())
	}
	if _, err := p.Registered(101).Decoder(); err != nil {
		t.Error(err)
	}
}

// TestSymbolsAreAdded: a schema with more symbols of an enum needs a version that has
// them all; one with fewer, or in another order, does not.
func TestSymbolsAreAdded(t *testing.T) {
	r := newRig(t)
	r.a.Fields.Enums = "index"
	with := func(symbols string) *Plan {
		in, err := r.spec().Input(strings.Replace(mixed, `"A","B"`, symbols, 1))
		if err != nil {
			t.Fatal(err)
		}
		o := r.output()
		p := o.Plan(o.Read(r.registered), in)
		if p.ID == 0 {
			p = p.Registered(r.register(p.Schema.Text))
		}
		return p
	}
	fields := []string{"p_q_r_2", "p_q_r", "u", "u_v_2", "u_v", "e"}
	want(t, with(`"A","B"`), New, 100, 0, fields...)
	want(t, with(`"B","A"`), Unchanged, 100, 0, fields...)
	want(t, with(`"C","B"`), Changed, 101, 100, fields...)
	want(t, with(`"B"`), Unchanged, 100, 0, fields...)
	p := with(`"C"`)
	want(t, p, Unchanged, 101, 0, fields...)
	if got := strings.Join(p.Schema.Fields[5].Symbols, ""); got != "ABC" || len(p.History().Versions) != 2 {
		t.Errorf("symbols %s, %d versions in use", got, len(p.History().Versions))
	}
	r.a.Fields = config.DefaultAggregation().Fields
	want(t, with(`"A"`), Unchanged, 100, 0, fields...)
}
