package config

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

func (c *Config) checkAggregations(top checker) {
	if len(c.Aggregations) == 0 {
		top.add("aggregations", "write at least one, or leave the key out for the example topics", "is empty")
	}
	names := make(map[string]int)
	for i := range c.Aggregations {
		a := &c.Aggregations[i]
		in := top.in(fmt.Sprintf("aggregations[%d]", i))
		if first, ok := names[a.Name]; ok && a.Name != "" {
			in.add("name", "give each a name of its own", "%s is the name of aggregations[%d] too", a.Name, first)
		} else {
			names[a.Name] = i
		}
		a.check(in)
		if a.Late.Topic != "" && a.Late.Topic == c.DeadLetterTopic {
			in.add("late.topic", "write another name", "is the dead-letter topic")
		}
	}
}

func (a *Aggregation) check(c checker) {
	if a.Name == "" {
		c.add("name", "write for example name: examples", "is missing")
	}
	if len(a.Topics.Include) == 0 {
		c.add("topics.include", "write the topics, or ['.*'] for all", "is empty")
	}
	c.expressions("topics.include", a.Topics.Include)
	c.expressions("topics.exclude", a.Topics.Exclude)
	a.checkOutputs(c)
	c.within("partitions", a.Partitions, 1, math.MaxInt32)
	c.topicConfig("aggregated_topic_config", a.AggregatedTopicConfig)
	c.within("max_workers_per_topic", a.MaxWorkers, 0, math.MaxInt32)
	a.Framing.check(c.in("framing"))
	c.patterns("fields.include", a.Fields.Include)
	c.patterns("fields.exclude", a.Fields.Exclude)
	c.oneOf("fields.enums", a.Fields.Enums)
	c.patterns("fields.unsigned", a.Fields.Unsigned)
	c.arrays("fields.arrays", a.Fields.Arrays)
	c.arrays("fields.maps", a.Fields.Maps)
	c.mapKeys("fields.map_keys", a.Fields.MapKeys)
	c.within("fields.max_elements", a.Fields.MaxElements, 1, math.MaxInt32)
	a.Window.check(c.in("window"))
	a.EventTime.check(c.in("event_time"))
	c.operations("operations", a.Operations)
	c.oneOf("quantiles", a.Quantiles)
	c.within("exact_limit", a.ExactLimit, 1, math.MaxInt32)
	c.within("min_sample_size", a.MinSampleSize, 1, math.MaxInt32)
	c.oneOf("small_samples", a.SmallSamples)
	c.oneOf("late.policy", a.Late.Policy)
	switch {
	case a.Late.Topic != "":
		c.topic("late.topic", a.Late.Topic)
	case a.Late.Policy == "topic":
		c.add("late.topic", "write the name of a topic", "is empty, though the policy is topic")
	}
}

// maxWindow keeps sums of times far from the end of int64 nanoseconds.
const maxWindow = 366 * 24 * time.Hour

func (w *Window) check(c checker) {
	if w.Grace < 0 {
		c.add("grace", "write 0s or more", "%s is less than nothing", FormatDuration(w.Grace))
	}
	c.atLeast("idle_after", w.IdleAfter, time.Millisecond)
	c.atLeast("max_future_skew", w.MaxFutureSkew, time.Millisecond)
	for _, bounded := range []struct {
		key string
		d   time.Duration
	}{{"grace", w.Grace}, {"idle_after", w.IdleAfter}, {"max_future_skew", w.MaxFutureSkew}} {
		if bounded.d > maxWindow {
			c.add(bounded.key, "write at most 366d", "%s is too long", FormatDuration(bounded.d))
		}
	}
}

// format checks the name of an aggregated topic of windows of a size.
func (c checker) format(key, format string, size time.Duration) {
	format = strings.ReplaceAll(format, SizePlaceholder, FormatDuration(size))
	switch strings.Count(format, Placeholder) {
	case 0:
		c.add(key, "write for example '"+Placeholder+"-aggregated'", "%q has no %s", format, Placeholder)
	case 1:
		rest := strings.Replace(format, Placeholder, "", 1)
		switch {
		case rest == "":
			c.add(key, "write for example '"+Placeholder+"-aggregated'", "is the source topic's own name")
		case !topicName.MatchString(rest) || len(rest) >= maxTopicName:
			c.add(key, "write letters, digits, dot, _ and -", "%q would not be a topic's name", format)
		case strings.HasPrefix(format, "__"):
			c.add(key, "write another beginning", "%q begins like an internal topic", format)
		}
	default:
		c.add(key, "write "+Placeholder+" once", "%q has %s more than once", format, Placeholder)
	}
}

func (c checker) patterns(key string, list []string) {
	for i, s := range list {
		c.pattern(fmt.Sprintf("%s[%d]", key, i), s)
	}
}

func (c checker) arrays(key string, arrays map[string]string) {
	known, _ := Lookup(join(c.path, key))
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		at := key + "[" + name + "]"
		c.pattern(at, name)
		if mode := arrays[name]; !slices.Contains(known.Values, mode) {
			hint := "write " + orList(known.Values)
			if s, ok := Nearest(mode, known.Values); ok {
				hint = "did you mean " + s + "?"
			}
			c.add(at, hint, "unknown value %q", mode)
		}
	}
}

func (c checker) mapKeys(key string, list []string) {
	for i, s := range list {
		if dot := strings.LastIndexByte(s, '.'); dot <= 0 || dot == len(s)-1 {
			c.add(fmt.Sprintf("%s[%d]", key, i), "write the map and the key: weather.temperature", "%q has no key", s)
		}
	}
}

func (c checker) operations(key string, list []string) {
	if len(list) == 0 {
		c.add(key, "write for example [min, mean, max]", "is empty")
	}
	seen := make(map[string]bool)
	for i, name := range list {
		at := fmt.Sprintf("%s[%d]", key, i)
		switch _, err := stats.ParseOperation(name); {
		case err != nil:
			c.add(at, "", "%v", err)
		case seen[name]:
			c.add(at, "keep one of them", "%s is written twice", name)
		}
		seen[name] = true
	}
}
