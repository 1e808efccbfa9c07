package survey

import (
	"maps"
	"slices"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// Unmatched is a name or an expression in the settings for fields that picks nothing in
// any topic of its aggregation: a word that is misspelt, or is not needed any more.
type Unmatched struct {
	Aggregation, Setting, Pattern string
	Topics                        int    // of the aggregation
	Nearest                       string // what may be meant; empty: nothing is near
}

// Unmatched are those of all aggregations of which each topic has a schema that is known.
func (s *Survey) Unmatched() (out []Unmatched) {
	agents := make(map[*config.Aggregation][]*Agent)
	var order []*config.Aggregation
	for _, a := range s.Agents {
		if !a.First() {
			continue
		}
		of := a.Choice.Aggregation
		if agents[of] == nil {
			order = append(order, of)
		}
		agents[of] = append(agents[of], a)
	}
	for _, of := range order {
		if slices.ContainsFunc(agents[of], func(a *Agent) bool { return a.Plan == nil }) {
			continue
		}
		there := fieldsOf(agents[of])
		for _, p := range patternsOf(&of.Fields) {
			pattern, err := codec.ParsePattern(p[1])
			if err != nil || slices.ContainsFunc(there, pattern.Match) {
				continue
			}
			u := Unmatched{of.Name, p[0], p[1], len(agents[of]), nearest(p[1], there)}
			if u.Setting == "fields.exclude" && u.Nearest == "" {
				continue // what is not there need not be left out
			}
			out = append(out, u)
		}
	}
	return out
}

// fieldsOf are all fields of the source schemas, also those that are left out.
func fieldsOf(agents []*Agent) (out []codec.Field) {
	for _, a := range agents {
		out = append(out, a.Plan.Fields...)
		for _, l := range a.Plan.LeftOut {
			out = append(out, codec.Field{Path: l.Path, Name: flat.Replace(l.Path)})
		}
	}
	return out
}

// flat makes a name of a path, as that of most fields is made.
var flat = strings.NewReplacer(".", "_", "[]", "", "{}", "")

// patternsOf lists settings for fields and what they name.
func patternsOf(f *config.FieldSettings) (out [][2]string) {
	for _, list := range []struct {
		setting  string
		patterns []string
	}{
		{"fields.include", f.Include}, {"fields.exclude", f.Exclude}, {"fields.unsigned", f.Unsigned},
		{"fields.arrays", slices.Sorted(maps.Keys(f.Arrays))}, {"fields.maps", slices.Sorted(maps.Keys(f.Maps))},
	} {
		for _, p := range list.patterns {
			out = append(out, [2]string{list.setting, p})
		}
	}
	return out
}

// nearest is a name of a field that a pattern may mean.
func nearest(pattern string, fields []codec.Field) string {
	var names []string
	for _, f := range fields {
		names = append(names, f.Name, f.Path)
	}
	name, _ := config.Nearest(pattern, names)
	return name
}
