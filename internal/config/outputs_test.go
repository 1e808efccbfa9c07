package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

func aggregation(t *testing.T, text string) config.Aggregation {
	t.Helper()
	l, err := config.Load(config.Sources{File: "a.yaml", Text: []byte("aggregations:\n  - name: a\n    topics: {include: [a]}\n" + text)})
	if err != nil {
		t.Fatal(err)
	}
	return l.Aggregations[0]
}

func TestOutputs(t *testing.T) {
	seven := config.DefaultAggregation().Operations
	for text, want := range map[string][]config.Output{
		"": {{time.Second, time.Second, "{source_topic}-aggregated", seven, 2, false}},
		"    window: {size: 10s}\n    aggregated_topic: '{source_topic}-{size}'\n": {{10 * time.Second, 10 * time.Second, "{source_topic}-10s", seven, 2, false}},
		"    windows: [1s, 10s, 1m]\n    aggregated_topic: '{source_topic}.{size}.agg'\n    operations: [mean]\n    min_sample_size: 3\n": {
			{time.Second, time.Second, "{source_topic}.1s.agg", []string{"mean"}, 3, false},
			{10 * time.Second, 10 * time.Second, "{source_topic}.10s.agg", []string{"mean"}, 3, false},
			{time.Minute, time.Minute, "{source_topic}.1m.agg", []string{"mean"}, 3, false},
		},
		"    windows:\n    - 1s\n    - {size: 1m, advance: 10s, operations: [max], aggregated_topic: 'minutes-{source_topic}', min_sample_size: 5, emit_empty: true}\n": {
			{time.Second, time.Second, "{source_topic}-aggregated", seven, 2, false},
			{time.Minute, 10 * time.Second, "minutes-{source_topic}", []string{"max"}, 5, true},
		},
		"    windows: [1s, {size: 10s, emit_empty: false}]\n    aggregated_topic: '{source_topic}-{size}'\n    emit_empty: true\n": {
			{time.Second, time.Second, "{source_topic}-1s", seven, 2, true},
			{10 * time.Second, 10 * time.Second, "{source_topic}-10s", seven, 2, true},
		},
	} {
		a := aggregation(t, text)
		if got := a.Outputs(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
	a := aggregation(t, "    windows: [2s, {size: 1m, advance: 15s, aggregated_topic: 'm-{source_topic}'}]\n")
	if g, err := a.Grid(); err != nil || g.Slice != int64(time.Second) || len(g.Shapes) != 2 || a.Longest() != time.Minute {
		t.Errorf("%+v, %v, longest %v", g, err, a.Longest())
	}
	l, err := config.Load(config.Sources{File: "a.yaml", Text: []byte("aggregations:\n  - name: a\n    topics: {include: [a]}\n    window: {size: 3s}\n    windows: [2s]\n")})
	if err != nil || len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0], "window.size is not used") {
		t.Errorf("warnings %q, %v", l.Warnings, err)
	}
}
