package survey

import (
	"fmt"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// Agent is what a worker would run for one source topic and the windows of one
// size.
type Agent struct {
	Topic      string // the source topic
	Partitions int
	Choice     config.Choice
	Exists     bool // the aggregated topic

	Problem  string // why nothing would be aggregated; empty if all is well
	SchemaID int    // of the source topic; 0: not known, though the schema may be
	schema   framing.Ref
	unnamed  error // why the newest record names no schema
	Spec     *pipeline.Spec
	Output   pipeline.Output
	Plan     *pipeline.Plan // nil if there is none, because of a problem
	Used     *pipeline.Plan // what a worker goes on with: another one if the registry refuses the schema, nil if the topic waits for it

	Accepted bool // the registry has the plan's schema, or finds it compatible
	Reasons  []string
	Stored   int    // bytes that the schema takes in the registry, 0 if it is there
	Oversize string // why it may not fit
}

// None is in place of a pipeline.Change where there is no plan, because of a
// problem.
const None pipeline.Change = "none"

// First reports whether it is the first of its source topic.
func (a *Agent) First() bool { return a.Output.Topic == a.Choice.AggregatedTopics[0] }

// SourceSchema names the schema of the source topic, for people: by its id, if that is
// known.
func (a *Agent) SourceSchema() string {
	if a.SchemaID == 0 && a.schema != (framing.Ref{}) {
		return a.Spec.Reader(a.Topic).Name(a.schema)
	}
	return fmt.Sprintf("schema %d", a.SchemaID)
}

// Fields are those that are aggregated.
func (a *Agent) Fields() []codec.Field {
	if a.Plan == nil {
		return nil
	}
	return a.Plan.Named()
}

// LeftOut are the fields that are not, with reasons.
func (a *Agent) LeftOut() []codec.LeftOut {
	if a.Plan == nil {
		return nil
	}
	return a.Plan.LeftOut
}

// Change is what becomes of the schema of the aggregated topic.
func (a *Agent) Change() pipeline.Change {
	if a.Plan == nil {
		return None
	}
	return a.Plan.Change
}

// CurrentID is that of the registered schema that the aggregated topic has: the
// one that stays, or the newest one; 0 if there is none.
func (a *Agent) CurrentID() int {
	switch a.Change() {
	case pipeline.Unchanged:
		return a.Plan.ID
	case pipeline.Changed:
		return a.Plan.BaseID
	case pipeline.Replaced:
		foreign := a.Plan.History().Foreign
		return foreign[len(foreign)-1].ID
	}
	return 0
}

// Schema is the text of the schema that a worker needs, or, if there can be none,
// of the one that it goes on with; empty if there is neither.
func (a *Agent) Schema() string {
	for _, p := range []*pipeline.Plan{a.Plan, a.Used} {
		if p != nil && p.Schema != nil {
			return p.Text
		}
	}
	return ""
}

// TooLarge reports whether a registry that keeps schemas in Kafka has room for the
// schema only if its limit was raised.
func (a *Agent) TooLarge() bool { return a.Stored > registry.UsualRecord }

// Lacking are the paths of the fields that the aggregated schema in use lacks, where
// the registry refuses the one that is needed. Used is not nil.
func (a *Agent) Lacking() []string {
	paths := []string{}
	for _, f := range a.Used.Lacking() {
		paths = append(paths, f.Path)
	}
	return paths
}

func (a *Agent) hasArrays() bool {
	for _, f := range a.Used.Schema.Fields {
		if f.Array {
			return true
		}
	}
	return false
}
