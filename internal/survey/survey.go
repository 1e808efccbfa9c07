// Package survey finds out what a worker would make of the topics of a cluster, and
// changes nothing: which topics are sources, what becomes of the schema of each
// aggregated topic, what that topic would do with the records, and what it costs.
// It says what plan, agents and bench show; whether it goes well or not is a value.
package survey

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"golang.org/x/sync/errgroup"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
)

// Survey is what a worker would make of the topics of a cluster.
type Survey struct {
	Agents []*Agent
	Passed []Passed
	Asides []Aside

	there []string // all topics of the cluster
}

// Passed is a topic that is not taken.
type Passed struct{ Topic, Reason string }

// Aside is a topic for records that get into no window.
type Aside struct {
	Topic, Purpose string
	Exists         bool
}

// asides are those that the configuration names.
func asides(c *config.Config, there kadm.TopicDetails) (out []Aside) {
	add := func(topic, purpose string) {
		if topic != "" && !slices.ContainsFunc(out, func(a Aside) bool { return a.Topic == topic }) {
			out = append(out, Aside{topic, purpose, there.Has(topic)})
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

// Look finds the source topics and works out what becomes of each. It writes
// nothing. A broker or registry that does not answer is a *cluster.Unreachable; what
// is wrong with one topic is its agent's problem and no error.
func Look(ctx context.Context, of *cluster.Cluster) (*Survey, error) {
	c := looker{of}
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
	s := &Survey{Asides: asides(c.Config.Config, details)}
	for _, d := range details.Sorted() {
		s.there = append(s.there, d.Topic)
		choice, reason := selector.Explain(d.Topic)
		if reason != "" {
			s.Passed = append(s.Passed, Passed{d.Topic, reason})
			continue
		}
		spec := specs[choice.Aggregation]
		for _, o := range spec.Outputs(d.Topic, choice) {
			_, exists := details[o.Topic]
			s.Agents = append(s.Agents, &Agent{Topic: d.Topic, Partitions: len(d.Partitions), Choice: choice, Exists: exists, Spec: spec, Output: o})
		}
	}
	if err := s.each(ctx, c.findSchema); err != nil {
		return nil, err
	}
	nameless := make(map[string][]*Agent)
	for _, a := range s.Agents {
		if a.schema == (framing.Ref{}) && a.Problem == "" {
			nameless[a.Topic] = append(nameless[a.Topic], a)
		}
	}
	if err := c.lastSchemas(ctx, nameless); err != nil {
		return nil, err
	}
	return s, s.each(ctx, func(ctx context.Context, a *Agent) error {
		if a.schema == (framing.Ref{}) && a.Problem == "" {
			if a.schema = a.Spec.Reader(a.Topic).Bare(); a.schema == (framing.Ref{}) {
				a.Problem = "the registry has no subject " + a.Topic + "-value, and no record names a schema"
				if a.unnamed != nil {
					a.Problem += " (the last: " + a.unnamed.Error() + ")"
				}
			}
		}
		if a.Problem != "" {
			return nil
		}
		return a.trouble(c.examine(ctx, a))
	})
}

// each does something for all agents, several at once.
func (s *Survey) each(ctx context.Context, do func(context.Context, *Agent) error) error {
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, a := range s.Agents {
		group.Go(func() error { return do(all, a) })
	}
	err := group.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Topics are the names of the source topics that have something to aggregate.
func (s *Survey) Topics() []string {
	var names []string
	for _, a := range s.Agents {
		if a.Problem == "" && !slices.Contains(names[max(0, len(names)-1):], a.Topic) {
			names = append(names, a.Topic)
		}
	}
	return names
}

// Sources is how many source topics there are.
func (s *Survey) Sources() (n int) {
	for _, a := range s.Agents {
		if a.First() {
			n++
		}
	}
	return n
}

// Differs tells whether a worker would change something, or could not do its job.
func (s *Survey) Differs() bool {
	return slices.ContainsFunc(s.Agents, func(a *Agent) bool { return !a.Exists || a.Problem != "" || a.Change() != pipeline.Unchanged }) ||
		slices.ContainsFunc(s.Asides, func(a Aside) bool { return !a.Exists })
}
