package cli

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// TestBench measures a small load with a worker, as a user would.
func TestBench(t *testing.T) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("kafka-aggregator", "bench", "--topics", "2", "--fields", "3", "--frequency", "20", "--duration", "300ms", "-o", "json")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
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
	cmd := exec.Command("kafka-aggregator", "bench", "--topics", "1", "--fields", "999", "--frequency", "20", "--duration", "300ms", "--limit", "1m", "-o", "json")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
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
