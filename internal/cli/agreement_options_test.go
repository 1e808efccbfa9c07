package cli

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// everything has a field of each kind that options are about.
const everything = `{"type":"record","name":"Everything","fields":[
	{"name":"time","type":"double"},{"name":"temperature","type":["null","double"],"units":"K"},{"name":"count_of","type":"long"},
	{"name":"on","type":"boolean"},{"name":"label","type":"string"},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
	{"name":"mount","type":{"type":"record","name":"Mount","fields":[{"name":"azimuth","type":"float"},{"name":"mount_id","type":"int"}]}},
	{"name":"forces","type":{"type":"array","items":"double"}},{"name":"temperatures","type":{"type":"array","items":"float"}},
	{"name":"spectrum_a","type":{"type":"array","items":"double"}},{"name":"peers","type":{"type":"map","values":"double"}},
	{"name":"state","type":{"type":"enum","name":"State","symbols":["OFF","ON"]}},
	{"name":"legs","type":{"type":"array","items":{"type":"record","name":"Leg","fields":[{"name":"load","type":"float"},{"name":"id","type":"string"}]}}},
	{"name":"mixed","type":["null","string",{"type":"record","name":"Limit","fields":[{"name":"low","type":"double"}]},{"type":"record","name":"Note","fields":[{"name":"text","type":"string"}]}]}]}`

const everythingRecord = `{"time":1.5,"temperature":{"double":280.25},"count_of":3,"on":true,"label":"a","at":1700000000000,
	"mount":{"azimuth":1.25,"mount_id":7},"forces":[1,2,3],"temperatures":[4,5],"spectrum_a":[6],"peers":{"a":1},
	"state":"ON","legs":[{"load":1.5,"id":"a"}],"mixed":{"Limit":{"low":1.5}}}`

// candidates are names of topics, of which each aggregation of an example takes one.
var candidates = []string{"example-000", "sensor-1", "telemetry.fast.a", "telemetry.b", "anything"}

// configurations are the examples, and whatever else is a configuration with
// which a worker would start.
func configurations(t *testing.T) map[string]*config.Config {
	t.Helper()
	out := map[string]*config.Config{}
	for _, root := range []string{"../../examples", "../config/testdata", "testdata"} {
		must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
				return err
			}
			l, err := config.Load(config.Sources{File: path})
			if err == nil {
				out[path] = l.Config
			} else if strings.HasPrefix(root, "../../examples") {
				t.Errorf("%s: %v", path, err)
			}
			return nil
		}))
	}
	if examples, err := os.ReadDir("../../examples"); err != nil || len(out) < len(examples) {
		t.Errorf("%d configurations, %v", len(out), err)
	}
	return out
}

// options are the paths of an aggregation's options, from the table that the
// configuration is read by.
func options() (out []string) {
	for _, k := range config.Keys() {
		if option, ok := strings.CutPrefix(k.Path, "aggregations[]."); ok && !k.Section {
			out = append(out, option)
		}
	}
	return out
}

// TestPlanAndWorkerAgree runs plan and a worker over each configuration: as it
// is, with each option of each aggregation changed alone, and with the change
// taken back. All changes are made at the same time, each to a copy of its
// aggregation with a topic of its own.
func TestPlanAndWorkerAgree(t *testing.T) {
	t.Parallel()
	for _, option := range options() {
		if flips[option] == nil {
			t.Errorf("option %s of an aggregation has no row in flips", option)
		}
	}
	if len(flips) != len(options()) {
		t.Errorf("%d flips for %d options", len(flips), len(options()))
	}
	if t.Failed() {
		return
	}
	for path, c := range configurations(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			topics := chosen(t, c)
			originals := slices.Clone(c.Aggregations)
			for i := range originals { // what is no aggregated topic any more would be a source topic
				f := &originals[i].Topics
				f.Exclude = append(slices.Clone(f.Exclude), `flipped`)
			}
			var copies, changed []config.Aggregation
			for i, a := range originals {
				for j, option := range options() {
					a := a
					topic := fmt.Sprintf("flip.%d.%d", i, j)
					a.Name = fmt.Sprintf("%s: %s", a.Name, option)
					a.Topics = config.Filter{Include: []string{"^" + topic + "$"}}
					topics = append(topics, topic)
					copies = append(copies, a)
					flips[option](&a)
					changed = append(changed, a)
				}
			}
			c.Worker.CreateTopics = true // there is nobody else to create them
			g := newAgreement(t, c)
			for _, topic := range topics {
				g.topic(topic, everything, everythingRecord)
			}
			use := func(aggregations []config.Aggregation) {
				c.Aggregations = append(slices.Clone(aggregations), originals...)
				must(t, c.Validate())
			}
			use(copies)
			for topic, s := range g.stage("as it is") {
				if s.Schema.Change != "new" || s.Problem != "" {
					t.Errorf("%s: %s, problem %q", topic, s.Schema.Change, s.Problem)
				}
			}
			use(changed)
			said := g.stage("changed")
			for i := range originals {
				for j, option := range options() {
					if s := said[fmt.Sprintf("flip.%d.%d", i, j)]; s.Schema.Change != becomes(option, originals[i]) {
						t.Errorf("%s: %s changed: plan says %q", originals[i].Name, option, s.Schema.Change)
					}
				}
			}
			use(copies)
			for topic, s := range g.stage("taken back") {
				if s.Schema.Change != "unchanged" {
					t.Errorf("%s: taken back: plan says %q", topic, s.Schema.Change)
				}
			}
		})
	}
}

// chosen are topics, at least one for each aggregation of a configuration.
func chosen(t *testing.T, c *config.Config) (topics []string) {
	t.Helper()
	selector, err := config.NewSelector(c)
	must(t, err)
	taken := map[string]bool{}
	for _, topic := range candidates {
		if choice, ok := selector.Select(topic); ok && !taken[choice.Aggregation.Name] {
			taken[choice.Aggregation.Name] = true
			topics = append(topics, topic)
		}
	}
	if len(taken) != len(c.Aggregations) {
		t.Errorf("the candidates have no topic for some aggregation")
	}
	return topics
}

// becomes is what a changed option does to the schema.
func becomes(option string, was config.Aggregation) string {
	switch option {
	case "windows[].size":
		if strings.Contains(was.AggregatedTopic, config.SizePlaceholder) {
			return "new"
		}
	case "aggregated_topic", "windows[].aggregated_topic":
		return "new"
	case "fields.booleans":
		if was.Fields.Booleans {
			return "unchanged" // a field less
		}
		return "changed"
	case "fields.enums":
		if was.Fields.Enums == "index" {
			return "unchanged"
		}
		return "changed"
	case "operations", "windows[].operations", "quantiles", "fields.maps", "fields.map_keys", "fields.arrays":
		return "changed"
	}
	return "unchanged"
}
