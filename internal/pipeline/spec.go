package pipeline

import (
	"fmt"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Spec is an aggregation of the configuration in the form that agents and the
// codec need: how its topics are read, and what is written for windows of each
// size. The fields that are read are the same for all of them.
type Spec struct {
	*config.Aggregation

	selection codec.Selection // of the fields that are read
	grid      window.Grid
	outputs   []spec
}

// spec is how windows of one size are computed.
type spec struct {
	config.Output
	operations []stats.Operation
	options    stats.Options
}

// NewSpec compiles an aggregation, which may be one that was put together in
// Go. The error is that of an operation, an expression or a window.
func NewSpec(a *config.Aggregation) (*Spec, error) {
	s := &Spec{Aggregation: a}
	var err error
	if s.grid, err = a.Grid(); err != nil {
		return nil, fmt.Errorf("aggregation %s: %w", a.Name, err)
	}
	for _, o := range a.Outputs() {
		out := spec{Output: o, options: o.Statistics(a)}
		if out.operations, err = o.ParseOperations(); err != nil {
			return nil, fmt.Errorf("aggregation %s: %w", a.Name, err)
		}
		s.outputs = append(s.outputs, out)
	}
	if _, err = a.Framing.Reader(""); err != nil {
		return nil, fmt.Errorf("aggregation %s: %w", a.Name, err)
	}
	if s.selection, err = a.Fields.Selection(); err != nil {
		return nil, fmt.Errorf("aggregation %s: %w", a.Name, err)
	}
	s.selection.Time = a.EventTime.Selection()
	return s, nil
}

// Reader finds the schemas of the records of a topic.
func (s *Spec) Reader(topic string) *framing.Reader {
	r, err := s.Framing.Reader(topic)
	if err != nil {
		panic("BUG: pipeline: " + err.Error()) // NewSpec has tried it
	}
	return r
}

// Settings are those of the agent of each topic.
func (s *Spec) Settings() agent.Settings {
	w := s.Window
	set := agent.Settings{
		Grid: s.grid, Grace: int64(w.Grace), IdleAfter: int64(w.IdleAfter), MaxFutureSkew: int64(w.MaxFutureSkew), Confirm: agent.Confirm,
		ExactLimit: s.ExactLimit,
		Stamping:   agent.Stamping{ID: s.EventTime.ID(), Fields: s.selection.Time.Fields, Strict: s.EventTime.Strict()},
	}
	for _, o := range s.outputs {
		set.Needs = set.Needs.And(stats.NeedsOf(o.operations, o.options))
		set.Empty = append(set.Empty, o.EmitEmpty)
	}
	return set
}

// Computers makes a computer for each output, for one goroutine.
func (s *Spec) Computers() []*agent.Computer {
	out := make([]*agent.Computer, len(s.outputs))
	for i, o := range s.outputs {
		out[i] = agent.NewComputer(o.operations, o.options)
	}
	return out
}
