package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/estimate"
	"github.com/lsst-sqre/kafka-aggregator/internal/example"
	"github.com/lsst-sqre/kafka-aggregator/internal/survey"
)

// benchOptions are the flags of bench.
type benchOptions struct {
	topics, fields int
	frequency      float64
	fromTopics     bool
	measure        time.Duration // of the rates of existing topics
	duration       time.Duration // of the worker's run; 0: no run
	limit          time.Duration // of all that is measured with a worker
	busy           float64       // how much of a core a worker may use
}

func newBench(p *Process) *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Estimate what a load costs: cores, memory, workers",
		Long: `Bench answers how much of a core, how much memory and how many workers a load
takes on a machine like this one. The load is --topics with --fields each at
--frequency, or, with --from-topics, the source topics of the configuration as
they are, with their measured rates; those are only looked at.

It measures what decoding, collecting, the statistics and encoding cost for
values of that shape, at the number of samples that a window has. Then it
starts a broker and a registry inside this process and a worker beside it, lets
it aggregate such a load for --duration, and takes what the worker needs beyond
the computation as the cost of talking to Kafka. A load too large for the
embedded broker is run in part, and this cost is taken as proportional; that
overstates it, since busier topics come in larger batches. A worker that has no
results of all topics after --limit is measured as it is, if it has any, and the
answer says so.

Values are doubles; the elements of an array count as a field each. A real
cluster adds what TLS and compression cost. Run it on an idle machine.`,
		Example: `  kafka-aggregator bench --topics 1000 --fields 12 --frequency 30
  kafka-aggregator bench --topics 10 --fields 100 --frequency 1000 --window 10s --operations mean,max
  kafka-aggregator bench --from-topics -c config.yaml -o json`,
	}
	s := addSettings(p, cmd, aggregationSettings()...)
	f := cmd.Flags()
	f.IntVar(&o.topics, "topics", 10, "number of topics")
	f.IntVar(&o.fields, "fields", 10, "numeric fields of each topic")
	f.Float64Var(&o.frequency, "frequency", 10, "records per second and topic")
	f.BoolVar(&o.fromTopics, "from-topics", false, "take the source topics of the configuration in place of these three")
	f.DurationVar(&o.measure, "measure", 10*time.Second, "how long to measure the rates of existing topics")
	f.DurationVar(&o.duration, "duration", 15*time.Second, "how long a worker runs to be measured; 0s: not at all")
	f.DurationVar(&o.limit, "limit", 2*time.Minute, "how long to wait until the worker that is measured has results of all topics")
	f.Float64Var(&o.busy, "busy", 0.6, "how much of a core a worker may use on average")
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		for _, flag := range []string{"topics", "fields", "frequency"} {
			if o.fromTopics && f.Changed(flag) {
				return usageError("", "--from-topics takes the place of --%s", flag)
			}
		}
		if err := o.check(); err != nil {
			return err
		}
		l, err := s.load()
		if err != nil {
			return err
		}
		e, unknown, err := p.bench(cmd.Context(), l, o)
		if err != nil {
			return err
		}
		if format.value == "json" {
			return writeJSON(p.Stdout, benchObject(e, unknown))
		}
		_, err = fmt.Fprint(p.Stdout, benchText(e, unknown))
		return err
	}
	return cmd
}

func (o *benchOptions) check() error {
	switch {
	case o.topics < 1:
		return usageError("", "--topics %d: must be at least 1", o.topics)
	case o.fields < 1 || o.fields > example.MaxFields:
		return usageError("", "--fields %d: must be 1 to %d", o.fields, example.MaxFields)
	case !(o.frequency > 0):
		return usageError("", "--frequency %v: must be greater than 0", o.frequency)
	case o.measure < time.Second && o.fromTopics:
		return usageError("", "--measure %v: must be at least 1s", o.measure)
	case o.duration < 0:
		return usageError("", "--duration %v is negative", o.duration)
	case o.limit <= 0:
		return usageError("", "--limit %v: must be greater than 0", o.limit)
	case !(o.busy > 0 && o.busy <= 1):
		return usageError("", "--busy %v: must be more than 0 and at most 1", o.busy)
	}
	return nil
}

// bench measures and estimates. The aggregation is the first of the
// configuration, except for topics that fall to another one. unknown is how many
// topics are left out, since their rates are not known.
func (p *Process) bench(ctx context.Context, l *config.Loaded, o benchOptions) (e *estimate.Estimate, unknown int, err error) {
	classes := estimate.Uniform(o.topics, o.fields, o.frequency, &l.Aggregations[0])
	if o.fromTopics {
		if classes, unknown, err = p.existing(ctx, l, o.measure); err != nil {
			return nil, 0, err
		}
	}
	e, err = estimate.Measure(ctx, classes, estimate.Options{
		Busy: o.busy, Duration: o.duration, Limit: o.limit, Command: p.benchWorker, Progress: p.benchProgress,
	})
	return e, unknown, err
}

// benchWorker is this program as the worker that is measured.
func (p *Process) benchWorker(ctx context.Context, w estimate.Worker) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	a := w.Aggregation
	cmd := exec.CommandContext(ctx, self, "worker",
		"--brokers", w.Broker, "--schema-registry", w.Registry, "--group", w.Group, "--http", w.HTTP,
		"--include", w.Include, "--operations", strings.Join(a.Operations, ","),
		"--window", config.FormatDuration(a.Window.Size), "--grace", config.FormatDuration(a.Window.Grace))
	for _, pair := range p.Environ { // settings are those above
		if !strings.HasPrefix(pair, config.EnvPrefix) {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	return cmd, nil
}

// benchProgress says what is done meanwhile.
func (p *Process) benchProgress(g estimate.Progress) {
	switch g.Stage {
	case estimate.Computing:
		fmt.Fprintf(p.Stderr, "measuring the computation for records of %s, %d of %d\n", count(g.Values, "value"), g.Done, g.Of)
	case estimate.Starting:
		fmt.Fprintln(p.Stderr, "starting a broker and a registry in this process, with topics of such a load")
	case estimate.Waiting:
		if !g.Again {
			fmt.Fprintf(p.Stderr, "waiting until a worker has results of %s, for at most %v\n", count(g.Of, "topic"), g.For)
		} else {
			fmt.Fprintf(p.Stderr, "  %d of %d\n", g.Done, g.Of)
		}
	case estimate.Measuring:
		fmt.Fprintf(p.Stderr, "measuring it for %v\n", g.For)
	}
}

// existing are the source topics that there are, by classes, and how many
// have no known rate.
func (p *Process) existing(ctx context.Context, l *config.Loaded, measure time.Duration) (classes []estimate.Class, unknown int, err error) {
	c, err := cluster.Connect(ctx, l)
	if err != nil {
		return nil, 0, err
	}
	defer c.Close()
	fmt.Fprintln(p.Stderr, "looking at the source topics and their schemas")
	found, err := survey.Look(ctx, c)
	if err != nil {
		return nil, 0, err
	}
	fmt.Fprintf(p.Stderr, "measuring the rates of %s for %v\n", count(len(found.Topics()), "topic"), measure)
	rates, err := c.Rates(ctx, found.Topics(), measure)
	if err != nil {
		return nil, 0, err
	}
	lengths, err := found.ArrayLengths(ctx, c)
	if err != nil {
		return nil, 0, err
	}
	classes, unknown = estimate.Existing(found, rates, lengths)
	if len(classes) == 0 {
		return nil, 0, fmt.Errorf("no source topic has a known rate (%s without one)", count(unknown, "topic"))
	}
	return classes, unknown, nil
}
