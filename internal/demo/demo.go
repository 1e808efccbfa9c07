// Package demo lets records be written and aggregated on a broker and registry of its
// own, and judges the results by a count of its own. How they are aggregated it does
// not know: the worker is a function.
package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/example"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

// Options of a demo.
type Options struct {
	Topics, Fields, Partitions int
	Frequency                  float64       // records/s to each topic
	Duration                   time.Duration // how long they are written; 0: until the context ends
	Window                     time.Duration
	KafkaPort, RegistryPort    int    // 0: a free one
	HTTP                       string // where the worker has its status page, or off
	Seed                       uint64 // of the values
	Wrong                      example.WrongClock
	Framings                   []example.Framing // which take turns; none: the prefix
}

// Demo is a broker and a registry with example topics. The traffic ends before the
// worker, the worker before the observer, the observer before broker and registry.
type Demo struct {
	options  Options
	config   *config.Config
	sandbox  *sandbox.Sandbox
	topics   []example.Topic
	tally    *tally
	view     View
	producer *example.Producer
}

// View is told what happens. What is nil is not called. Result and the others may be
// called at the same time.
type View struct {
	Started func()       // the worker runs, and records are about to be written
	Result  func(Result) // an aggregated record was read
	Tick    func(Counts) // twice a second
	Stopped func()       // no more records are written, and the last windows are waited for
}

// Result is an aggregated record.
type Result struct {
	Topic  string // the source topic
	Start  time.Time
	Values map[string]any // by the names of the aggregated schema
}

// Counts are of all topics up to now.
type Counts struct {
	Records, Results int64 // read from source and aggregated topics
	Rate             example.Rate
}

// Start starts broker and registry and makes the topics. Close ends both; nothing is
// left of them.
func Start(ctx context.Context, o Options) (*Demo, error) {
	s, err := sandbox.Start(sandbox.Options{KafkaPort: o.KafkaPort, RegistryPort: o.RegistryPort})
	if err != nil {
		return nil, err
	}
	d := &Demo{options: o, sandbox: s, config: configuration(s, o)}
	if err := d.config.Validate(); err != nil {
		s.Close()
		return nil, err
	}
	if err := d.createTopics(ctx); err != nil {
		s.Close()
		return nil, err
	}
	window := d.config.Aggregations[0].Window
	d.tally = newTally(window.Size, window.Grace, d.Topics())
	return d, nil
}

// configuration is the default one on the sandbox.
func configuration(s *sandbox.Sandbox, o Options) *config.Config {
	c := config.Default()
	c.Kafka.Brokers = s.Brokers
	c.SchemaRegistry.URL = s.RegistryURL
	c.Worker.Group = "demo"
	c.HTTP.Listen = o.HTTP
	c.Aggregations[0].Window.Size = o.Window
	f := &c.Aggregations[0].Framing
	f.SingleObject = slices.Contains(o.Framings, example.SingleObject)
	if slices.Contains(o.Framings, example.Bare) {
		f.Bare.Subject = example.Subject(config.Placeholder)
	}
	return c
}

func (d *Demo) createTopics(ctx context.Context) error {
	kafka, err := kgo.NewClient(kgo.SeedBrokers(d.sandbox.Brokers...))
	if err != nil {
		return err
	}
	defer kafka.Close()
	schemas, err := registry.New(registry.Options{URL: d.sandbox.RegistryURL})
	if err != nil {
		return err
	}
	// Everything is in memory: a demo that runs for days must forget.
	retention := fmt.Sprint(max(10*time.Minute, 10*d.options.Window).Milliseconds())
	created, err := example.Create(ctx, kafka, schemas, example.Plan{
		Prefix: d.config.Example.Prefix, Topics: d.options.Topics, Fields: d.options.Fields, Partitions: d.options.Partitions,
		Configs: map[string]*string{"retention.ms": &retention},
	})
	for _, one := range created {
		d.topics = append(d.topics, one.Topic)
	}
	if err != nil {
		return err
	}
	return example.Identify(ctx, schemas, d.topics, d.options.Framings)
}

// Close ends broker and registry.
func (d *Demo) Close() { d.sandbox.Close() }

// Config is what a worker has to be started with.
func (d *Demo) Config() *config.Config { return d.config }

// Topics are the names of the source topics.
func (d *Demo) Topics() []string {
	names := make([]string, len(d.topics))
	for i, t := range d.topics {
		names[i] = t.Name
	}
	return names
}

