package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// check compares the aggregated records of a topic with what is expected:
// each window once, with the right count and statistics. Order statistics
// must be equal to the bit; mean and stdev may differ by the relative
// tolerance, which is 0 for this program.
func check(ctx context.Context, s *stack, topic string, want map[int64]*window, tolerance float64) error {
	if tolerance < 0 {
		return errors.New("the tolerance is less than nothing")
	}
	schemas := map[int]*registry.Schema{}
	seen := map[int64]bool{}
	var fault error
	_, err := readAll(ctx, topic, func(r *kgo.Record) {
		if fault == nil {
			fault = checkRecord(ctx, s, r, schemas, seen, want, tolerance)
		}
	}, s.opts()...)
	switch {
	case err != nil:
		return err
	case fault != nil:
		return fmt.Errorf("%s: %w", topic, fault)
	case len(seen) != len(want):
		return fmt.Errorf("%s: %d of %d windows", topic, len(seen), len(want))
	}
	return nil
}

func checkRecord(ctx context.Context, s *stack, r *kgo.Record, schemas map[int]*registry.Schema, seen map[int64]bool, want map[int64]*window, tolerance float64) error {
	id, body, err := registry.ParseHeader(r.Value)
	if err != nil {
		return err
	}
	if schemas[id] == nil {
		if schemas[id], err = s.schemas.Schema(ctx, id); err != nil {
			return err
		}
	}
	var got map[string]any
	if _, err := schemas[id].Decode(body, &got); err != nil {
		return err
	}
	start, err := millis(got["window_start"])
	if err != nil {
		return err
	}
	w := want[start]
	switch {
	case w == nil:
		return fmt.Errorf("window %d was not expected", start)
	case seen[start]:
		return fmt.Errorf("window %d is there twice", start)
	case got["count"] != w.count:
		return fmt.Errorf("window %d counts %v records, want %d", start, got["count"], w.count)
	}
	seen[start] = true
	for i, expected := range w.values {
		operation := operations[i%len(operations)]
		name := fmt.Sprintf("%s_value%d", operation, i/len(operations))
		value, ok := got[name].(float64)
		allowed := 0.0
		if operation == "mean" || operation == "stdev" {
			allowed = tolerance * math.Abs(expected)
		}
		if !ok || !(math.Abs(value-expected) <= allowed) {
			return fmt.Errorf("window %d: %s is %v, want %v", start, name, got[name], expected)
		}
	}
	return nil
}

func millis(v any) (int64, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case time.Time:
		return v.UnixMilli(), nil
	}
	return 0, fmt.Errorf("window_start is %T", v)
}
