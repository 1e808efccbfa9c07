package worker

import (
	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
)

// job is an aggregation of the configuration with what all of its topics share.
type job struct {
	*pipeline.Spec
	set       agent.Settings
	computers [][]*agent.Computer // for each lane, one for each output
}

func newJob(a *config.Aggregation, lanes int) (*job, error) {
	spec, err := pipeline.NewSpec(a)
	if err != nil {
		return nil, err
	}
	j := &job{Spec: spec, set: spec.Settings()}
	for range lanes {
		j.computers = append(j.computers, spec.Computers())
	}
	return j, nil
}

// timed reports whether records have their time in a field.
func (j *job) timed() bool { return j.set.Stamping.ID != 0 }
