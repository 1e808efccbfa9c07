package config

import (
	"fmt"
	"strings"
	"testing"
)

// rules makes a configuration of lines "include; exclude; format".
func rules(lines ...string) *Config {
	c := Default()
	c.Aggregations = nil
	for i, line := range lines {
		parts := strings.Split(line, "; ")
		a := DefaultAggregation()
		a.Name = fmt.Sprint(i)
		a.Topics.Include = []string{parts[0]}
		if len(parts) > 1 && strings.TrimSpace(parts[1]) != "" {
			a.Topics.Exclude = []string{parts[1]}
		}
		if len(parts) > 2 {
			a.AggregatedTopic = parts[2]
		}
		c.Aggregations = append(c.Aggregations, a)
	}
	return c
}

func TestSelect(t *testing.T) {
	for name, c := range map[string]struct {
		config *Config
		topics map[string]string // -> "index aggregated topic", or a part of the reason
	}{
		"everything": {rules(".*"), map[string]string{
			"a":                            "0 a-aggregated",
			"a.b_c-d":                      "0 a.b_c-d-aggregated",
			"a-aggregated":                 "is the aggregated topic of a",
			"a-aggregated-aggregated":      "is the aggregated topic of",
			"-aggregated":                  "0 -aggregated-aggregated",
			"__consumer_offsets":           "internal",
			"__x-aggregated":               "internal",
			"kafka-aggregator-dead-letter": "dead-letter",
			strings.Repeat("a", 238):       "0 " + strings.Repeat("a", 238) + "-aggregated",
			strings.Repeat("a", 239):       "would have 250 letters, and Kafka takes 249; give aggregation 0 a shorter aggregated_topic",
		}},
		"examples": {Default(), map[string]string{
			"example-00":             "0 example-00-aggregated",
			"example-000":            "0 example-000-aggregated",
			"example-0000":           "no aggregation includes it",
			"xexample-000":           "no aggregation includes it",
			"example-000-aggregated": "no aggregation includes it",
		}},
		"what is not a source makes no aggregated topic": {rules("^a"), map[string]string{
			"a1-aggregated": "is the aggregated topic of a1",
			"b-aggregated":  "no aggregation includes it",
		}},
		"a source that only looks like an aggregated topic": {rules("aggregated$"), map[string]string{
			"b-aggregated":            "0 b-aggregated-aggregated", // b itself is not taken
			"b-aggregated-aggregated": "is the aggregated topic of b-aggregated",
		}},
		"excluded topics make none either": {rules(".*; ^raw"), map[string]string{
			"raw1":         "no aggregation includes it",
			"x":            "0 x-aggregated",
			"x-aggregated": "is the aggregated topic of x",
		}},
		"first match wins": {rules("^a", "^a1; ; {source_topic}-second", ".*; ; third-{source_topic}"), map[string]string{
			"a1":                       "0 a1-aggregated",
			"b":                        "2 third-b",
			"third-b":                  "is the aggregated topic of b",
			"third-a1":                 "is the aggregated topic of a1", // by any aggregation's format
			"b-second":                 "is the aggregated topic of b",
			"third-third-b-aggregated": "is the aggregated topic of",
		}},
		"two ways to one name": {rules("^x-; ; {source_topic}-y", "-y$; ; x-{source_topic}"), map[string]string{
			"x-a": "0 x-a-y",
			"a-y": "is that of x-a",
			"b":   "no aggregation includes it",
		}},
	} {
		s, err := NewSelector(c.config)
		if err != nil {
			t.Fatal(err)
		}
		for topic, want := range c.topics {
			choice, reason := s.Explain(topic)
			got := reason
			if reason == "" {
				for i := range c.config.Aggregations {
					if choice.Aggregation == &c.config.Aggregations[i] {
						got = fmt.Sprint(i, " ", choice.AggregatedTopics[0])
					}
				}
			}
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s: %s, want %s", name, topic, got, want)
			}
			if _, ok := s.Select(topic); ok != (reason == "") {
				t.Errorf("%s: %s: Select and Explain differ", name, topic)
			}
		}
	}
}

func TestLateTopicIsNeverTaken(t *testing.T) {
	c := rules("^b", ".*")
	c.Aggregations[0].Late = Late{Policy: "topic", Topic: "late"}
	c.Aggregations[1].AggregatedTopic = "l{source_topic}"
	s, err := NewSelector(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{"late", "ate"} { // the second would write to the first
		if _, ok := s.Select(topic); ok {
			t.Errorf("%s was selected", topic)
		}
	}
}

// TestNothingFeedsOnItself takes all words over a small alphabet and several
// formats, and holds what counts: no aggregated topic is a source topic, and
// no two source topics have one aggregated topic.
func TestNothingFeedsOnItself(t *testing.T) {
	words := []string{""}
	for i := 0; i < len(words) && len(words) < 3000; i++ {
		words = append(words, words[i]+"a", words[i]+"b")
	}
	for _, c := range []*Config{
		rules(".*; ; {source_topic}a"),
		rules(".*; ; a{source_topic}b"),
		rules("^a; ; b{source_topic}", "b$; ; {source_topic}a", ".; ; a{source_topic}a"),
		rules("b; ^b; {source_topic}a", ".*; ; b{source_topic}"),
		rules("^(aa|bb)*$; ; {source_topic}b", "a$; aaa; a{source_topic}", ".*; ; b{source_topic}"),
	} {
		s, err := NewSelector(c)
		if err != nil {
			t.Fatal(err)
		}
		made := make(map[string]string)
		for _, w := range words[1:] { // no topic has an empty name
			choice, ok := s.Select(w)
			if !ok {
				continue
			}
			if other, twice := made[choice.AggregatedTopics[0]]; twice {
				t.Errorf("%s and %s both make %s", w, other, choice.AggregatedTopics[0])
			}
			made[choice.AggregatedTopics[0]] = w
			if _, again := s.Select(choice.AggregatedTopics[0]); again {
				t.Errorf("%s, made of %s, is a source topic", choice.AggregatedTopics[0], w)
			}
		}
		if len(made) == 0 {
			t.Error("nothing was selected")
		}
	}
}

func TestSelectorRefuses(t *testing.T) {
	for _, line := range []string{"(; ; {source_topic}-x", "a; ); {source_topic}-x", "a; ; x", "a; ; {source_topic}", "a; ; {source_topic}-{source_topic}"} {
		if _, err := NewSelector(rules(line)); err == nil {
			t.Errorf("%s was accepted", line)
		}
	}
}

func TestPartialsTopics(t *testing.T) {
	for _, group := range []string{"g", "a group/with signs", strings.Repeat("g", 249)} {
		cfg := Default()
		cfg.Worker.Group = group
		cfg.Aggregations[0].Topics.Include = []string{".*"}
		s, err := NewSelector(cfg)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, source := range []string{"t", strings.Repeat("x", 238), strings.Repeat("x", 237) + "y"} {
			c, ok := s.Select(source)
			if !ok || seen[c.PartialsTopic] || !legalTopic(c.PartialsTopic) {
				t.Errorf("partials of %q go to %q", source, c.PartialsTopic)
			}
			seen[c.PartialsTopic] = true
			if _, reason := s.Explain(c.PartialsTopic); reason != "a topic with partials" {
				t.Errorf("%s: reason %q", c.PartialsTopic, reason)
			}
		}
		if _, reason := s.Explain("another-partials-t"); reason != "a topic with partials" {
			t.Errorf("partials of another group: reason %q", reason)
		}
	}
}
