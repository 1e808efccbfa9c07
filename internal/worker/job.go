package worker

import (
	"fmt"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// job is an aggregation of the configuration in the form that agents need,
// with a computer for each lane.
type job struct {
	*config.Aggregation
	set       agent.Settings
	ops       []stats.Operation
	opts      stats.Options
	selection codec.Selection
	computers []*agent.Computer
}

func newJob(a *config.Aggregation, lanes int) (*job, error) {
	j := &job{Aggregation: a, opts: a.Statistics(), set: agent.Settings{
		Grid: window.TumblingGrid(int64(a.Window.Size)), Grace: int64(a.Window.Grace),
		IdleAfter: int64(a.Window.IdleAfter), MaxFutureSkew: int64(a.Window.MaxFutureSkew),
	}}
	var err error
	if j.ops, err = a.ParseOperations(); err != nil {
		return nil, fmt.Errorf("aggregation %s: %w", a.Name, err)
	}
	j.set.ExactLimit, j.set.Needs = a.ExactLimit, stats.NeedsOf(j.ops, j.opts)
	if j.selection, err = a.Fields.Selection(); err != nil {
		return nil, fmt.Errorf("aggregation %s: %w", a.Name, err)
	}
	for range lanes {
		j.computers = append(j.computers, agent.NewComputer(j.ops, j.opts))
	}
	return j, nil
}
