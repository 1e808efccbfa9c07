package estimate

import (
	"math"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

func benchAggregation() *config.Aggregation { return &config.Default().Aggregations[0] }

func TestGather(t *testing.T) {
	a, b := benchAggregation(), benchAggregation()
	got := gather([]Class{
		{Topics: 1, Values: 10, Rate: 1, Aggregation: a}, {Topics: 1, Values: 12, Rate: 3, Aggregation: a},
		{Topics: 1, Values: 10, Rate: 100, Aggregation: a}, {Topics: 1, Values: 100, Rate: 1, Aggregation: a},
		{Topics: 1, Values: 10, Rate: 1, Aggregation: b},
	})
	want := []Class{
		{Topics: 1, Values: 10, Rate: 100, Aggregation: a}, {Topics: 1, Values: 100, Rate: 1, Aggregation: a},
		{Topics: 2, Values: 12, Rate: 2, Aggregation: a}, {Topics: 1, Values: 10, Rate: 1, Aggregation: b},
	}
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("class %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestCut(t *testing.T) {
	a := benchAggregation()
	for _, test := range []struct {
		name       string
		in         Class
		topics, hz float64
		values     int
	}{
		{"as it is", Class{Topics: 10, Rate: 10, Values: 10}, 10, 10, 10},
		{"fewer topics", Class{Topics: 1000, Rate: 1, Values: 10}, 100, 1, 10},
		{"fewer records", Class{Topics: 1, Rate: 40_000, Values: 10}, 1, 10_000, 10},
		{"fewer values", Class{Topics: 1, Rate: 2000, Values: 2000}, 1, 500, 428}, // of 7 operations each
		{"never very slow", Class{Topics: 1000, Rate: 2, Values: 10}, 100, 2, 10},
		{"slow as it is", Class{Topics: 10000, Rate: 0.01, Values: 10}, 100, 0.01, 10},
	} {
		test.in.Aggregation = a
		got := cut([]Class{test.in})[0]
		if math.Abs(got.Topics-test.topics) > 1e-9 || math.Abs(got.Rate-test.hz) > 1e-9 || got.Values != test.values {
			t.Errorf("%s: got %+v", test.name, got)
		}
	}
}

func TestEstimate(t *testing.T) {
	c := Class{Topics: 1000, Values: 10, Rate: 10, Aggregation: benchAggregation()} // 10,000 records/s, 1000 windows/s
	e := &Estimate{Busy: 0.5, Parts: []Part{{c, Units{
		Decode: time.Microsecond, Collect: time.Microsecond, Compute: 20 * time.Microsecond, Encode: 5 * time.Microsecond,
	}}}}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	near("cores without a trial", e.Cores(), 0.04)
	small := c
	small.Topics = 100
	e.take([]Class{small}, Ran{Took: time.Second, Cores: 0.1, Memory: 50 << 20}) // 0.004 of it is the computation
	near("Kafka", e.Kafka, 0.96)
	near("cores", e.Cores(), 1)
	near("workers", float64(e.Workers()), 2)
	near("one topic", e.Hottest(), 0.001)
	state := 2.0 * 100_000 * 2 * 8
	near("memory", e.Memory, 20<<20+10*(30<<20-state/10)+state)
}
