package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

const (
	begin = "<!-- made from the code: begin -->\n"
	end   = "<!-- made from the code: end -->\n"
)

// TestDocumentation holds docs/configuration.md to the code. UPDATE=1 writes it anew.
func TestDocumentation(t *testing.T) {
	const name = "../../docs/configuration.md"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no marks %q and %q", name, begin, end)
	}
	golden(t, name, before+begin+"\n"+config.Reference()+"\n"+end+after)
}

// TestDocumentedFiles loads what docs/configuration.md shows as files.
func TestDocumentedFiles(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```yaml\n")[1:]
	for _, block := range blocks {
		file, _, _ := strings.Cut(block, "```")
		load(t, file)
	}
	if len(blocks) == 0 {
		t.Error("no file is shown")
	}
}

func TestShow(t *testing.T) {
	l, err := config.Load(config.Sources{
		File:    "config.yaml",
		Text:    []byte("kafka:\n  sasl: {mechanism: plain, username: me, password: hunter2}\nschema_registry: {token: hunter3}\naggregations:\n  - name: a\n    topics: {include: ['^it''s: #x']}\n    fields: {arrays: {/f/: pool}}\n  - name: 'b'\n    topics: {include: [b]}\n    aggregated_topic: '{source_topic}-{size}'\n    windows: [10s, {size: 1m, advance: 10s, operations: [max]}]\n"),
		Environ: []string{"KAFKA_AGGREGATOR_WORKER_GROUP=x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	shown := l.YAML()
	if strings.Contains(shown, "hunter") {
		t.Error("a secret is shown")
	}
	golden(t, "testdata/show.txt", shown)
	again, err := config.Load(config.Sources{File: "again.yaml", Text: []byte(shown)})
	if err != nil {
		t.Fatal(err)
	}
	if got := again.YAML(); len(again.Aggregations) != 2 || again.Aggregations[0].Topics.Include[0] != "^it's: #x" {
		t.Error(got)
	}
}

// TestSchema checks that the schema knows every key, and what a validator
// would make of the examples: all their keys are in it.
func TestSchema(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(config.JSONSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	for _, k := range config.Keys() {
		at := schema
		for _, step := range strings.Split(k.Path, ".") {
			name, isList := strings.CutSuffix(step, "[]")
			if either, ok := at["anyOf"].([]any); ok {
				at = either[0].(map[string]any)
			}
			properties, _ := at["properties"].(map[string]any)
			if at, _ = properties[name].(map[string]any); at == nil {
				t.Fatalf("%s is not in the schema", k.Path)
			}
			if isList {
				at = at["items"].(map[string]any)
			}
		}
		if at["description"] == "" {
			t.Errorf("%s has no description", k.Path)
		}
	}
}

func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatal("examples", files, err)
	}
	for _, name := range files {
		if _, err := config.Load(config.Sources{File: name}); err != nil {
			t.Error(err)
		}
	}
}
