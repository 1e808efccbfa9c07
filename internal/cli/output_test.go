package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

func TestJSONOfEverything(t *testing.T) {
	var none *int
	v := object{
		{"nan", math.NaN()}, {"inf", math.Inf(1)}, {"minus", float32(math.Inf(-1))}, {"f32", float32(0.1)}, {"f64", 0.1},
		{"bytes", []byte{0, 255}}, {"text", "a<b>&\"\x00"}, {"nil", nil}, {"none", none}, {"list", []any{math.NaN(), 1, "x"}},
		{"map", map[string]any{"b": math.NaN(), "a": []float64{1, math.Inf(1)}}}, {"time", time.UnixMilli(1_700_000_000_001)}, {"chan", make(chan int)},
	}
	text := appendJSON(nil, v)
	var back map[string]any
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if !strings.Contains(string(text), `"nan":"NaN","inf":"Infinity","minus":"-Infinity","f32":0.1,"f64":0.1,"bytes":"00ff","text":"a<b>&\"\u0000","nil":null,"none":null,"list":["NaN",1,"x"],"map":{"a":[1,"Infinity"],"b":"NaN"},"time":"2023-11-14T22:13:20.001Z"`) {
		t.Errorf("%s", text)
	}
}

func TestTable(t *testing.T) {
	rows := &table{columns: []string{"source_topic", "n"}, rows: [][]any{{"a,b", 1}, {`"c"`, math.NaN()}, {"d", nil}}}
	for format, want := range map[string]string{
		"table": "SOURCE TOPIC  N\na,b           1\n\"c\"           NaN\nd\n",
		"csv":   "source_topic,n\n\"a,b\",1\n\"\"\"c\"\"\",NaN\nd,\n",
		"jsonl": "{\"source_topic\":\"a,b\",\"n\":1}\n{\"source_topic\":\"\\\"c\\\"\",\"n\":\"NaN\"}\n{\"source_topic\":\"d\",\"n\":null}\n",
		"json":  "[\n  {\n    \"source_topic\": \"a,b\",\n    \"n\": 1\n  },\n  {\n    \"source_topic\": \"\\\"c\\\"\",\n    \"n\": \"NaN\"\n  },\n  {\n    \"source_topic\": \"d\",\n    \"n\": null\n  }\n]\n",
	} {
		var out bytes.Buffer
		if err := rows.write(&out, format); err != nil || out.String() != want {
			t.Errorf("%s: %v\n%q\n%q", format, err, out.String(), want)
		}
	}
}

func TestExitCode(t *testing.T) {
	file := config.Problem{Origin: config.Origin{File: "a"}}
	flag := config.Problem{Origin: config.Origin{Flag: "a"}}
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, 0}, {errors.New("x"), 1}, {errDifferences, 2}, {usageError("", "x"), 64}, {fmt.Errorf("x: %w", usageError("", "x")), 64},
		{&config.Error{Problems: []config.Problem{flag, file}}, 78}, {&config.Error{Problems: []config.Problem{flag}}, 64},
		{withHint(errors.New("x"), "y"), 1}, {withHint(&cluster.Unreachable{Err: errors.New("x")}, "y"), 69}, {&cluster.SettingsError{Err: errors.New("x")}, 78},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, 69}, {fmt.Errorf("x: %w", context.DeadlineExceeded), 69}, {errInterrupted, 130},
	} {
		if got := exitCode(c.err); got != c.code {
			t.Errorf("%v: %d, want %d", c.err, got, c.code)
		}
	}
}

func TestProgress(t *testing.T) {
	var g progress
	began := time.Unix(1000, 0)
	at := func(after time.Duration, positions ...int64) step {
		s := status.Status{Time: began.Add(after)}
		for i, p := range positions {
			s.Topics = append(s.Topics, status.TopicStatus{Topic: fmt.Sprint(i), TopicCounts: status.TopicCounts{Windows: 2}, Partitions: []status.PartitionStatus{{Position: p, End: 100 + after.Milliseconds()}}})
		}
		return g.at(s)
	}
	if s := at(0); s.total != 0 || s.left >= 0 {
		t.Errorf("%+v", s)
	}
	if s := at(0, 0); s.total != 100 || s.done != 0 || s.left >= 0 {
		t.Errorf("%+v", s)
	}
	s := at(time.Second, 50, 1000) // a second partition: from 1000 to 1100
	if s.done != 50 || s.total != 200 || s.rate != 50 || s.left != 3*time.Second || s.windows != 4 {
		t.Errorf("%+v", s)
	}
	want := "[==========                              ]  25%  50 records/s  4 windows  3s left"
	if got := s.line(100); got != want {
		t.Errorf("%q", got)
	}
	if got := s.line(20); len(got) > 20 {
		t.Errorf("%q", got)
	}
	if s := at(2*time.Second, 5000, 1100); s.done != 200 || s.total != 200 || s.left != 0 { // beyond the first end
		t.Errorf("%+v", s)
	}
}
