package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
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
		e, err := p.bench(cmd.Context(), l, o)
		if err != nil {
			return err
		}
		if format.value == "json" {
			return writeJSON(p.Stdout, e.object())
		}
		_, err = fmt.Fprint(p.Stdout, e.text())
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
// configuration, except for topics that fall to another one.
func (p *Process) bench(ctx context.Context, l *config.Loaded, o benchOptions) (*estimate, error) {
	classes := []loadClass{{topics: float64(o.topics), values: o.fields, hz: o.frequency, aggregation: ofFirstWindows(&l.Aggregations[0])}}
	unknown := 0
	if o.fromTopics {
		var err error
		if classes, unknown, err = p.existing(ctx, l, o.measure); err != nil {
			return nil, err
		}
	}
	e := &estimate{unknown: unknown, busy: o.busy}
	each := unitTime / time.Duration(len(classes))
	var told time.Time
	for i, c := range classes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if time.Since(told) >= 2*time.Second {
			told = time.Now()
			fmt.Fprintf(p.Stderr, "measuring the computation for records of %s, %d of %d\n", count(c.values, "value"), i+1, len(classes))
		}
		u, err := measureUnits(c, each)
		if err != nil {
			return nil, err
		}
		e.parts = append(e.parts, part{loadClass: c, units: u})
	}
	if o.duration == 0 {
		return e, nil
	}
	trial := cut(classes)
	ran, err := p.trial(ctx, trial, o.duration, o.limit)
	if err != nil {
		return nil, fmt.Errorf("measure a worker: %w", err)
	}
	e.take(trial, ran)
	return e, nil
}

// existing are the source topics that there are, by classes, and how many
// have no known rate.
func (p *Process) existing(ctx context.Context, l *config.Loaded, measure time.Duration) (classes []loadClass, unknown int, err error) {
	c, err := connect(ctx, l)
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
	first := make(map[*config.Aggregation]*config.Aggregation)
	for _, a := range found.Agents {
		if a.Problem != "" || a.Used == nil || !a.First() {
			continue
		}
		of := a.Choice.Aggregation
		if first[of] == nil {
			first[of] = ofFirstWindows(of)
		}
		r := rates[a.Topic]
		if r.How == "" {
			unknown++
			continue
		}
		classes = append(classes, loadClass{topics: 1, values: max(1, a.Values(lengths[a])), hz: r.PerSecond, aggregation: first[of]})
	}
	if len(classes) == 0 {
		return nil, 0, fmt.Errorf("no source topic has a known rate (%s without one)", count(unknown, "topic"))
	}
	return gather(classes), unknown, nil
}
