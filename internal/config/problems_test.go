package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// TestProblems reads testdata/problems/*.yaml. What Load says of each stands
// in the file beside it, with the extension .txt; UPDATE=1 writes it anew.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/problems/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			_, err = config.Load(config.Sources{File: filepath.Base(name), Text: text})
			if err == nil {
				t.Fatal("was accepted")
			}
			golden(t, strings.TrimSuffix(name, ".yaml")+".txt", err.Error()+"\n")
		})
	}
}

func TestProblemsOfTheEnvironment(t *testing.T) {
	_, err := config.Load(config.Sources{
		File: "c.yaml", Text: []byte("aggregations: [{name: a, topics: {include: [a]}}, {name: b, topics: {include: [b]}}]"),
		Environ: []string{
			"KAFKA_AGGREGATOR_WINDOW_SIZE=1s", "KAFKA_AGGREGATOR_AGGREGATIONS_1_WINDOW_SIZE=10", "KAFKA_AGGREGATOR_AGGREGATIONS_2_NAME=x",
			"KAFKA_AGGREGATOR_EXAMPLE_TOPICS=ten", "KAFKA_AGGREGATOR_WORKER_DELIVERY=once", "KAFKA_BROKER_URL=http://a:1",
			"WINDOW_SIZE=1", // of the predecessor: a warning only, if it cannot be used
		},
		Flags: []config.Flag{{Name: "window", Path: "aggregations[].window.size", Text: "1s"}},
	})
	if err == nil {
		t.Fatal("was accepted")
	}
	golden(t, "testdata/environment.txt", err.Error()+"\n")
}

func TestFileThatIsNotThere(t *testing.T) {
	_, err := config.Load(config.Sources{File: "nowhere.yaml"})
	if err == nil || err.Error() != "nowhere.yaml: cannot be read: no such file or directory" {
		t.Error(err)
	}
}

// golden compares a text with a file; UPDATE=1 writes the file anew.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	a, b := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Fatalf("%s:%d: got\n%s\nwant\n%s", name, i+1, a[i], b[i])
		}
	}
	t.Errorf("%s: got %d lines, want %d", name, len(a), len(b))
}
