package estimate

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// Without a worker the computation is measured, and nothing is said of Kafka.
func TestMeasureTheComputationAlone(t *testing.T) {
	var stages []Progress
	e, err := Measure(t.Context(), Uniform(2, 3, 20, benchAggregation()), Options{Busy: 0.5, Progress: func(p Progress) { stages = append(stages, p) }})
	if err != nil {
		t.Fatal(err)
	}
	p := e.Parts[0]
	if len(e.Parts) != 1 || p.Samples() != 20 || p.Decode <= 0 || p.Collect < 0 || p.Compute < p.Encode || p.Encode <= 0 {
		t.Errorf("%+v", p)
	}
	if e.Ran != nil || e.Kafka != 0 || e.Cores() != e.Computing() || e.Computing() <= 0 {
		t.Errorf("%+v", e)
	}
	if !reflect.DeepEqual(stages, []Progress{{Stage: Computing, Done: 1, Of: 1, Values: 3}}) {
		t.Errorf("%+v", stages)
	}
}

// A worker that ends, or cannot be started, is an error with what it said.
func TestWorkerThatEnds(t *testing.T) {
	t.Parallel()
	wrong := errors.New("no such program")
	var asked Worker
	for name, test := range map[string]struct {
		command func(context.Context, Worker) (*exec.Cmd, error)
		wants   []string
	}{
		"ends": {func(ctx context.Context, w Worker) (*exec.Cmd, error) {
			asked = w
			return exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestNothing$", "-test.nonsense"), nil
		}, []string{"measure a worker: it ended", "before its time", "test.nonsense"}},
		"not there": {func(context.Context, Worker) (*exec.Cmd, error) { return nil, wrong }, []string{"measure a worker: no such program"}},
	} {
		var last Stage
		_, err := Measure(t.Context(), Uniform(1, 1, 20, benchAggregation()), Options{
			Busy: 0.5, Duration: time.Millisecond, Limit: time.Minute, Command: test.command, Progress: func(p Progress) { last = p.Stage },
		})
		for _, want := range test.wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in %v", name, want, err)
			}
		}
		if last == Measuring {
			t.Errorf("%s: it was measured", name)
		}
	}
	if asked.Broker == "" || asked.Registry == "" || asked.HTTP == "" || asked.Aggregation == nil {
		t.Errorf("%+v", asked)
	}
}

// Of several windows the first are measured.
func TestUniformTakesTheFirstWindows(t *testing.T) {
	a := config.DefaultAggregation()
	a.Windows = []config.Output{{Size: 10 * time.Second, Operations: []string{"mean"}}, {Size: time.Minute}}
	c := Uniform(1, 5, 2, &a)[0]
	if c.Aggregation.Window.Size != 10*time.Second || !reflect.DeepEqual(c.Aggregation.Operations, []string{"mean"}) || c.Samples() != 20 || c.Windows() != 0.1 {
		t.Errorf("%+v", c.Aggregation)
	}
	if len(a.Windows) != 2 {
		t.Error("the aggregation was changed")
	}
}
