package estimate

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// Options of a measurement.
type Options struct {
	Busy     float64       // how much of a core a worker may use on average
	Duration time.Duration // how long a worker runs to be measured; 0: not at all
	Limit    time.Duration // how long to wait until it has results of all topics
	Command  func(context.Context, Worker) (*exec.Cmd, error)
	Progress func(Progress) // may be nil
}

// Worker is what the worker that is measured has to be started with. It ends with
// the context of Command.
type Worker struct {
	Broker, Registry string // addresses
	Group            string
	Include          string // expression for the source topics
	HTTP             string // where it has to serve /metrics
	Aggregation      *config.Aggregation
}

// Progress is how far a measurement has come.
type Progress struct {
	Stage    Stage
	Done, Of int           // classes of Computing; topics with results of Waiting
	Again    bool          // it was said that it waits; of Waiting
	Values   int           // of a record; of Computing
	For      time.Duration // at most, of Waiting; about, of Measuring
}

// Stage is what is done now.
type Stage int

// The stages in their order. Waiting comes again and again.
const (
	Computing Stage = iota // decode, collect, compute and encode are measured
	Starting               // a broker and topics are made
	Waiting                // for results of a worker
	Measuring              // it is measured
)

// Measure measures and estimates. It writes to no cluster but its own.
func Measure(ctx context.Context, classes []Class, o Options) (*Estimate, error) {
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	e := &Estimate{Busy: o.Busy}
	each := unitTime / time.Duration(len(classes))
	var told time.Time
	for i, c := range classes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if time.Since(told) >= 2*time.Second {
			told = time.Now()
			o.Progress(Progress{Stage: Computing, Done: i + 1, Of: len(classes), Values: c.Values})
		}
		u, err := measureUnits(c, each)
		if err != nil {
			return nil, err
		}
		e.Parts = append(e.Parts, Part{Class: c, Units: u})
	}
	if o.Duration == 0 {
		return e, nil
	}
	part := cut(classes)
	ran, err := trial(ctx, part, o)
	if err != nil {
		return nil, fmt.Errorf("measure a worker: %w", err)
	}
	e.take(part, ran)
	return e, nil
}
