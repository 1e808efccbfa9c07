package main

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/example"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
)

// TestDescribe holds the reference to what Python 3.11's statistics gives.
func TestDescribe(t *testing.T) {
	for _, test := range []struct{ samples, want []float64 }{
		{[]float64{3, 1, 5, 2, 4}, []float64{1, 1.5, 3, 3, 1.5811388300841898, 4.5, 5}},
		{[]float64{2, 1}, []float64{1, 0.75, 1.5, 1.5, 0.7071067811865476, 2.25, 2}},
		{[]float64{0.1, 0.1, 0.1}, []float64{0.1, 0.1, 0.1, 0.1, 0, 0.1, 0.1}},
		{[]float64{1e9 + 0.1, 1e9 + 0.2, 1e9 + 0.4, 1e9 + 0.8}, []float64{1000000000.1, 1000000000.125, 1000000000.375, 1000000000.3, 0.3095695551753714, 1000000000.6999999, 1000000000.8}},
	} {
		if got := describe(test.samples); !slices.Equal(got, test.want) {
			t.Errorf("%v: got %v, want %v", test.samples, got, test.want)
		}
	}
}

func TestWideRecord(t *testing.T) {
	schema, err := avro.Parse(wideSchema())
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float32, wideValues)
	for i := range values {
		values[i] = float32(i)
	}
	var got map[string]any
	rest, err := schema.Decode(wideRecord(nil, values), &got)
	if err != nil || len(rest) > 0 {
		t.Fatal(err, len(rest))
	}
	n := 0
	for _, v := range got {
		if list, ok := v.([]any); ok {
			n += len(list)
		} else {
			n++
		}
	}
	if len(got) != wideScalars+wideArrays || n != wideValues {
		t.Errorf("%d values in %d fields", n, len(got))
	}
}

func TestCountOf(t *testing.T) {
	a := config.DefaultAggregation()
	spec, err := pipeline.NewSpec(&a)
	if err != nil {
		t.Fatal(err)
	}
	in, err := spec.Input(example.Schema("t", 1))
	if err != nil {
		t.Fatal(err)
	}
	plan := spec.Output("t", config.Choice{AggregatedTopic: "a"}).Plan(pipeline.History{}, in)
	record := plan.Encoder().Append(nil, codec.Head{
		Time: 1.5, Start: 1_700_000_000_000, End: 1_700_000_001_000, Size: 1, Count: 12345,
	}, &codec.Results{Scalars: make([]float64, len(a.Operations))})
	if got, err := countOf(record); err != nil || got != 12345 {
		t.Errorf("got %d, %v", got, err)
	}
	for n := range 30 {
		if _, err := countOf(record[:n]); err == nil {
			t.Errorf("%d bytes are enough", n)
		}
	}
}

func TestQuantile(t *testing.T) {
	d := []time.Duration{1, 2, 3, 4}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 3, 0.99: 4, 1: 4} {
		if got := quantile(d, q); got != want {
			t.Errorf("%v: got %d, want %d", q, got, want)
		}
	}
	if quantile(nil, 0.5) != 0 {
		t.Error("a quantile of nothing")
	}
}
