package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// agreed is a stage of a case: what is registered or changed before, and what plan
// says then. That a worker does so is the agreement's to find out.
type agreed struct {
	name    string
	before  func(*agreement, *config.Aggregation)
	change  string
	current int  // index of the version of the aggregated schema that plan names, from 1; 0: none
	refused bool // the registry would refuse the schema
	waits   bool // and the topic has none to go on with
	problem string
	text    string // is in the line about the schema
}

// source gives the records from now on another schema, the newest one: its
// fields, and a value.
func source(fields, value string) func(*agreement, *config.Aggregation) {
	return func(g *agreement, _ *config.Aggregation) {
		g.t.Helper()
		g.compatibility("t-value", sr.CompatNone)
		g.topic("t", fmt.Sprintf(`{"type":"record","name":"r","doc":"since %d","fields":[%s]}`, g.clock.Unix(), fields), value)
	}
}

const (
	xDouble = `{"name":"x","type":"double"}`
	xLong   = `{"name":"x","type":"long"}`
	xArray  = `{"name":"x","type":{"type":"array","items":"double"}}`
	yDouble = `{"name":"y","type":"double"}`
	sString = `{"name":"s","type":"string"}`
)

// foreign puts a schema under the subject of the aggregated topic, which the
// registry takes whatever it is, and holds new ones against it from then on.
func foreign(text string, typ sr.SchemaType) func(*agreement, *config.Aggregation) {
	return func(g *agreement, _ *config.Aggregation) {
		g.t.Helper()
		g.compatibility("t-aggregated-value", sr.CompatNone)
		cl, err := sr.NewClient(sr.URLs(g.box.RegistryURL))
		must(g.t, err)
		_, err = cl.CreateSchema(g.t.Context(), "t-aggregated-value", sr.Schema{Schema: text, Type: typ})
		must(g.t, err)
		g.compatibility("t-aggregated-value", sr.CompatFull)
	}
}

func (g *agreement) compatibility(subject string, level sr.CompatibilityLevel) {
	g.t.Helper()
	cl, err := sr.NewClient(sr.URLs(g.box.RegistryURL))
	must(g.t, err)
	for _, r := range cl.SetCompatibility(g.t.Context(), sr.SetCompatibility{Level: level}, subject) {
		must(g.t, r.Err)
	}
}

func all(do ...func(*agreement, *config.Aggregation)) func(*agreement, *config.Aggregation) {
	return func(g *agreement, a *config.Aggregation) {
		for _, f := range do {
			f(g, a)
		}
	}
}

const (
	foreignRecord = `{"type":"record","name":"other","fields":[{"name":"z","type":"string"}]}`
	foreignJSON   = `{"type":"object"}`
)

