package cli

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

func benchAggregation() *config.Aggregation { return &config.Default().Aggregations[0] }

// TestBench measures a small load with a worker, as a user would.
func TestBench(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := Run(Process{
		Args:   []string{"bench", "--topics", "2", "--fields", "3", "--frequency", "20", "--duration", "300ms", "-o", "json"},
		Stdout: &stdout, Stderr: &stderr, Environ: append(os.Environ(), "BE_KAFKA_AGGREGATOR=1"),
	})
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, stderr.Bytes())
	}
	var got struct {
		Records float64 `json:"records_per_second"`
		Values  float64 `json:"values_per_second"`
		Out     float64 `json:"records_out_per_second"`
		Cores   float64 `json:"cores"`
		Memory  float64 `json:"memory_bytes"`
		Workers int     `json:"workers"`
		Classes []struct {
			Samples int                `json:"samples"`
			Decode  float64            `json:"decode_ns_per_record"`
			Cores   map[string]float64 `json:"cores"`
		} `json:"classes"`
	}
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, stdout.Bytes())
	}
	if got.Records != 40 || got.Values != 120 || got.Out != 2 || got.Workers != 1 || got.Cores <= 0 || got.Memory <= 0 ||
		len(got.Classes) != 1 || got.Classes[0].Samples != 20 || got.Classes[0].Decode <= 0 || len(got.Classes[0].Cores) != 4 {
		t.Errorf("got %+v", got)
	}
}

// TestBenchWide: a trial has topics that the embedded registry takes, and says how
// far it has come.
func TestBenchWide(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := Run(Process{
		Args:   []string{"bench", "--topics", "1", "--fields", "999", "--frequency", "20", "--duration", "300ms", "--limit", "1m", "-o", "json"},
		Stdout: &stdout, Stderr: &stderr, Environ: append(os.Environ(), "BE_KAFKA_AGGREGATOR=1"),
	})
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, stderr.Bytes())
	}
	var got struct {
		Trial struct {
			Topics int `json:"topics"`
			With   int `json:"topics_with_results"`
		} `json:"trial"`
		Classes []struct {
			Values int `json:"values"`
		} `json:"classes"`
	}
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil || got.Trial.Topics != 1 || got.Trial.With != 1 || got.Classes[0].Values != 999 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, want := range []string{"measuring the computation", "starting a broker", "waiting until a worker has results of 1 topic, for at most 1m0s", "measuring it"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("no %q in\n%s", want, stderr.Bytes())
		}
	}
}

func TestBenchUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--topics", "0"}, {"--fields", "0"}, {"--fields", "1000"}, {"--frequency", "NaN"}, {"--duration", "-1s"}, {"--busy", "1.1"},
		{"--limit", "0s"}, {"--from-topics", "--topics", "3"}, {"--from-topics", "--measure", "0s"},
	} {
		var stdout, stderr bytes.Buffer
		if code := Run(Process{Args: append([]string{"bench"}, args...), Stdout: &stdout, Stderr: &stderr}); code != exitUsage || stdout.Len() > 0 {
			t.Errorf("%q: exit code %d\n%s%s", args, code, stdout.Bytes(), stderr.Bytes())
		}
	}
}

func TestGather(t *testing.T) {
	a, b := benchAggregation(), benchAggregation()
	got := gather([]loadClass{
		{topics: 1, values: 10, hz: 1, aggregation: a}, {topics: 1, values: 12, hz: 3, aggregation: a},
		{topics: 1, values: 10, hz: 100, aggregation: a}, {topics: 1, values: 100, hz: 1, aggregation: a},
		{topics: 1, values: 10, hz: 1, aggregation: b},
	})
	want := []loadClass{
		{topics: 1, values: 10, hz: 100, aggregation: a}, {topics: 1, values: 100, hz: 1, aggregation: a},
		{topics: 2, values: 12, hz: 2, aggregation: a}, {topics: 1, values: 10, hz: 1, aggregation: b},
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
		in         loadClass
		topics, hz float64
		values     int
	}{
		{"as it is", loadClass{topics: 10, hz: 10, values: 10}, 10, 10, 10},
		{"fewer topics", loadClass{topics: 1000, hz: 1, values: 10}, 100, 1, 10},
		{"fewer records", loadClass{topics: 1, hz: 40_000, values: 10}, 1, 10_000, 10},
		{"fewer values", loadClass{topics: 1, hz: 2000, values: 2000}, 1, 500, 428}, // of 7 operations each
		{"never very slow", loadClass{topics: 1000, hz: 2, values: 10}, 100, 2, 10},
		{"slow as it is", loadClass{topics: 10000, hz: 0.01, values: 10}, 100, 0.01, 10},
	} {
		test.in.aggregation = a
		got := cut([]loadClass{test.in})[0]
		if math.Abs(got.topics-test.topics) > 1e-9 || math.Abs(got.hz-test.hz) > 1e-9 || got.values != test.values {
			t.Errorf("%s: got %+v", test.name, got)
		}
	}
}

func TestEstimate(t *testing.T) {
	c := loadClass{topics: 1000, values: 10, hz: 10, aggregation: benchAggregation()} // 10,000 records/s, 1000 windows/s
	e := &estimate{busy: 0.5, parts: []part{{c, units{
		decode: time.Microsecond, collect: time.Microsecond, compute: 20 * time.Microsecond, encode: 5 * time.Microsecond,
	}}}}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	near("cores without a trial", e.cores(), 0.04)
	small := c
	small.topics = 100
	e.take([]loadClass{small}, ran{took: time.Second, cores: 0.1, memory: 50 << 20}) // 0.004 of it is the computation
	near("Kafka", e.kafka, 0.96)
	near("cores", e.cores(), 1)
	near("workers", float64(e.workers()), 2)
	near("one topic", e.hottest(), 0.001)
	state := 2.0 * 100_000 * 2 * 8
	near("memory", e.memory, 20<<20+10*(30<<20-state/10)+state)
}