// Run writes records until the duration or ctx is over, waits for the last windows,
// and judges them. work is the worker: it aggregates until its context ends, which
// is later than ctx.
func (d *Demo) Run(ctx context.Context, work func(context.Context) error, v View) (*Summary, error) {
	d.view = v.whole()
	// The worker and the observer outlive ctx: a signal ends only the traffic.
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	observing, stopObserving := context.WithCancel(context.WithoutCancel(ctx))
	defer stopObserving()
	var err error
	if d.producer, err = example.NewProducer(example.ProducerOptions{
		Kafka: []kgo.Opt{kgo.SeedBrokers(d.sandbox.Brokers...)}, Topics: d.topics, Frequency: d.options.Frequency, Seed: d.options.Seed, Wrong: d.options.Wrong, Framings: d.options.Framings,
	}); err != nil {
		return nil, err
	}
	observer, err := newObserver(d)
	if err != nil {
		return nil, err
	}
	observed := start(func() error { return observer.run(observing) })
	worked := start(func() error { return work(working) })
	d.view.Started()
	traffic, stopTraffic := context.WithCancel(ctx)
	if d.options.Duration > 0 {
		traffic, stopTraffic = context.WithTimeout(ctx, d.options.Duration)
	}
	defer stopTraffic()
	produced := start(func() error { return d.producer.Run(traffic) })

	err = d.watch(produced, worked, observed)
	stopTraffic()
	if e := produced.wait(); err == nil {
		err = e
	}
	stopWork()
	if e := worked.wait(); err == nil && e != nil {
		err = fmt.Errorf("the worker failed: %w", e)
	}
	if err == nil {
		err = observer.readToEnd(ctx)
	}
	stopObserving()
	if e := observed.wait(); err == nil && e != nil {
		err = fmt.Errorf("observe: %w", e)
	}
	if err != nil {
		return nil, err
	}
	s := d.tally.summary()
	s.Rate = d.producer.Rate()
	return &s, nil
}

// whole is the view with something to call in all places.
func (v View) whole() View {
	if v.Started == nil {
		v.Started = func() {}
	}
	if v.Result == nil {
		v.Result = func(Result) {}
	}
	if v.Tick == nil {
		v.Tick = func(Counts) {}
	}
	if v.Stopped == nil {
		v.Stopped = func() {}
	}
	return v
}

// task is a goroutine that is waited for.
type task struct {
	ended chan struct{}
	err   error // when it has ended
}

func start(f func() error) *task {
	t := &task{ended: make(chan struct{})}
	go func() {
		defer close(t.ended)
		t.err = f()
	}()
	return t
}

func (t *task) wait() error {
	<-t.ended
	return t.err
}

var errEnded = errors.New("it ended before its time")

// watch shows the results until the traffic has ended and its last windows are
// out, or have had time enough to come.
func (d *Demo) watch(produced, worked, observed *task) error {
	repaint := time.NewTicker(500 * time.Millisecond)
	defer repaint.Stop()
	var giveUp <-chan time.Time
	traffic := produced.ended
	for {
		select {
		case <-traffic:
			if produced.err != nil {
				return produced.err
			}
			traffic = nil
			d.tally.stopped(time.Now())
			giveUp = time.After(d.lastWindowsWithin())
			d.view.Stopped()
		case <-worked.ended:
			return fmt.Errorf("worker: %w", errors.Join(worked.err, errEnded))
		case <-observed.ended:
			return fmt.Errorf("observer: %w", errors.Join(observed.err, errEnded))
		case <-repaint.C:
			d.view.Tick(d.tally.counts(d.producer.Rate()))
		case <-giveUp:
			return nil // the summary says what is missing
		}
		if traffic == nil && d.tally.complete(d.producer.Rate().Acked) {
			return nil
		}
	}
}

// lastWindowsWithin is how long the last windows may take after the end of the
// traffic. Those of a clock that is ahead end when the right ones have come there.
func (d *Demo) lastWindowsWithin() time.Duration {
	w := d.config.Aggregations[0].Window
	ahead := time.Duration(0)
	if d.options.Wrong.Share > 0 {
		ahead = d.options.Wrong.Ahead
	}
	return ahead + w.Size + w.Grace + w.IdleAfter + 30*time.Second
}
