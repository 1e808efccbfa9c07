package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// checkScale compares what a run has written with what is expected: in every
// topic every window is there once with the right count, and the statistics of
// every valueEvery-th one are right to the last bit.
func (s *stack) checkScale(ctx context.Context, run string, topics []*scaleTopic) error {
	var group errgroup.Group
	group.SetLimit(2)
	for _, t := range topics {
		group.Go(func() error {
			into := run + "-" + t.Name
			if err := s.checkScaleTopic(ctx, into, t.windows); err != nil {
				return fmt.Errorf("%s: %w", into, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func (s *stack) checkScaleTopic(ctx context.Context, topic string, want map[int64]*window) error {
	schemas := map[int]*registry.Schema{}
	seen, full := map[int64]bool{}, map[int64]bool{}
	var fault error
	_, err := readAll(ctx, topic, func(r *kgo.Record) {
		if fault == nil {
			fault = s.checkScaleRecord(ctx, r, schemas, seen, full, want)
		}
	}, s.opts()...)
	switch {
	case err != nil:
		return err
	case fault != nil:
		return fault
	case len(seen) != len(want):
		return fmt.Errorf("%d of %d windows", len(seen), len(want))
	case len(full) < len(want)/valueEvery:
		return fmt.Errorf("the values of %d windows only were compared", len(full))
	}
	return nil
}

func (s *stack) checkScaleRecord(ctx context.Context, r *kgo.Record, schemas map[int]*registry.Schema, seen, full map[int64]bool, want map[int64]*window) error {
	_, body, err := registry.ParseHeader(r.Value)
	if err != nil {
		return err
	}
	start, err := startOf(body)
	if err != nil {
		return err
	}
	w := want[start]
	if w != nil && w.values != nil {
		if err := checkRecord(ctx, s, r, schemas, full, want, 0); err != nil {
			return err
		}
	}
	count, err := countOf(r.Value)
	switch {
	case err != nil:
		return err
	case w == nil:
		return fmt.Errorf("window %d was not expected", start)
	case seen[start]:
		return fmt.Errorf("window %d is there twice", start)
	case count != w.count:
		return fmt.Errorf("window %d counts %d records, want %d", start, count, w.count)
	}
	seen[start] = true
	return nil
}
