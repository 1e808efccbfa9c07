package survey

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// looker asks brokers and registries.
type looker struct{ *cluster.Cluster }

// findSchema sets the newest schema that is registered under the topic's
// name, if there is one. An error is one of a registry that is not there;
// what is wrong with the topic itself is a.Problem.
func (c looker) findSchema(ctx context.Context, a *Agent) error {
	latest, err := c.Source.Latest(ctx, a.Topic+"-value")
	if errors.Is(err, registry.ErrNotFound) {
		return nil
	}
	a.SchemaID, a.schema = latest.ID, framing.ID(latest.ID)
	return a.trouble(c.RegistryError(ctx, c.Source, err))
}

// lastSchemas sets the schemas that the newest records of topics name, for topics whose
// schemas are not registered under the topic's name.
func (c looker) lastSchemas(ctx context.Context, nameless map[string][]*Agent) error {
	if len(nameless) == 0 {
		return nil
	}
	return c.LastRecords(ctx, slices.Sorted(maps.Keys(nameless)), func(r *kgo.Record) bool {
		if nameless[r.Topic][0].schema != (framing.Ref{}) {
			return true
		}
		f, err := c.frame(ctx, nameless[r.Topic][0], r)
		for _, a := range nameless[r.Topic] {
			a.schema, a.unnamed = f.Ref, err
			a.SchemaID, _ = f.Ref.ID()
		}
		return err == nil
	})
}

// frame finds out how a record is read.
func (c looker) frame(ctx context.Context, a *Agent, r *kgo.Record) (framing.Frame, error) {
	if r.Value == nil {
		return framing.Frame{}, errors.New("the newest record is a tombstone")
	}
	of := a.Spec.Reader(a.Topic)
	f, err := of.Read(r.Headers, r.Value)
	if err == nil && f.Doubtful {
		f, err = c.Source.Settle(registry.WithSubject(ctx, a.Topic+"-value"), of, f, r.Value, time.Now())
	}
	return f, err
}

// examine works out what a worker would make of a topic's newest schema, and
// asks the registry what it thinks of it.
func (c looker) examine(ctx context.Context, a *Agent) error {
	in, err := c.input(ctx, a, a.schema)
	if err == nil {
		err = in.Untimed
	}
	if err != nil {
		return err
	}
	found, err := c.Aggregated.Versions(ctx, a.Output.Subject())
	if err != nil {
		return c.RegistryError(ctx, c.Aggregated, err)
	}
	registered := make([]pipeline.Registered, len(found))
	for i, g := range found {
		registered[i] = pipeline.Registered(g)
	}
	return c.judge(ctx, a, a.Output.Plan(a.Output.Read(registered), in))
}

// input gets the fields of a source schema.
func (c looker) input(ctx context.Context, a *Agent, schema framing.Ref) (*pipeline.Input, error) {
	of := a.Spec.Reader(a.Topic)
	text, err := c.Source.Find(registry.WithSubject(ctx, a.Topic+"-value"), of, schema, time.Time{})
	if err != nil {
		return nil, c.RegistryError(ctx, c.Source, err)
	}
	if a.SchemaID == 0 && schema == a.schema {
		a.SchemaID = text.ID
	}
	in, err := a.Spec.Input(text.Text, text.References...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", of.Name(schema), err)
	}
	return in, nil
}

// judge finds out whether a worker could have the schema of a plan, and what it
// does if not.
func (c looker) judge(ctx context.Context, a *Agent, p *pipeline.Plan) (err error) {
	a.Plan, a.Used = p, p
	switch {
	case p.ID != 0:
		a.Accepted = true
	case p.Err != nil:
		a.Reasons = []string{p.Err.Error()}
	default:
		subject := a.Output.Subject()
		a.Stored, a.Oversize = registry.StoredSize(subject, p.Text), registry.SizeWarning(subject, p.Text)
		if a.Accepted, a.Reasons, err = c.Aggregated.Check(ctx, subject, p.Text); err != nil {
			return c.RegistryError(ctx, c.Aggregated, err)
		}
	}
	if a.Accepted {
		return nil
	}
	if a.Used = p.Without(); a.Used == nil {
		a.Problem = "the registry would refuse the schema of the aggregated topic, and the topic would wait"
		if p.Err != nil {
			a.Problem = p.Err.Error()
		}
	}
	return nil
}

// trouble keeps an answer of the registry as the topic's problem.
func (a *Agent) trouble(err error) error {
	if err == nil || errors.As(err, new(*cluster.Unreachable)) || errors.Is(err, context.Canceled) {
		return err
	}
	a.Problem = err.Error()
	return nil
}
