package main

import (
	"context"
	"fmt"
)

// runShapes is the backlog with other windows than those of a second.
func runShapes(ctx context.Context, o *options, r *report) error {
	s, err := startStack(ctx, o, "shapes", 0)
	if err != nil {
		return err
	}
	defer s.stop()
	records := o.sizes[0]
	topic, want, err := s.backlog(ctx, records)
	if err != nil {
		return err
	}
	list := contestants(&options{})[:1] // fetching alone
	for _, windows := range []string{"[1s]", "[1s, 10s, 1m]", "[10s]", "[{size: 1m, advance: 10s}]"} {
		list = append(list, contestant{name: "windows: " + windows, command: func(s *stack, run, topic, into string, _ int64) ([]string, error) {
			config, err := s.config(configuration{run: run, topics: "^" + topic + "$", into: into + "-{source_topic}-{size}", windows: windows})
			return s.worker(run, config, "--stop-at-end"), err
		}})
	}
	runs := make([][]result, len(list))
	for round := range o.rounds {
		for i, c := range list {
			run := fmt.Sprintf("shapes-%d-%d", i, round+1)
			c.name = run
			got, err := s.compete(ctx, c, fmt.Sprint(round+1), topic, records, want)
			if err != nil {
				return fmt.Errorf("%s: %w", list[i].name, err)
			}
			runs[i] = append(runs[i], got)
			if i == 1 || i == 2 {
				if err := check(ctx, s, fmt.Sprintf("run-%s-%d-%s-1s", slug(run), round+1, topic), want, 0); err != nil {
					return fmt.Errorf("%s: %w", list[i].name, err)
				}
			}
		}
	}
	r.printf("\n%d records of %d doubles in %d partitions, %d a second; median of %d; load now %s\n", records, fields+1, partitions, perWindow, o.rounds, loadAverage())
	var rows [][]string
	for i, c := range list {
		m := median(runs[i])
		rows = append(rows, []string{c.name, fmt.Sprintf("%.2f", m.wall.Seconds()), fmt.Sprintf("%.2f", float64(m.cpu.Microseconds())/float64(records)), fmt.Sprint(m.peak >> 20)})
	}
	r.table([]string{"", "s", "CPU µs/record", "peak RSS MiB"}, rows)
	return nil
}