var cases = map[string][]agreed{
	"no numeric fields, then some, then none again": {
		{name: "none", before: source(sString, `{"s":"a"}`), change: "new"},
		{name: "none still", change: "unchanged", current: 1},
		{name: "some", before: source(sString+","+yDouble, `{"s":"a","y":1}`), change: "changed", current: 1},
		{name: "none again", before: source(sString, `{"s":"a"}`), change: "unchanged", current: 1},
	},
	"no field is left": {
		{before: all(source(xDouble, `{"x":1}`), func(_ *agreement, a *config.Aggregation) { a.Fields.Include = []string{"y"} }), change: "new"},
	},
	"fields come and go": {
		{name: "x", before: source(xDouble, `{"x":1}`), change: "new"},
		{name: "y", before: source(yDouble, `{"y":1}`), change: "changed", current: 1},
		{name: "x again", before: source(xDouble, `{"x":1}`), change: "unchanged", current: 1},
		{name: "both", before: source(xDouble+","+yDouble, `{"x":1,"y":2}`), change: "unchanged", current: 2},
	},
	"a type changes": {
		{name: "long", before: source(xLong, `{"x":1}`), change: "new"},
		{name: "double", before: source(xDouble, `{"x":1.5}`), change: "changed", current: 1},
		{name: "long again", before: source(xLong, `{"x":1}`), change: "unchanged", current: 1},
		{name: "array", before: source(xArray, `{"x":[1,2]}`), change: "changed", current: 2},
		{name: "pooled", before: func(_ *agreement, a *config.Aggregation) { a.Fields.Arrays = map[string]string{"x": "pool"} }, change: "changed", current: 3},
		{name: "double again", before: source(xDouble, `{"x":1.5}`), change: "unchanged", current: 2},
	},
	"units and description of a field change": { // the schema keeps those that it has
		{name: "km", before: source(`{"name":"x","type":"double","units":"km"}`, `{"x":1}`), change: "new"},
		{name: "m", before: source(`{"name":"x","type":"double","units":"m","doc":"length"}`, `{"x":1}`), change: "unchanged", current: 1},
	},
	"operations and fields change together": {
		{name: "first", before: source(xDouble, `{"x":1}`), change: "new"},
		{name: "both", before: all(source(xDouble+","+yDouble, `{"x":1,"y":2}`), func(_ *agreement, a *config.Aggregation) { a.Operations = []string{"max", "min"} }), change: "changed", current: 1},
		{name: "operations again", before: func(_ *agreement, a *config.Aggregation) { a.Operations = config.DefaultAggregation().Operations }, change: "changed", current: 2},
		{name: "all as it was", before: source(xDouble, `{"x":1}`), change: "unchanged", current: 1},
	},
	"the newest version is foreign": {
		{name: "ours", before: source(xDouble, `{"x":1}`), change: "new"},
		{name: "foreign", before: foreign(foreignRecord, sr.TypeAvro), change: "unchanged", current: 1},
		{name: "a field", before: source(xDouble+","+yDouble, `{"x":1,"y":2}`), change: "changed", current: 1, refused: true, text: "would stay in use, without y"},
		{name: "operations", before: func(_ *agreement, a *config.Aggregation) { a.Operations = []string{"max"} }, change: "changed", current: 1, refused: true, waits: true, text: "the topic would wait"},
	},
	"all versions are foreign": {
		{before: all(source(xDouble, `{"x":1}`), foreign(foreignRecord, sr.TypeAvro)), change: "replaced", current: 1, refused: true, waits: true, text: "is not this program's"},
		{name: "whatever is taken", before: func(g *agreement, _ *config.Aggregation) {
			g.compatibility("t-aggregated-value", sr.CompatNone)
		}, change: "replaced", current: 1, text: "is not this program's"},
	},
	"a foreign version is not Avro": {
		{name: "ours", before: source(xDouble, `{"x":1}`), change: "new"},
		{name: "JSON", before: foreign(foreignJSON, sr.TypeJSON), change: "unchanged", current: 1},
	},
	"a version with the attributes of former releases": {
		{before: all(source(xDouble, `{"x":1}`), former), change: "unchanged", current: 1},
	},
	"a schema that no records can be read with": {
		{before: func(g *agreement, _ *config.Aggregation) {
			g.topic("t", `{"type":"map","values":"double"}`, `{"a":1}`)
		}, change: "none", problem: "maps have no fixed fields"},
	},
	"no record": {
		{name: "a number", before: func(g *agreement, _ *config.Aggregation) { g.topic("t", `["null","double"]`, `{"double":1}`) }, change: "new"},
	},
}

// former registers what a former release would have.
func former(g *agreement, a *config.Aggregation) {
	g.t.Helper()
	a.Operations = []string{"min", "stdev", "p99.9"}
	text, err := os.ReadFile("../codec/testdata/aggregated-with-attributes.avsc")
	must(g.t, err)
	_, err = g.registry.Register(g.t.Context(), "t-aggregated-value", string(text))
	must(g.t, err)
}

// TestPlanAndWorkerAgreeOn is what the configuration does not decide: the source
// schema, and what is registered.
func TestPlanAndWorkerAgreeOn(t *testing.T) {
	t.Parallel()
	for name, steps := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config.Default()
			a := &c.Aggregations[0]
			a.Topics.Include = []string{"^t$"}
			g := newAgreement(t, c)
			for i, st := range steps {
				if st.before != nil {
					st.before(g, a)
				}
				g.sources["t"].waits = st.waits
				registered := g.versions(said{Into: "t-aggregated"})
				what := fmt.Sprintf("%d %s", i, st.name)
				s := g.stage(what)["t"]
				current := 0
				for v, r := range registered {
					if r.ID == s.Current {
						current = v + 1
					}
				}
				refused := st.problem == "" && !s.accepted()
				if s.Schema.Change != st.change || current != st.current || refused != st.refused || !strings.Contains(s.Problem, st.problem) {
					t.Errorf("%s: plan says %q, version %d, refused: %v, problem %q", what, s.Schema.Change, current, refused, s.Problem)
				}
				if !strings.Contains(s.text, st.text) {
					t.Errorf("%s: plan says %q, which has not %q", what, s.text, st.text)
				}
			}
		})
	}
}
