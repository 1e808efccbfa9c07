package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lsst-sqre/kafka-aggregator/internal/example"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// class is a number of example topics with one partition that are written at
// the same rate.
type class struct {
	name   string
	topics int
	hz     float64
}

func runLive(ctx context.Context, o *options, r *report) error {
	return live(ctx, o, r, "live", 10, []class{{"steady", 10, 10}})
}

func runMany(ctx context.Context, o *options, r *report) error {
	return live(ctx, o, r, "many", 12, []class{{"slow", 274, 1}, {"middle", 541, 10}, {"fast", 236, 100}})
}

// live writes to all topics, each class evenly over time, while a worker
// aggregates and an observer reads the results.
func live(ctx context.Context, o *options, r *report, name string, fields int, classes []class) error {
	s, err := startStack(ctx, o, name, 0)
	if err != nil {
		return err
	}
	defer s.stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := &liveRun{stack: s, classes: classes, fields: fields}
	if err := l.prepare(ctx); err != nil {
		return err
	}
	group, inner := errgroup.WithContext(ctx)
	watching, stopWatching := context.WithCancel(inner)
	group.Go(func() error { l.observer.run(watching); return nil })
	group.Go(func() error {
		defer stopWatching()
		return l.measure(inner)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	l.report(r)
	return nil
}

type liveRun struct {
	*stack
	classes  []class
	fields   int
	topics   [][]example.Topic // by class
	observer *observer
	listen   string // of the worker's status

	took                time.Duration // measured
	cpu                 time.Duration
	brokerCPU           time.Duration
	rss, peak           int64    // bytes
	lag                 [2]int64 // records, at the start and the end
	commits, committing float64  // transactions, and the seconds they took
	produced            int64
	asked, reached      float64 // records/s
	gaps                int64
	late                int64
}

// prepare makes the topics of both kinds.
func (l *liveRun) prepare(ctx context.Context) error {
	aggregated := map[string]int{}
	for i, c := range l.classes {
		created, err := example.Create(ctx, l.client, l.schemas, example.Plan{Prefix: c.name, Topics: c.topics, Fields: l.fields, Partitions: 1})
		if err != nil {
			return err
		}
		var topics []example.Topic
		var names []string
		for _, t := range created {
			topics = append(topics, t.Topic)
			names = append(names, t.Name+"-aggregated")
			aggregated[t.Name+"-aggregated"] = i
		}
		if _, err := l.admin.CreateTopics(ctx, 1, -1, nil, names...); err != nil {
			return fmt.Errorf("create aggregated topics: %w", err)
		}
		l.topics = append(l.topics, topics)
		progress("%d topics for %v Hz", c.topics, c.hz)
	}
	if err := l.ready(ctx); err != nil {
		return err
	}
	var err error
	l.observer, err = l.observe(aggregated)
	return err
}

// ready waits until the broker serves all topics: it answers a creation
// before it has made the logs, and refuses records until then.
func (l *liveRun) ready(ctx context.Context) error {
	var names []string
	for _, topics := range l.topics {
		for _, t := range topics {
			names = append(names, t.Name, t.Name+"-aggregated")
		}
	}
	return l.until(ctx, 2*time.Minute, "the broker serves all topics", func() (bool, error) {
		ends, err := l.admin.ListEndOffsets(ctx, names...)
		if err != nil {
			return false, err
		}
		return ends.Error() == nil, nil
	})
}

// measure starts the worker and the load, waits until all topics give
// results, and then measures.
func (l *liveRun) measure(ctx context.Context) error {
	var err error
	if l.listen, err = freeAddress(); err != nil {
		return err
	}
	config, err := l.config(configuration{run: l.name, topics: `^(slow|middle|fast|steady)-[0-9]+$`, into: "{source_topic}-aggregated", listen: l.listen})
	if err != nil {
		return err
	}
	p, err := l.start(ctx, l.name, l.worker(l.name, config)...)
	if err != nil {
		return err
	}
	defer p.stop() // if it has not ended yet
	producing, stopProducing := context.WithCancel(ctx)
	defer stopProducing()
	var producers []*example.Producer
	var load errgroup.Group
	for i, topics := range l.topics {
		producer, err := example.NewProducer(example.ProducerOptions{Kafka: l.opts(), Topics: topics, Frequency: l.classes[i].hz, Seed: uint64(i)})
		if err != nil {
			return err
		}
		producers = append(producers, producer)
		load.Go(func() error { return producer.Run(producing) })
	}
	if err := l.until(ctx, 2*time.Minute, "all topics have results", func() (bool, error) {
		topics, _, _, err := l.observer.status()
		return topics == len(l.observer.topics), err
	}); err != nil {
		return err
	}
	select { // what was left over from the start is worked off
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(10 * time.Second):
	}
	if err := l.watch(ctx, p, producers); err != nil {
		return err
	}
	stopProducing()
	if err := load.Wait(); err != nil {
		return err
	}
	for _, producer := range producers {
		l.produced += producer.Rate().Acked
	}
	if err := l.until(ctx, time.Minute, "all records are in results", func() (bool, error) {
		_, records, gaps, err := l.observer.status()
		l.gaps = gaps
		if records > l.produced {
			err = fmt.Errorf("%d records are in windows, %d were written", records, l.produced)
		}
		return records == l.produced, err
	}); err != nil {
		return err
	}
	return p.stop()
}

// watch is the time that is measured.
func (l *liveRun) watch(ctx context.Context, p *process, producers []*example.Producer) error {
	count := func() (n int64, asked float64) {
		for _, producer := range producers {
			r := producer.Rate()
			n, asked = n+r.Acked, asked+r.Asked
		}
		return n, asked
	}
	pid := p.cmd.Process.Pid
	before, err := l.status(ctx)
	if err != nil {
		return err
	}
	commits, committing, err := l.transactions(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	l.observer.measure(began, began.Add(l.live))
	cpu, broker := cpuTime(pid), cpuTime(l.stack.broker.Pid())
	records, asked := count()
	progress("measuring for %v, load %s", l.live, loadAverage())
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-p.ended:
		return p.wait()
	case <-time.After(l.live):
	}
	l.took = time.Since(began)
	l.cpu, l.brokerCPU = cpuTime(pid)-cpu, cpuTime(l.stack.broker.Pid())-broker
	l.rss, l.peak = memory(pid, "VmRSS:"), p.peak.Load()
	now, _ := count()
	l.asked, l.reached = asked, float64(now-records)/l.took.Seconds()
	if l.commits, l.committing, err = l.transactions(ctx); err != nil {
		return err
	}
	l.commits, l.committing = l.commits-commits, l.committing-committing
	after, err := l.status(ctx)
	if err != nil {
		return err
	}
	for i, status := range []*status.Status{before, after} {
		for _, t := range status.Topics {
			for _, p := range t.Partitions {
				l.lag[i] += p.Lag
			}
			if i == 1 {
				l.late += t.Late
			}
		}
	}
	return nil
}

// until asks twice a second whether something is so.
func (l *liveRun) until(ctx context.Context, within time.Duration, what string, ask func() (bool, error)) error {
	progress("waiting until %s", what)
	deadline := time.After(within)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return fmt.Errorf("not within %v: %s%s", within, what, l.observer.state())
		case <-tick.C:
		}
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
