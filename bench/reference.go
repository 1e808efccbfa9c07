package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// operations in the order of their results.
var operations = []string{"min", "q1", "mean", "median", "stdev", "q3", "max"}

// window is what is expected of one window: the statistics of field f at
// values[7*f:], in the order of operations.
type window struct {
	count  int64
	values []float64
}

// reference computes the windows of a topic of example records, by start in
// ms. It is written from the definitions and shares nothing with the program.
func reference(ctx context.Context, s *stack, topic string, fields int) (map[int64]*window, error) {
	windows := map[int64]*window{}
	samples := map[int64][][]float64{}
	var group errgroup.Group
	group.SetLimit(4)
	finish := func(start int64) {
		columns, w := samples[start], &window{count: int64(len(samples[start][0]))}
		delete(samples, start)
		windows[start] = w
		group.Go(func() error {
			for _, c := range columns {
				w.values = append(w.values, describe(c)...)
			}
			return nil
		})
	}
	var bad error
	_, err := readAll(ctx, topic, func(r *kgo.Record) {
		body := r.Value[5:]
		if len(body) != 8*(fields+1) {
			bad = fmt.Errorf("%s/%d: offset %d has %d bytes", topic, r.Partition, r.Offset, len(body))
			return
		}
		start := r.Timestamp.UnixMilli() / 1000 * 1000
		columns := samples[start]
		if columns == nil {
			columns = make([][]float64, fields)
			for i := range columns {
				columns[i] = make([]float64, 0, perWindow)
			}
			samples[start] = columns
		}
		for i := range columns {
			columns[i] = append(columns[i], math.Float64frombits(binary.LittleEndian.Uint64(body[8*(i+1):])))
		}
		if len(columns[0]) == perWindow {
			finish(start)
		}
	}, s.opts()...)
	if err = cmpErr(err, bad); err != nil {
		return nil, err
	}
	for start := range samples {
		finish(start)
	}
	return windows, group.Wait()
}

func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// describe computes the seven statistics as Python's statistics module
// defines them: mean and sample standard deviation from the exact sums, and
// quantiles by its "exclusive" method in double precision.
func describe(samples []float64) []float64 {
	s := slices.Clone(samples)
	slices.Sort(s)
	n := len(s)
	quantile := func(i, m int) float64 { // the i-th of m-1 cut points
		j := min(max(i*(n+1)/m, 1), n-1)
		delta := float64(i*(n+1) - j*m)
		return (float64(s[j-1]*(float64(m)-delta)) + float64(s[j]*delta)) / float64(m)
	}
	median := s[n/2]
	if n%2 == 0 {
		median = (s[n/2-1] + s[n/2]) / 2
	}
	mean, stdev := meanAndStdev(s)
	out := []float64{s[0], quantile(1, 4), mean, median, stdev, quantile(3, 4), s[n-1]}
	for i := range out {
		out[i] += 0 // makes 0 of -0
	}
	return out
}

// precision in bits holds the sums and the square exactly for the values that
// the generator makes.
const precision = 640

func meanAndStdev(s []float64) (mean, stdev float64) {
	number := func() *big.Float { return new(big.Float).SetPrec(precision) }
	sum, squares, square, x := number(), number(), number(), number()
	for _, v := range s {
		x.SetFloat64(v)
		sum.Add(sum, x)
		squares.Add(squares, square.Mul(x, x))
	}
	n := number().SetInt64(int64(len(s)))
	mean, _ = number().Quo(sum, n).Float64()
	// (n Σx² − (Σx)²) / (n (n−1))
	top := number().Mul(n, squares)
	top.Sub(top, number().Mul(sum, sum))
	bottom := number().Mul(n, number().SetInt64(int64(len(s)-1)))
	stdev, _ = number().Sqrt(top.Quo(top, bottom)).Float64()
	return mean, stdev
}
