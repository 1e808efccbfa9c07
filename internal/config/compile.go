package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// Selection is the form of the settings that the codec works with.
func (f *FieldSettings) Selection() (codec.Selection, error) {
	sel := codec.Selection{Booleans: f.Booleans, Enums: f.Enums == "index", MapKeys: f.MapKeys, MaxElements: f.MaxElements}
	var err error
	if sel.Include, err = parsePatterns(f.Include); err != nil {
		return sel, fmt.Errorf("fields.include: %w", err)
	}
	if sel.Exclude, err = parsePatterns(f.Exclude); err != nil {
		return sel, fmt.Errorf("fields.exclude: %w", err)
	}
	if sel.Unsigned, err = parsePatterns(f.Unsigned); err != nil {
		return sel, fmt.Errorf("fields.unsigned: %w", err)
	}
	if sel.Arrays, err = parseRules(f.Arrays); err != nil {
		return sel, fmt.Errorf("fields.arrays: %w", err)
	}
	if sel.Maps, err = parseRules(f.Maps); err != nil {
		return sel, fmt.Errorf("fields.maps: %w", err)
	}
	return sel, nil
}

// parseRules reads what becomes of arrays or maps. Rules that name a field come
// before those with regular expressions: longer names first, as a.b says more of
// it than a, and expressions in the order of the alphabet. The first one that
// matches holds.
func parseRules(modes map[string]string) (rules []codec.ArrayRule, err error) {
	names := slices.SortedFunc(maps.Keys(modes), func(a, b string) int {
		if ra, rb := strings.HasPrefix(a, "/"), strings.HasPrefix(b, "/"); ra != rb {
			if ra {
				return 1
			}
			return -1
		} else if !ra && len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		p, err := codec.ParsePattern(name)
		if err != nil {
			return nil, err
		}
		rules = append(rules, codec.ArrayRule{Pattern: p, Mode: modes[name]})
	}
	return rules, nil
}

func parsePatterns(list []string) ([]codec.Pattern, error) {
	out := make([]codec.Pattern, len(list))
	for i, s := range list {
		var err error
		if out[i], err = codec.ParsePattern(s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ParseOperations returns the operations in the order of the configuration.
func (o Output) ParseOperations() ([]stats.Operation, error) {
	out := make([]stats.Operation, len(o.Operations))
	for i, name := range o.Operations {
		var err error
		if out[i], err = stats.ParseOperation(name); err != nil {
			return nil, fmt.Errorf("operations: %w", err)
		}
	}
	return out, nil
}

// Statistics is the form of the settings that package stats works with, of an
// output of the aggregation.
func (o Output) Statistics(a *Aggregation) stats.Options {
	opts := stats.Options{MinSampleSize: o.MinSampleSize}
	if a.Quantiles == "inclusive" {
		opts.Quantiles = stats.Inclusive
	}
	if a.SmallSamples == "first_value" {
		opts.SmallSamples = stats.SmallFirstValue
	}
	return opts
}
