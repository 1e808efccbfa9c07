package lint

import (
	"io"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")

// TestConfigurations: what documents and manifests show as a configuration is
// one, without problems and warnings.
func TestConfigurations(t *testing.T) {
	var shown int
	for _, f := range tree(t) {
		var texts []string
		switch {
		case path.Ext(f.path) == ".md":
			for _, m := range yamlBlock.FindAllStringSubmatch(f.text, -1) {
				texts = append(texts, m[1])
			}
		case strings.HasPrefix(f.path, "deploy/") && path.Ext(f.path) == ".yaml":
			texts = configMaps(t, f)
		}
		for _, text := range texts {
			if !strings.Contains(text, "\naggregations:") {
				continue // an alert, or an excerpt
			}
			shown++
			loaded, err := config.Load(config.Sources{File: f.path, Text: []byte(text)})
			if err != nil {
				t.Errorf("%s: %v", f.path, err)
			} else if len(loaded.Warnings) > 0 {
				t.Errorf("%s: %s", f.path, strings.Join(loaded.Warnings, "; "))
			}
		}
	}
	if shown < 3 {
		t.Errorf("only %d configurations found", shown)
	}
}

// configMaps are the files in the ConfigMaps of a manifest, which must be YAML
// throughout.
func configMaps(t *testing.T, f file) (texts []string) {
	decoder := yaml.NewDecoder(strings.NewReader(f.text))
	for {
		var object struct {
			Kind string            `yaml:"kind"`
			Data map[string]string `yaml:"data"`
		}
		switch err := decoder.Decode(&object); {
		case err == io.EOF:
			return texts
		case err != nil:
			t.Errorf("%s: %v", f.path, err)
			return texts
		case object.Kind == "ConfigMap":
			for _, text := range object.Data {
				texts = append(texts, text)
			}
		}
	}
}
