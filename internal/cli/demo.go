package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/demo"
	"github.com/lsst-sqre/kafka-aggregator/internal/example"
	"github.com/lsst-sqre/kafka-aggregator/internal/web"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

func newDemo(p *Process) *cobra.Command {
	var o demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work: broker, registry, load and worker in this process",
		Long: `Starts a Kafka broker and a Schema Registry inside this process, makes example
topics, writes to them, aggregates them with the same worker as on a real
cluster, and shows the aggregated results as they come. Nothing else needs to
be installed, and nothing is left behind.

The addresses of broker and registry are printed, so that other clients, and
the other commands of this program, can connect meanwhile.

At the end (after --duration, or Ctrl-C) the traffic stops, the last windows
come out, and a summary compares the aggregated records with a count of the
source records that was made beside the worker. The exit code is 0 only if
every window of every topic has exactly one record.

With --clock-share, that share of each topic's records comes from an instrument whose
clock is --clock-error ahead, as of one that takes TAI for UTC. Its records get into
the windows that they say, and no other record may be late because of it. The
last windows then come that much later.

With --framing records name their schema in other ways, as produce has them; several
take turns.`,
		Example: `  kafka-aggregator demo --duration 30s
  kafka-aggregator demo --topics 100 --fields 5 --frequency 50 --window 5s
  kafka-aggregator demo --duration 10s --clock-share 0.02 --clock-error 37s
  kafka-aggregator demo --duration 10s --framing prefix,header,guid,single-object,bare`,
	}
	f := cmd.Flags()
	f.DurationVar(&o.Duration, "duration", 0, "how long to write records; 0: until Ctrl-C")
	f.IntVar(&o.Topics, "topics", 10, "number of topics")
	f.IntVar(&o.Fields, "fields", 10, "fields of each topic")
	f.IntVar(&o.Partitions, "partitions", 1, "partitions of each topic")
	f.Float64Var(&o.Frequency, "frequency", 10, "records per second and topic")
	f.DurationVar(&o.Window, "window", time.Second, "size of the windows")
	f.IntVar(&o.KafkaPort, "kafka-port", 0, "port of the broker; 0: a free one")
	f.IntVar(&o.RegistryPort, "registry-port", 0, "port of the registry; 0: a free one")
	f.StringVar(&o.HTTP, "http", "127.0.0.1:0", "host:port of the worker's status page, port 0 takes a free one; or off")
	f.Uint64Var(&o.Seed, "seed", 1, "the same seed gives the same values")
	wrong, framings := clockFlags(cmd), framingFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if o.Duration < 0 {
			return usageError("", "--duration %v is negative", o.Duration)
		}
		if !(o.Frequency > 0) {
			return usageError("", "--frequency %v: must be greater than 0", o.Frequency)
		}
		if err := wrong.Validate(); err != nil {
			return usageError("", "--clock-share: %w", err)
		}
		if most := config.Default().Aggregations[0].Window.MaxFutureSkew; wrong.Ahead < 0 || wrong.Ahead >= most {
			return usageError("", "--clock-error %v: must be 0 or more, and less than %s, from which on records are set aside", wrong.Ahead, config.FormatDuration(most))
		}
		var err error
		if o.Framings, err = example.ParseFramings(*framings); err != nil {
			return usageError("", "--framing: %w", err)
		}
		o.Wrong = *wrong
		return runDemo(cmd.Context(), p, o)
	}
	return cmd
}

// runDemo runs a worker in this process on a demo.
func runDemo(ctx context.Context, p *Process, o demo.Options) error {
	d, err := demo.Start(ctx, o)
	if err != nil {
		return err
	}
	defer d.Close()
	c := d.Config()
	logger := p.logger(config.Log{Level: "warn", Format: "text"})
	metrics := web.NewClientMetrics()
	w, err := worker.New(worker.Options{
		Config: c, Version: version(), Logger: logger, KafkaOpts: []kgo.Opt{kgo.WithHooks(metrics)},
	})
	if err != nil {
		return err
	}
	site := web.New(web.Options{Listen: c.HTTP.Listen, Status: w.Status, Logger: logger, Collectors: []prometheus.Collector{metrics}})
	view := newDemoView(p.Stdout, d.Topics())
	summary, err := d.Run(ctx, func(ctx context.Context) error { return p.runWorker(ctx, w, site, false) }, demo.View{
		Started: func() { introduce(p.Stderr, d, o, site.Addr()) },
		Result:  view.result,
		Tick:    view.paint,
		Stopped: func() { fmt.Fprintf(p.Stderr, "traffic stopped; waiting for the last windows\n") },
	})
	view.close()
	if err != nil {
		return err
	}
	printSummary(p.Stdout, summary, o.Fields, len(c.Aggregations[0].Operations))
	if len(summary.Faults) > 0 {
		return fmt.Errorf("%d windows are missing or wrong", summary.FaultCount)
	}
	return nil
}

// introduce says what runs where.
func introduce(out io.Writer, d *demo.Demo, o demo.Options, site string) {
	c, topics := d.Config(), d.Topics()
	fmt.Fprintf(out, "broker       %s\nregistry     %s\n", strings.Join(c.Kafka.Brokers, ","), c.SchemaRegistry.URL)
	if site != "" {
		fmt.Fprintf(out, "status page  http://%s/\n", site)
	}
	fmt.Fprintf(out, "%d topics %s … %s, %d fields, %g Hz; windows of %s\n", len(topics), topics[0],
		topics[len(topics)-1], o.Fields, o.Frequency, config.FormatDuration(o.Window))
	if o.Duration == 0 {
		fmt.Fprintln(out, "stop it with Ctrl-C")
	}
}
