package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/example"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/web"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// demoOptions are the demo's flags.
type demoOptions struct {
	duration                   time.Duration
	topics, fields, partitions int
	frequency                  float64
	window                     time.Duration
	kafkaPort, registryPort    int
	http                       string
	seed                       uint64
}

func newDemo(p *Process) *cobra.Command {
	var o demoOptions
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
every window of every topic has exactly one record.`,
		Example: `  kafka-aggregator demo --duration 30s
  kafka-aggregator demo --topics 100 --fields 5 --frequency 50 --window 5s`,
	}
	f := cmd.Flags()
	f.DurationVar(&o.duration, "duration", 0, "how long to write records; 0: until Ctrl-C")
	f.IntVar(&o.topics, "topics", 10, "number of topics")
	f.IntVar(&o.fields, "fields", 10, "fields of each topic")
	f.IntVar(&o.partitions, "partitions", 1, "partitions of each topic")
	f.Float64Var(&o.frequency, "frequency", 10, "records per second and topic")
	f.DurationVar(&o.window, "window", time.Second, "size of the windows")
	f.IntVar(&o.kafkaPort, "kafka-port", 0, "port of the broker; 0: a free one")
	f.IntVar(&o.registryPort, "registry-port", 0, "port of the registry; 0: a free one")
	f.StringVar(&o.http, "http", "127.0.0.1:0", "host:port of the worker's status page, port 0 takes a free one; or off")
	f.Uint64Var(&o.seed, "seed", 1, "the same seed gives the same values")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if o.duration < 0 {
			return usageError("", "--duration %v is negative", o.duration)
		}
		if !(o.frequency > 0) {
			return usageError("", "--frequency %v: must be greater than 0", o.frequency)
		}
		return runDemo(cmd.Context(), p, o)
	}
	return cmd
}

// demo is a running one. The traffic ends before the worker, the worker before
// the observer, the observer before the sandbox.
type demo struct {
	options  demoOptions
	process  *Process
	config   *config.Config
	sandbox  *sandbox.Sandbox
	topics   []example.Topic
	tally    *tally
	view     *demoView
	producer *example.Producer
}

func runDemo(ctx context.Context, p *Process, o demoOptions) error {
	s, err := sandbox.Start(sandbox.Options{KafkaPort: o.kafkaPort, RegistryPort: o.registryPort})
	if err != nil {
		return err
	}
	defer s.Close()
	d := &demo{options: o, process: p, sandbox: s, config: demoConfig(s, o)}
	if err := d.config.Validate(); err != nil {
		return err
	}
	if err := d.createTopics(ctx); err != nil {
		return err
	}
	window := d.config.Aggregations[0].Window
	d.tally = newTally(window.Size, window.Grace, topicNames(d.topics))
	d.view = newDemoView(p.Stdout, topicNames(d.topics))
	if err := d.run(ctx); err != nil {
		return err
	}
	return d.summary(p.Stdout)
}

// demoConfig is the default configuration on the sandbox.
func demoConfig(s *sandbox.Sandbox, o demoOptions) *config.Config {
	c := config.Default()
	c.Kafka.Brokers = s.Brokers
	c.SchemaRegistry.URL = s.RegistryURL
	c.Worker.Group = "demo"
	c.HTTP.Listen = o.http
	c.Aggregations[0].Window.Size = o.window
	return c
}

func (d *demo) createTopics(ctx context.Context) error {
	c, err := connect(ctx, &config.Loaded{Config: d.config})
	if err != nil {
		return err
	}
	defer c.Close()
	// Everything is in memory: a demo that runs for days must forget.
	retention := fmt.Sprint(max(10*time.Minute, 10*d.options.window).Milliseconds())
	created, err := example.Create(ctx, c.Kafka, c.Source, example.Plan{
		Prefix: d.config.Example.Prefix, Topics: d.options.topics, Fields: d.options.fields, Partitions: d.options.partitions,
		Configs: map[string]*string{"retention.ms": &retention},
	})
	for _, one := range created {
		d.topics = append(d.topics, one.Topic)
	}
	return err
}

// run lets worker, observer and producer run until the duration or ctx is
// over, then waits for the last windows.
func (d *demo) run(ctx context.Context) error {
	// The worker and the observer outlive ctx: a signal ends only the traffic.
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	observe, stopObserving := context.WithCancel(context.WithoutCancel(ctx))
	defer stopObserving()

	logger := d.process.logger(config.Log{Level: "warn", Format: "text"})
	metrics := web.NewClientMetrics()
	w, err := worker.New(worker.Options{
		Config: d.config, Version: version(), Logger: logger, KafkaOpts: []kgo.Opt{kgo.WithHooks(metrics)},
	})
	if err != nil {
		return err
	}
	site := web.New(web.Options{Listen: d.config.HTTP.Listen, Status: w.Status, Logger: logger, Collectors: []prometheus.Collector{metrics}})
	if d.producer, err = example.NewProducer(example.ProducerOptions{
		Kafka: []kgo.Opt{kgo.SeedBrokers(d.sandbox.Brokers...)}, Topics: d.topics, Frequency: d.options.frequency, Seed: d.options.seed,
	}); err != nil {
		return err
	}
	observer, err := newObserver(d)
	if err != nil {
		return err
	}
	observed := start(func() error { return observer.run(observe) })
	worked := start(func() error { return d.process.runWorker(work, w, site, false) })
	d.introduce(site.Addr())
	traffic, stopTraffic := context.WithCancel(ctx)
	if d.options.duration > 0 {
		traffic, stopTraffic = context.WithTimeout(ctx, d.options.duration)
	}
	defer stopTraffic()
	produced := start(func() error { return d.producer.Run(traffic) })

	err = d.watch(produced, worked, observed)
	stopTraffic()
	stopWork()
	if e := <-worked; err == nil && e != nil {
		err = fmt.Errorf("the worker failed: %w", e)
	}
	if err == nil {
		err = observer.readToEnd(ctx)
	}
	stopObserving()
	if e := <-observed; err == nil && e != nil {
		err = fmt.Errorf("observe: %w", e)
	}
	d.view.close()
	return err
}

// introduce says what runs where.
func (d *demo) introduce(site string) {
	out := d.process.Stderr
	fmt.Fprintf(out, "broker       %s\nregistry     %s\n", strings.Join(d.sandbox.Brokers, ","), d.sandbox.RegistryURL)
	if site != "" {
		fmt.Fprintf(out, "status page  http://%s/\n", site)
	}
	fmt.Fprintf(out, "%d topics %s … %s, %d fields, %g Hz; windows of %s\n", len(d.topics), d.topics[0].Name,
		d.topics[len(d.topics)-1].Name, d.options.fields, d.options.frequency, config.FormatDuration(d.options.window))
	if d.options.duration == 0 {
		fmt.Fprintln(out, "stop it with Ctrl-C")
	}
}

// start runs f in a goroutine of its own. Its result can be received any number of times.
func start(f func() error) <-chan error {
	done := make(chan error)
	go func() {
		err := f()
		for {
			done <- err
		}
	}()
	return done
}

var errStopped = errors.New("it ended before its time")

// watch shows the results until the traffic has ended and its last windows are
// out, or have had time enough to come.
func (d *demo) watch(produced, worked, observed <-chan error) error {
	repaint := time.NewTicker(500 * time.Millisecond)
	defer repaint.Stop()
	var giveUp <-chan time.Time
	for {
		select {
		case err := <-produced:
			if err != nil {
				return err
			}
			produced = nil
			d.tally.stopped(time.Now())
			giveUp = time.After(d.lastWindowsWithin())
			fmt.Fprintf(d.process.Stderr, "traffic stopped; waiting for the last windows\n")
		case err := <-worked:
			return fmt.Errorf("worker: %w", errors.Join(err, errStopped))
		case err := <-observed:
			return fmt.Errorf("observer: %w", errors.Join(err, errStopped))
		case <-repaint.C:
			d.view.paint(d.tally, d.producer.Rate())
		case <-giveUp:
			return nil // the summary says what is missing
		}
		if produced == nil && d.tally.complete(d.producer.Rate().Acked) {
			return nil
		}
	}
}

// lastWindowsWithin is how long the last windows may take after the end of the
// traffic.
func (d *demo) lastWindowsWithin() time.Duration {
	w := d.config.Aggregations[0].Window
	return w.Size + w.Grace + w.IdleAfter + 30*time.Second
}

func topicNames(topics []example.Topic) []string {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = t.Name
	}
	return names
}

// summary prints the end of a demo and decides how it ended.
func (d *demo) summary(out io.Writer) error {
	s := d.tally.summary()
	printSummary(out, s, d.producer.Rate(), d.options.fields, len(d.config.Aggregations[0].Operations))
	if len(s.faults) > 0 {
		return fmt.Errorf("%d windows are missing or wrong", s.faultCount)
	}
	return nil
}
