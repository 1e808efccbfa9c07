package cli

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/survey"
)

// agreement has plan say what a worker would do, has a worker do it, and finds
// that it is the same. It does so in stages: in each, every source topic gets a
// few records of its newest schema.
type agreement struct {
	t        *testing.T
	config   *config.Config
	box      *sandbox.Sandbox
	kafka    *kgo.Client
	registry *registry.Client
	sources  map[string]*origin
	clock    time.Time // of the next records
}

// origin is a source topic with what is written to it.
type origin struct {
	schemaID int
	record   []byte // with its header
	waits    bool   // the worker cannot have an aggregated schema for it
}

func newAgreement(t *testing.T, c *config.Config) *agreement {
	box, err := sandbox.Start(sandbox.Options{})
	must(t, err)
	t.Cleanup(box.Close)
	g := &agreement{t: t, config: c, box: box, sources: map[string]*origin{}, clock: time.Now().Add(-6 * time.Hour).Truncate(time.Hour)}
	defaults := config.Default()
	c.Kafka, c.SchemaRegistry, c.AggregatedSchemaRegistry = defaults.Kafka, defaults.SchemaRegistry, defaults.AggregatedSchemaRegistry
	c.Kafka.Brokers, c.SchemaRegistry.URL = box.Brokers, box.RegistryURL
	g.kafka, err = kgo.NewClient(kgo.SeedBrokers(box.Brokers...), kgo.MetadataMinAge(20*time.Millisecond))
	must(t, err)
	t.Cleanup(g.kafka.Close)
	g.registry, err = registry.New(registry.Options{URL: box.RegistryURL})
	must(t, err)
	return g
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// topic makes a source topic, unless it is there, whose records have this schema
// and these values from now on.
func (g *agreement) topic(name, schema, value string) *origin {
	g.t.Helper()
	if g.sources[name] == nil {
		_, err := kadm.NewClient(g.kafka).CreateTopic(g.t.Context(), 1, 1, nil, name)
		must(g.t, err)
		g.sources[name] = &origin{}
	}
	o := g.sources[name]
	var err error
	o.schemaID, err = g.registry.Register(g.t.Context(), name+"-value", schema)
	must(g.t, err)
	parsed, err := avro.Parse(schema)
	must(g.t, err)
	var v any
	must(g.t, parsed.DecodeJSON([]byte(value), &v))
	o.record, err = parsed.AppendEncode(registry.AppendHeader(nil, o.schemaID), v)
	must(g.t, err)
	return o
}

// said is what plan says of a topic.
type said struct {
	Topic    string  `json:"source_topic"`
	Into     string  `json:"aggregated_topic"`
	SchemaID int     `json:"schema_id"`
	Current  int     `json:"aggregated_schema_id"`
	Problem  string  `json:"problem"`
	Fields   []named `json:"fields"`
	LeftOut  []left  `json:"left_out"`
	Schema   struct {
		Change   string   `json:"change"`
		Accepted *bool    `json:"accepted"`
		Reasons  []string `json:"reasons"`
		Instead  *struct {
			ID      int      `json:"id"`
			Without []string `json:"without"`
		} `json:"instead"`
	} `json:"schema"`
	Derived json.RawMessage `json:"derived_schema"`

	text    string // about the schema
	differs bool   // with nothing else but this topic, the exit code would be 2 for the sake of its schema
}

type (
	named struct{ Name, Path, Type string }
	left  struct{ Path, Type, Reason string }
)

// plan is what plan says of all topics.
func (g *agreement) plan() map[string]said {
	g.t.Helper()
	c, err := cluster.Connect(g.t.Context(), &config.Loaded{Config: g.config})
	must(g.t, err)
	defer c.Close()
	found, err := survey.Look(g.t.Context(), c)
	must(g.t, err)
	pl := &plan{Survey: found, Forecast: &survey.Forecast{}, schema: true}
	out := map[string]said{}
	for _, a := range found.Agents {
		var s said
		must(g.t, json.Unmarshal(appendJSON(nil, pl.object(a)), &s))
		if a.Plan != nil {
			s.text = schemaText(a)
		}
		alone := *a
		alone.Exists = true
		s.differs = (&survey.Survey{Agents: []*survey.Agent{&alone}}).Differs()
		if a.First() {
			out[s.Topic] = s
		} else {
			out[ofOutput(s.Topic, s.Into)] = s
		}
	}
	return out
}
