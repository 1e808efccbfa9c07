package cli

import (
	"slices"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// plain is a source schema with two fields, and a record of it.
const (
	plainSchema = `{"type":"record","name":"r","fields":[{"name":"x","type":"double"},{"name":"n","type":"long"},{"name":"label","type":"string"}]}`
	plainRecord = `{"x":1.5,"n":2,"label":"a"}`
)

func defaultAgreement(t *testing.T) (*agreement, *config.Aggregation) {
	c := config.Default()
	c.Aggregations[0].Topics.Include = []string{"^t$"}
	g := newAgreement(t, c)
	g.topic("t", plainSchema, plainRecord)
	return g, &c.Aggregations[0]
}

// A change of an option that stands in the schema, after a run with the default.
func TestPlanOfChangedQuantiles(t *testing.T) {
	t.Parallel()
	g, a := defaultAgreement(t)
	g.stage("default")
	a.Quantiles = "inclusive"
	if s := g.stage("inclusive")["t"]; s.Schema.Change != "changed" || !s.differs {
		t.Errorf("plan says %q", s.Schema.Change)
	}
	a.Quantiles = "exclusive"
	if s := g.stage("exclusive again")["t"]; s.Schema.Change != "unchanged" || s.differs {
		t.Errorf("plan says %q", s.Schema.Change)
	}
}

// Operations that were added once, and taken away again.
func TestPlanOfOperationsTakenAway(t *testing.T) {
	t.Parallel()
	g, a := defaultAgreement(t)
	first := g.stage("default")["t"]
	was := a.Operations
	a.Operations = append(slices.Clone(was), "rms")
	if s := g.stage("one more")["t"]; s.Schema.Change != "changed" {
		t.Errorf("plan says %q", s.Schema.Change)
	}
	a.Operations = was
	if s := g.stage("taken away")["t"]; s.Schema.Change != "unchanged" || s.differs || s.Current == 0 || first.Current != 0 {
		t.Errorf("plan says %q, id %d", s.Schema.Change, s.Current)
	}
}

// A topic of which nothing but the number of records can be told.
func TestPlanOfNoNumericFields(t *testing.T) {
	t.Parallel()
	g, _ := defaultAgreement(t)
	g.topic("t", `{"type":"record","name":"r","fields":[{"name":"label","type":"string"}]}`, `{"label":"a"}`)
	if s := g.stage("first")["t"]; s.Problem != "" || s.Schema.Change != "new" || len(s.LeftOut) != 1 {
		t.Errorf("plan says %q, problem %q, left out %v", s.Schema.Change, s.Problem, s.LeftOut)
	}
}
