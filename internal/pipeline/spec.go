package pipeline

import (
	"fmt"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// Spec is an aggregation of the configuration in the form that agents and the
// codec need: how its topics are read, and what is written for each window. An
// aggregation has one window and so each of its topics one Output; where it has
// several, operations, options and Computer are those of each Output, and the
// selection stays one for all.
type Spec struct {
	*config.Aggregation

	selection  codec.Selection // of the fields that are read
	operations []stats.Operation
	options    stats.Options
}

// NewSpec compiles an aggregation, which may be one that was put together in
// Go. The error is that of an operation or an expression.
func NewSpec(a *config.Aggregation) (*Spec, error) {
	s := &Spec{Aggregation: a, options: a.Statistics()}
	var err error
	if s.operations, err = a.ParseOperations(); err != nil {
		return nil, fmt.Errorf("aggregation %s: %w", a.Name, err)
	}
	if s.selection, err = a.Fields.Selection(); err != nil {
		return nil, fmt.Errorf("aggregation %s: %w", a.Name, err)
	}
	return s, nil
}

// Settings are those of the agent of each topic.
func (s *Spec) Settings() agent.Settings {
	w := s.Window
	return agent.Settings{
		Size: int64(w.Size), Grace: int64(w.Grace), IdleAfter: int64(w.IdleAfter), MaxFutureSkew: int64(w.MaxFutureSkew),
		ExactLimit: s.ExactLimit, Needs: stats.NeedsOf(s.operations, s.options),
	}
}

// Computer makes a computer for the windows of all topics, for one goroutine.
func (s *Spec) Computer() *agent.Computer { return agent.NewComputer(s.operations, s.options) }
