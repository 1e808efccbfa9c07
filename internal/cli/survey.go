package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"golang.org/x/sync/errgroup"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// agent is what a worker would run for one source topic and the windows of one
// size.
type agent struct {
	topic      string
	partitions int
	choice     config.Choice
	exists     bool // the aggregated topic

	problem  string // why nothing would be aggregated; empty if all is well
	schemaID int    // of the source topic
	spec     *pipeline.Spec
	output   pipeline.Output
	plan     *pipeline.Plan // nil if there is none, because of a problem
	used     *pipeline.Plan // what a worker goes on with: another one if the registry refuses the schema, nil if the topic waits for it

	accepted bool // the registry has the plan's schema, or finds it compatible
	reasons  []string
	stored   int    // bytes that the schema takes in the registry, 0 if it is there
	oversize string // why it may not fit
}

// survey is what a worker would make of the topics of a cluster.
type survey struct {
	agents []*agent
	passed []passed
	asides []aside
	there  []string // all topics of the cluster
}

// aside is a topic for records that get into no window.
type aside struct {
	topic, purpose string
	exists         bool
}

// asides are those that the configuration names.
func asides(c *config.Config, there kadm.TopicDetails) (out []aside) {
	add := func(topic, purpose string) {
		if topic != "" && !slices.ContainsFunc(out, func(a aside) bool { return a.topic == topic }) {
			out = append(out, aside{topic, purpose, there.Has(topic)})
		}
	}
	add(c.DeadLetterTopic, "dead letters")
	for _, a := range c.Aggregations {
		if a.Late.Policy == "topic" {
			add(a.Late.Topic, "late records")
		}
	}
	return out
}

// passed is a topic that is not taken.
type passed struct{ topic, reason string }

// look finds the source topics and works out what becomes of each. It writes nothing.
func (c *connection) look(ctx context.Context) (*survey, error) {
	selector, err := config.NewSelector(c.Config.Config)
	if err != nil {
		return nil, err
	}
	specs := make(map[*config.Aggregation]*pipeline.Spec)
	for i := range c.Config.Aggregations {
		a := &c.Config.Aggregations[i]
		if specs[a], err = pipeline.NewSpec(a); err != nil {
			return nil, err
		}
	}
	details, err := c.Admin.ListTopics(ctx)
	if err != nil {
		return nil, c.BrokerError(ctx, err)
	}
	s := &survey{asides: asides(c.Config.Config, details)}
	for _, d := range details.Sorted() {
		s.there = append(s.there, d.Topic)
		choice, reason := selector.Explain(d.Topic)
		if reason != "" {
			s.passed = append(s.passed, passed{d.Topic, reason})
			continue
		}
		spec := specs[choice.Aggregation]
		for _, o := range spec.Outputs(d.Topic, choice) {
			_, exists := details[o.Topic]
			s.agents = append(s.agents, &agent{topic: d.Topic, partitions: len(d.Partitions), choice: choice, exists: exists, spec: spec, output: o})
		}
	}
	if err := s.each(ctx, c.findSchema); err != nil {
		return nil, err
	}
	var nameless []string
	for _, a := range s.agents {
		if a.schemaID == 0 && a.problem == "" {
			nameless = append(nameless, a.topic)
		}
	}
	ids, err := c.lastSchemaIDs(ctx, nameless)
	if err != nil {
		return nil, err
	}
	return s, s.each(ctx, func(ctx context.Context, a *agent) error {
		if a.schemaID == 0 && a.problem == "" {
			if a.schemaID = ids[a.topic]; a.schemaID == 0 {
				a.problem = "the registry has no subject " + a.topic + "-value, and no record names a schema"
			}
		}
		if a.problem != "" {
			return nil
		}
		return a.trouble(c.examine(ctx, a))
	})
}

// each does something for all agents, several at once.
func (s *survey) each(ctx context.Context, do func(context.Context, *agent) error) error {
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, a := range s.agents {
		group.Go(func() error { return do(all, a) })
	}
	err := group.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// findSchema sets the newest schema that is registered under the topic's
// name, if there is one. An error is one of a registry that is not there;
// what is wrong with the topic itself is a.problem.
func (c *connection) findSchema(ctx context.Context, a *agent) error {
	latest, err := c.Source.Latest(ctx, a.topic+"-value")
	if errors.Is(err, registry.ErrNotFound) {
		return nil
	}
	a.schemaID = latest.ID
	return a.trouble(c.RegistryError(ctx, c.Source, err))
}

// examine works out what a worker would make of a topic's newest schema, and
// asks the registry what it thinks of it.
func (c *connection) examine(ctx context.Context, a *agent) error {
	in, err := c.input(ctx, a, a.schemaID)
	if err != nil {
		return err
	}
	found, err := c.Aggregated.Versions(ctx, a.output.Subject())
	if err != nil {
		return c.RegistryError(ctx, c.Aggregated, err)
	}
	registered := make([]pipeline.Registered, len(found))
	for i, g := range found {
		registered[i] = pipeline.Registered(g)
	}
	return c.judge(ctx, a, a.output.Plan(a.output.Read(registered), in))
}

// input gets the fields of a source schema.
func (c *connection) input(ctx context.Context, a *agent, id int) (*pipeline.Input, error) {
	text, err := c.Source.Schema(registry.WithSubject(ctx, a.topic+"-value"), id)
	if err != nil {
		return nil, c.RegistryError(ctx, c.Source, err)
	}
	in, err := a.spec.Input(text.Text, text.References...)
	if err != nil {
		return nil, fmt.Errorf("schema %d: %w", id, err)
	}
	return in, nil
}

// judge finds out whether a worker could have the schema of a plan, and what it
// does if not.
func (c *connection) judge(ctx context.Context, a *agent, p *pipeline.Plan) (err error) {
	a.plan, a.used = p, p
	switch {
	case p.ID != 0:
		a.accepted = true
	case p.Err != nil:
		a.reasons = []string{p.Err.Error()}
	default:
		subject := a.output.Subject()
		a.stored, a.oversize = registry.StoredSize(subject, p.Text), registry.SizeWarning(subject, p.Text)
		if a.accepted, a.reasons, err = c.Aggregated.Check(ctx, subject, p.Text); err != nil {
			return c.RegistryError(ctx, c.Aggregated, err)
		}
	}
	if a.accepted {
		return nil
	}
	if a.used = p.Without(); a.used == nil {
		a.problem = "the registry would refuse the schema of the aggregated topic, and the topic would wait"
		if p.Err != nil {
			a.problem = p.Err.Error()
		}
	}
	return nil
}

// trouble keeps an answer of the registry as the topic's problem.
func (a *agent) trouble(err error) error {
	if err == nil || unreachable(err) || errors.Is(err, context.Canceled) {
		return err
	}
	a.problem = err.Error()
	return nil
}

// topics are the names of the source topics that have something to aggregate.
func (s *survey) topics() []string {
	var names []string
	for _, a := range s.agents {
		if a.problem == "" && !slices.Contains(names[max(0, len(names)-1):], a.topic) {
			names = append(names, a.topic)
		}
	}
	return names
}

// first reports whether it is the first of its source topic.
func (a *agent) first() bool { return a.output.Topic == a.choice.AggregatedTopics[0] }

// sources is how many source topics there are.
func (s *survey) sources() (n int) {
	for _, a := range s.agents {
		if a.first() {
			n++
		}
	}
	return n
}
