package main

import (
	"context"
	"fmt"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/example"
)

// program is the name of what is measured.
const program = "kafka-aggregator"

// Shape of the backlogs.
const (
	perWindow  = 1000 // records of a window of 1 s
	fields     = 10   // aggregated, of 11
	partitions = 4
)

// contestant works off a backlog in a process of its own.
type contestant struct {
	name    string
	command func(s *stack, run, topic, into string, records int64) ([]string, error)
	// check tells whether there are results, and how far mean and stdev may
	// be off, relatively.
	check     bool
	tolerance float64
}

func contestants(o *options) []contestant {
	list := []contestant{
		{name: "fetching alone", command: func(s *stack, _, topic, _ string, records int64) ([]string, error) {
			return []string{self(), "fetch", "-brokers", s.broker.Addr, "-topic", topic, "-want", fmt.Sprint(records)}, nil
		}},
		{name: program, check: true, command: func(s *stack, run, topic, into string, _ int64) ([]string, error) {
			config, err := s.config(configuration{run: run, topics: "^" + topic + "$", into: into + "-{source_topic}"})
			return s.worker(run, config, "--stop-at-end"), err
		}},
	}
	if o.peers {
		list = append(list, peers(o)...)
	}
	return list
}

// result is one run of one contestant.
type result struct {
	wall, cpu time.Duration
	peak      int64
}

func runBacklog(ctx context.Context, o *options, r *report) error {
	if o.peers {
		if err := buildPeers(ctx, o); err != nil {
			return err
		}
	}
	s, err := startStack(ctx, o, "backlog", 0)
	if err != nil {
		return err
	}
	defer s.stop()
	list := contestants(o)
	medians := make([][]result, len(list)) // by contestant, size
	for _, records := range o.sizes {
		topic, want, err := s.backlog(ctx, records)
		if err != nil {
			return err
		}
		runs := make([][]result, len(list))
		for round := range o.rounds {
			for i, c := range list {
				got, err := s.compete(ctx, c, fmt.Sprintf("%d-%d", records, round+1), topic, records, want)
				if err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
				runs[i] = append(runs[i], got)
			}
		}
		for i := range list {
			medians[i] = append(medians[i], median(runs[i]))
		}
		r.backlog(o, records, list, runs)
	}
	r.marginal(o.sizes, list, medians)
	return nil
}

// backlog writes the records and computes what is expected of them.
func (s *stack) backlog(ctx context.Context, records int64) (topic string, want map[int64]*window, err error) {
	created, err := example.Create(ctx, s.client, s.schemas, example.Plan{Prefix: fmt.Sprintf("backlog-%d", records), Topics: 1, Fields: fields, Partitions: partitions})
	if err != nil {
		return "", nil, err
	}
	topic = created[0].Name
	b, err := example.WriteBacklog(ctx, example.BacklogOptions{Kafka: s.opts(), Topic: created[0].Topic, Records: records, PerWindow: perWindow, Seed: 1})
	if err != nil {
		return "", nil, err
	}
	progress("%d records written in %.1f s", records, b.Took.Seconds())
	began := time.Now()
	if want, err = reference(ctx, s, topic, fields); err != nil {
		return "", nil, err
	}
	if int64(len(want)) != b.Windows {
		return "", nil, fmt.Errorf("the reference has %d windows, want %d", len(want), b.Windows)
	}
	progress("%d windows computed in %.1f s for the checks", len(want), time.Since(began).Seconds())
	return topic, want, nil
}

// compete is one run. Its time counts only if its results are right.
func (s *stack) compete(ctx context.Context, c contestant, label, topic string, records int64, want map[int64]*window) (result, error) {
	run := slug(c.name) + "-" + label
	into := "run-" + run
	args, err := c.command(s, run, topic, into, records)
	if err != nil {
		return result{}, err
	}
	p, err := s.start(ctx, run, args...)
	if err != nil {
		return result{}, err
	}
	if err := p.wait(); err != nil {
		return result{}, err
	}
	got := result{wall: p.wall, cpu: p.cpu(), peak: p.peak.Load()}
	progress("%s: %.2f s, %.2f µs CPU a record, %d MiB", run, got.wall.Seconds(), float64(got.cpu.Microseconds())/float64(records), got.peak>>20)
	if c.check {
		if err := check(ctx, s, into+"-"+topic, want, c.tolerance); err != nil {
			return result{}, err
		}
	}
	return got, nil
}
