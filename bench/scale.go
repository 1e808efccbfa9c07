package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// scaleRun is what one number of workers took for the whole backlog.
type scaleRun struct {
	formed time.Duration // from the start of the first worker to the assignment
	took   time.Duration // from the assignment to the last window
	used   []float64     // cores, by worker, meanwhile
	broker float64       // cores
}

// scaleCase is a number of workers, and among how many a topic may be split.
type scaleCase struct {
	workers, split int
}

func (c scaleCase) String() string {
	text := fmt.Sprintf("%d workers", c.workers)
	if c.workers == 1 {
		text = "1 worker"
	}
	if c.split == 1 && c.workers > 1 {
		text += ", no topic split"
	}
	return text
}

// closedByRecords is how much of the end of a topic's windows is left out of
// the time: only the clock closes the last two, seconds later.
const closedByRecords = time.Second

func runScale(ctx context.Context, o *options, r *report) error {
	q := newQuota(o.cores, o.pulse)
	s, err := startStack(ctx, o, "scale", 2*time.Second)
	if err != nil {
		return err
	}
	release, err := q.favour(s.broker.Pid())
	if err != nil {
		s.stop()
		return err
	}
	defer release()
	defer s.stop()
	topics, err := s.writeLoad(ctx)
	if err != nil {
		return err
	}
	progress("each worker is held to %v cores %v", o.cores, q)
	var cases []scaleCase
	for _, n := range o.workers {
		cases = append(cases, scaleCase{n, hotPartitions})
	}
	if most := slices.Max(o.workers); most > 1 {
		cases = append(cases, scaleCase{most, 1})
	}
	runs := make([][]scaleRun, len(cases))
	for round := range o.rounds {
		for i, c := range cases {
			if round > 0 && c.split == 1 {
				continue // once is enough to compare with
			}
			got, err := s.scale(ctx, q, c, fmt.Sprintf("scale-%d-%d-%d", c.workers, c.split, round+1), topics)
			if err != nil {
				return fmt.Errorf("%v: %w", c, err)
			}
			runs[i] = append(runs[i], got)
		}
	}
	return r.scale(s, q, topics, cases, runs)
}

// scale has workers work the backlog off. The time counts only if the results are right.
func (s *stack) scale(ctx context.Context, q *quota, c scaleCase, run string, topics []*scaleTopic) (scaleRun, error) {
	var got scaleRun
	conf, err := s.config(configuration{run: run, topics: `^(hot|plain)-[0-9]+$`, into: run + "-{source_topic}", split: c.split, fields: "^value[0-9]$", idle: time.Second})
	if err != nil {
		return got, err
	}
	if err := s.prepareScale(ctx, c, run, topics); err != nil {
		return got, err
	}
	var workers []*process
	var releases []func()
	running := true
	defer func() {
		for _, p := range workers {
			if running {
				_ = p.cmd.Process.Kill() // it may have ended
			}
			<-p.ended
		}
		for _, release := range releases {
			release()
		}
	}()
	for i := range c.workers {
		name := fmt.Sprintf("%s-%d", run, i)
		p, err := s.start(ctx, name, s.worker(name, conf)...)
		if err != nil {
			return got, err
		}
		workers = append(workers, p)
		release, err := q.hold(p.cmd.Process.Pid, p.ended)
		if err != nil {
			return got, fmt.Errorf("hold a worker to its share: %w", err)
		}
		releases = append(releases, release)
	}
	f := &follower{stack: s, group: run, topics: topics}
	began, err := f.formed(ctx, c.workers)
	if err != nil {
		return got, err
	}
	got.formed = began.Sub(workers[0].began)
	used := func() (out []time.Duration) {
		for _, p := range workers {
			out = append(out, ran(p.cmd.Process.Pid))
		}
		return append(out, ran(s.broker.Pid()))
	}
	alive := func() error {
		for _, p := range workers {
			select {
			case <-p.ended:
				return fmt.Errorf("a worker has ended: %w", p.wait())
			default:
			}
		}
		return nil
	}
	before := used()
	end, done, err := f.out(ctx, closedByRecords, alive)
	if err != nil {
		return got, err
	}
	got.took = end.Sub(began)
	for i, u := range used() {
		cores := (u - before[i]).Seconds() / got.took.Seconds()
		if i < len(workers) {
			got.used = append(got.used, cores)
		} else {
			got.broker = cores
		}
	}
	shares, last, err := f.shares(ctx, done)
	if err != nil {
		return got, err
	}
	progress("%s: %.1f s after %.1f s of joining, cores used %.3f, broker %.2f", run, got.took.Seconds(), got.formed.Seconds(), got.used, got.broker)
	progress("   the hot topic out after %.1f s", done[topics[0].Name].Sub(began).Seconds())
	for i := range shares {
		progress("   %.1f %% of the records, its plain topics out after %.1f s", 100*shares[i], max(0, last[i].Sub(began).Seconds()))
	}
	if _, _, err := f.out(ctx, -time.Second, alive); err != nil { // the clock closes the rest
		return got, err
	}
	for _, p := range workers {
		if err := p.stop(); err != nil {
			return got, err
		}
	}
	running = false
	if err := s.checkScale(ctx, run, topics); err != nil {
		return got, err
	}
	return got, s.forget(ctx, run, topics)
}

