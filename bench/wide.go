package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/example"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// The wide records: floats in 8 plain fields and 7 arrays, by turns.
const (
	wideTopic   = "wide"
	wideRecords = 200_000
	wideScalars = 8
	wideArrays  = 7
	wideValues  = 812
)

// arrayLength: the lengths add up to what the plain fields leave over.
func arrayLength(i int) int {
	rest := wideValues - wideScalars
	return rest*(i+1)/wideArrays - rest*i/wideArrays
}

func wideSchema() string {
	var fields []string
	for i := range wideScalars {
		fields = append(fields, fmt.Sprintf(`{"name":"s%d","type":"float"}`, i))
		if i < wideArrays {
			fields = append(fields, fmt.Sprintf(`{"name":"a%d","type":{"type":"array","items":"float"}}`, i))
		}
	}
	return `{"type":"record","name":"wide","fields":[` + strings.Join(fields, ",") + `]}`
}

// wideRecord appends the record of values, which come in the order of the schema.
func wideRecord(dst []byte, values []float32) []byte {
	float := func() {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(values[0]))
		values = values[1:]
	}
	for i := range wideScalars {
		float()
		if i < wideArrays {
			dst = binary.AppendVarint(dst, int64(arrayLength(i)))
			for range arrayLength(i) {
				float()
			}
			dst = append(dst, 0)
		}
	}
	return dst
}

func runWide(ctx context.Context, o *options, r *report) error {
	s, err := startStack(ctx, o, "wide", 0)
	if err != nil {
		return err
	}
	defer s.stop()
	want, err := s.writeWide(ctx)
	if err != nil {
		return err
	}
	list := contestants(&options{}) // the peers don't do arrays
	list[1].check = false           // by check; checkWide does it
	runs := make([][]result, len(list))
	for round := range o.rounds {
		for i, c := range list {
			label := fmt.Sprintf("wide-%d", round+1)
			got, err := s.compete(ctx, c, label, wideTopic, wideRecords, nil)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			runs[i] = append(runs[i], got)
			if c.name == program {
				if err := s.checkWide(ctx, "run-"+slug(c.name)+"-"+label+"-"+wideTopic, want); err != nil {
					return err
				}
			}
		}
	}
	r.printf("\n%d records of %d floats in %d fields, of which %d are arrays; %d partitions, %d records a window; median of %d; load now %s\n",
		wideRecords, wideValues, wideScalars+wideArrays, wideArrays, partitions, perWindow, o.rounds, loadAverage())
	var rows [][]string
	for i, c := range list {
		m := median(runs[i])
		rows = append(rows, []string{c.name, fmt.Sprintf("%.2f", m.wall.Seconds()),
			fmt.Sprintf("%.0f M", wideRecords*wideValues/m.wall.Seconds()/1e6),
			fmt.Sprintf("%.1f", float64(m.cpu)/wideRecords/wideValues), fmt.Sprint(m.peak >> 20)})
	}
	r.table([]string{"", "s", "values/s", "CPU ns/value", "peak RSS MiB"}, rows)
	return nil
}

// writeWide writes the records; it returns the values of the first window,
// by position in the schema.
func (s *stack) writeWide(ctx context.Context) (first [][]float64, err error) {
	if _, err := s.admin.CreateTopic(ctx, partitions, -1, nil, wideTopic); err != nil {
		return nil, err
	}
	id, err := s.schemas.Register(ctx, example.Subject(wideTopic), wideSchema())
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(s.opts(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(20*time.Millisecond))...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	first = make([][]float64, wideValues)
	random := rand.New(rand.NewPCG(1, 2))
	values := make([]float32, wideValues)
	start := time.Now().Add(-time.Duration(wideRecords/perWindow)*time.Second - time.Minute).Truncate(time.Second)
	done := kgo.AbortingFirstErrPromise(client)
	for k := range wideRecords {
		for i := range values {
			values[i] = 20 + float32(random.NormFloat64())
			if k < perWindow {
				first[i] = append(first[i], float64(values[i]))
			}
		}
		client.Produce(ctx, &kgo.Record{
			Topic: wideTopic, Partition: int32(k % partitions),
			Timestamp: start.Add(time.Duration(k) * (time.Second / perWindow)),
			Value:     wideRecord(registry.AppendHeader(nil, id), values),
		}, done.Promise())
	}
	return first, done.Err()
}

// checkWide counts the windows and compares all statistics of the first one.
func (s *stack) checkWide(ctx context.Context, topic string, first [][]float64) error {
	windows := 0
	var fault error
	_, err := readAll(ctx, topic, func(r *kgo.Record) {
		if windows++; windows > 1 || fault != nil {
			return
		}
		fault = s.compareWide(ctx, r.Value, first)
	}, s.opts()...)
	switch {
	case err != nil:
		return err
	case fault != nil:
		return fmt.Errorf("%s: %w", topic, fault)
	case windows != wideRecords/perWindow:
		return fmt.Errorf("%s: %d windows, want %d", topic, windows, wideRecords/perWindow)
	}
	return nil
}

func (s *stack) compareWide(ctx context.Context, value []byte, first [][]float64) error {
	id, body, err := registry.ParseHeader(value)
	if err != nil {
		return err
	}
	schema, err := s.schemas.Schema(ctx, id)
	if err != nil {
		return err
	}
	var got map[string]any
	if _, err := schema.Decode(body, &got); err != nil {
		return err
	}
	equal := func(v any, samples []float64, op int) bool { return v == any(describe(samples)[op]) }
	for i := range wideScalars {
		for op, operation := range operations {
			if name := fmt.Sprintf("%s_s%d", operation, i); !equal(got[name], first[0], op) {
				return fmt.Errorf("%s is %v", name, got[name])
			}
		}
		first = first[1:]
		if i == wideArrays {
			break
		}
		n := arrayLength(i)
		for op, operation := range operations {
			name := fmt.Sprintf("%s_a%d", operation, i)
			list, ok := got[name].([]any)
			if !ok || len(list) != n {
				return fmt.Errorf("%s is %v", name, got[name])
			}
			for e, v := range list {
				if !equal(v, first[e], op) {
					return fmt.Errorf("%s[%d] is %v", name, e, v)
				}
			}
		}
		first = first[n:]
	}
	return nil
}
