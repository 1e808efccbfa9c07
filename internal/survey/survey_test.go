package survey

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
)

const (
	withX      = `{"type":"record","name":"r","fields":[{"name":"x","type":"double"},{"name":"label","type":"string"}]}`
	withArrays = `{"type":"record","name":"r","fields":[{"name":"x","type":"double"},{"name":"forces","type":{"type":"array","items":"double"}}]}`
)

// all takes each topic whose name begins with s.
func all(c *config.Config) {
	c.Aggregations[0].Topics.Include = []string{"^s"}
	c.Aggregations[0].Operations = []string{"mean", "max"}
}

// TestLook: each topic is an agent or is passed over with a reason; each agent has a
// plan or a problem.
func TestLook(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	for _, name := range []string{"s-named", "s-of-record", "s-none", "s-map", "other", "s-named-aggregated"} {
		b.topic(name, 2, nil)
	}
	id := b.schema("s-named-value", withX)
	b.record("s-of-record", time.Now(), id, withX, `{"x":1,"label":"a"}`)
	b.schema("s-map-value", `{"type":"map","values":"double"}`)
	of := b.connect(b.box.RegistryURL, all)
	s, err := Look(t.Context(), of)
	must(t, err)
	got := map[string]*Agent{}
	for _, a := range s.Agents {
		got[a.Topic] = a
	}
	if len(got) != 4 || s.Sources() != 4 || !reflect.DeepEqual(s.Topics(), []string{"s-named", "s-of-record"}) {
		t.Fatalf("%d agents, of %d sources, %v to aggregate", len(got), s.Sources(), s.Topics())
	}
	for _, name := range s.Topics() {
		a := got[name]
		if a.Problem != "" || a.SchemaID != id || a.Partitions != 2 || a.Exists != (name == "s-named") || a.Change() != pipeline.New || !a.Accepted || a.CurrentID() != 0 ||
			len(a.Fields()) != 1 || a.Fields()[0].Path != "x" || len(a.LeftOut()) != 1 || a.Stored == 0 || a.TooLarge() || !strings.Contains(a.Schema(), `"mean_x"`) {
			t.Errorf("%s: %+v", name, a)
		}
	}
	for name, why := range map[string]string{"s-none": "no record names a schema", "s-map": "maps have no fixed fields"} {
		if a := got[name]; !strings.Contains(a.Problem, why) || a.Plan != nil || a.Change() != None || a.Schema() != "" || a.Fields() != nil {
			t.Errorf("%s: %q, %v", name, a.Problem, a.Change())
		}
	}
	if len(s.Passed) != 2 || s.Passed[0].Topic != "other" || s.Passed[1].Reason != "it is the aggregated topic of s-named" {
		t.Errorf("passed over: %+v", s.Passed)
	}
	if !reflect.DeepEqual(s.Asides, []Aside{{"kafka-aggregator-dead-letter", "dead letters", false}}) {
		t.Errorf("asides: %+v", s.Asides)
	}
	if !s.Differs() {
		t.Error("nothing is to be made")
	}
}

// What is to be done makes a difference, and nothing else does.
func TestDiffers(t *testing.T) {
	done := func() *Agent { return &Agent{Exists: true, Plan: &pipeline.Plan{Change: pipeline.Unchanged}} }
	for name, change := range map[string]func(*Survey){
		"":                    func(*Survey) {},
		"a topic":             func(s *Survey) { s.Agents[1].Exists = false },
		"a problem":           func(s *Survey) { s.Agents[1].Problem = "no" },
		"a schema":            func(s *Survey) { s.Agents[0].Plan.Change = pipeline.Changed },
		"no plan":             func(s *Survey) { s.Agents[0].Plan = nil },
		"a dead-letter topic": func(s *Survey) { s.Asides[0].Exists = false },
	} {
		s := &Survey{Agents: []*Agent{done(), done()}, Asides: []Aside{{"d", "dead letters", true}}}
		change(s)
		if s.Differs() != (name != "") {
			t.Errorf("%q: %v", name, s.Differs())
		}
	}
}

// A registry that is away is no problem of a topic; an answer about a topic is.
func TestRegistryAwayIsNoProblemOfATopic(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.topic("s-1", 1, nil)
	for status, away := range map[int]bool{http.StatusServiceUnavailable: true, http.StatusUnauthorized: true, http.StatusUnprocessableEntity: false} {
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"error_code":42201,"message":"no"}`))
		}))
		t.Cleanup(site.Close)
		s, err := Look(t.Context(), b.connect(site.URL, all))
		u, unreachable := errors.AsType[*cluster.Unreachable](err)
		if unreachable != away || away && (!u.Answered || u.Address != site.URL) {
			t.Errorf("%d: %v", status, err)
		}
		if !away && (err != nil || s.Agents[0].Problem == "") {
			t.Errorf("%d: %v, problem %q", status, err, s.Agents[0].Problem)
		}
	}
}