// prepareScale makes the topics that the workers would make at their first start.
func (s *stack) prepareScale(ctx context.Context, c scaleCase, run string, topics []*scaleTopic) error {
	var into []string
	for _, t := range topics {
		into = append(into, run+"-"+t.Name)
	}
	_, err := s.admin.CreateTopics(ctx, 1, -1, nil, into...)
	if err == nil && c.split > 1 {
		byBroker := map[string]*string{"message.timestamp.type": new("LogAppendTime")}
		into = append(into, config.PartialsTopic(run, topics[0].Name))
		_, err = s.admin.CreateTopic(ctx, 1, -1, byBroker, into[len(into)-1])
	}
	for deadline := time.Now().Add(time.Minute); err == nil; { // the broker answers before it has made them
		ends, listed := s.admin.ListEndOffsets(ctx, into...)
		if listed == nil && ends.Error() == nil {
			return nil
		}
		if err = pause(ctx, 100*time.Millisecond); err == nil && time.Now().After(deadline) {
			err = fmt.Errorf("topics are not there: %w", cmp.Or(listed, ends.Error()))
		}
	}
	return err
}

// forget deletes what a run has written.
func (s *stack) forget(ctx context.Context, run string, topics []*scaleTopic) error {
	var all []string
	for _, t := range topics {
		all = append(all, run+"-"+t.Name)
	}
	if _, err := s.admin.DeleteTopics(ctx, all...); err != nil {
		return err
	}
	_, err := s.admin.DeleteTopics(ctx, config.PartialsTopic(run, topics[0].Name)) // there is none if nothing was split
	return err
}

// scale writes the table.
func (r *report) scale(s *stack, q *quota, topics []*scaleTopic, cases []scaleCase, runs [][]scaleRun) error {
	records := int64(0)
	for _, t := range topics {
		records += t.records
	}
	r.printf("\n%d records of %d numbers, of which %d are aggregated: %.0f %% in one topic of %d partitions, the rest in %d topics of one, %d to %d records a window; each worker held to %v cores %v; median of %d (of one, if no topic is split); load now %s\n",
		records, scaleFields+1, fields, 100*float64(topics[0].records)/float64(records), hotPartitions, plainTopics, slices.Min(plainRates()), slices.Max(plainRates()), s.cores, q, s.rounds, loadAverage())
	var one float64
	var rows [][]string
	for i, c := range cases {
		took := middle(runs[i], func(r scaleRun) time.Duration { return r.took }).Seconds()
		if i == 0 {
			one = took
		}
		least, most := took, took
		low, high := runs[i][0].used[0], runs[i][0].used[0]
		for _, x := range runs[i] {
			least, most = min(least, x.took.Seconds()), max(most, x.took.Seconds())
			low, high = min(low, slices.Min(x.used)), max(high, slices.Max(x.used))
		}
		rows = append(rows, []string{
			c.String(), fmt.Sprintf("%.1f", took), fmt.Sprintf("%.1f–%.1f", least, most),
			fmt.Sprintf("%.2f M", float64(records)/took/1e6), fmt.Sprintf("%.1f M", float64(records*fields)/took/1e6),
			fmt.Sprintf("%.2f", one/took),
			fmt.Sprintf("%.3f–%.3f", low, high),
			fmt.Sprintf("%.2f", middle(runs[i], func(r scaleRun) float64 { return r.broker })),
			fmt.Sprintf("%.1f", middle(runs[i], func(r scaleRun) time.Duration { return r.formed }).Seconds()),
		})
	}
	r.table([]string{"", "s", "span", "records/s", "values/s", "× 1 worker", "cores of a worker", "cores of the broker", "s to join"}, rows)
	return nil
}
