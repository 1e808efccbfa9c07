package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// Selector decides which topics are source topics. It never takes what this
// program writes itself, however wide the regular expressions are, so that it
// cannot feed on its own output.
type Selector struct {
	group    string
	rules    []rule
	excluded map[string]string // dead-letter and late topics -> what they are
}

type rule struct {
	aggregation      *Aggregation
	include, exclude []*regexp.Regexp
	formats          []nameFormat // of the aggregated topics, one for each output
}

// nameFormat is how an aggregated topic is called: before + source topic + after.
type nameFormat struct{ before, after string }

// Choice is a source topic's aggregation and the names of its aggregated topics.
type Choice struct {
	Aggregation      *Aggregation
	AggregatedTopics []string // one for each output
	PartialsTopic    string   // for the topic's partials, if it is split
}

// NewSelector compiles the regular expressions. The Choices it gives point into cfg.
func NewSelector(cfg *Config) (*Selector, error) {
	s := &Selector{group: cfg.Worker.Group, excluded: make(map[string]string)}
	if cfg.DeadLetterTopic != "" {
		s.excluded[cfg.DeadLetterTopic] = "the dead-letter topic"
	}
	for i := range cfg.Aggregations {
		a := &cfg.Aggregations[i]
		if a.Late.Topic != "" {
			s.excluded[a.Late.Topic] = "a topic of late records"
		}
		r := rule{aggregation: a}
		for _, o := range a.Outputs() {
			before, after, ok := strings.Cut(o.AggregatedTopic, Placeholder)
			if !ok || before+after == "" || strings.Contains(after, Placeholder) {
				return nil, fmt.Errorf("aggregation %s: aggregated topic %q must have %s once, and more", a.Name, o.AggregatedTopic, Placeholder)
			}
			r.formats = append(r.formats, nameFormat{before, after})
		}
		var err error
		if r.include, err = compile(a.Topics.Include); err != nil {
			return nil, fmt.Errorf("aggregation %s: %w", a.Name, err)
		}
		if r.exclude, err = compile(a.Topics.Exclude); err != nil {
			return nil, fmt.Errorf("aggregation %s: %w", a.Name, err)
		}
		s.rules = append(s.rules, r)
	}
	return s, nil
}

func compile(list []string) ([]*regexp.Regexp, error) {
	out := make([]*regexp.Regexp, len(list))
	for i, text := range list {
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, fmt.Errorf("topic expression %q: %s", text, regexpReason(err))
		}
		out[i] = re
	}
	return out, nil
}

// Select returns what becomes of a topic, or false if it is no source topic.
func (s *Selector) Select(topic string) (Choice, bool) {
	c, reason := s.Explain(topic)
	return c, reason == ""
}

// Explain is Select with the reason why a topic is not taken, for people. The
// reason is empty for a source topic.
func (s *Selector) Explain(topic string) (Choice, string) {
	i := s.match(topic)
	if i < 0 {
		return Choice{}, "no aggregation includes it"
	}
	if reason := s.special(topic); reason != "" {
		return Choice{}, reason
	}
	if source, ok := s.own(topic); ok {
		return Choice{}, "it is the aggregated topic of " + source
	}
	return s.choose(i, topic)
}

// Unable says why a topic is not taken, though an aggregation includes it and it
// is none that the program writes itself: because of the name that its
// aggregated topic would have. The reason is empty for all other topics.
func (s *Selector) Unable(topic string) string {
	i := s.match(topic)
	if i < 0 || s.special(topic) != "" {
		return ""
	}
	if _, own := s.own(topic); own {
		return ""
	}
	_, reason := s.choose(i, topic)
	return reason
}

// choose is what becomes of a topic that a rule takes.
func (s *Selector) choose(i int, topic string) (Choice, string) {
	c := Choice{Aggregation: s.rules[i].aggregation, PartialsTopic: PartialsTopic(s.group, topic)}
	for k, f := range s.rules[i].formats {
		name := f.name(topic)
		if !legalTopic(name) {
			return Choice{}, fmt.Sprintf("its aggregated topic's name would have %d letters, and Kafka takes %d; give aggregation %s a shorter aggregated_topic", len(name), maxTopicName, c.Aggregation.Name)
		}
		if reason := s.special(name); reason != "" {
			return Choice{}, "its aggregated topic would be " + name + ", " + reason
		}
		if other := s.taken(name, i, k); other != "" && other != topic {
			return Choice{}, "its aggregated topic would be " + name + ", which is that of " + other
		}
		c.AggregatedTopics = append(c.AggregatedTopics, name)
	}
	return c, ""
}

// taken is the source topic whose aggregated topic has a name by an earlier
// format than the one at index k of the rule at index i; "" if there is none.
// Formats such as {source_topic}-x and y-{source_topic} can make one name of two
// topics: the earlier one keeps it.
func (s *Selector) taken(name string, i, k int) string {
	for j := range i + 1 {
		formats := s.rules[j].formats
		if j == i {
			formats = formats[:k]
		}
		for _, f := range formats {
			if other, ok := f.source(name); ok && s.match(other) == j && s.special(other) == "" {
				return other
			}
		}
	}
	return ""
}

// partials is what the names of topics with partials have between the group
// and the source topic.
const partials = "-partials-"

// PartialsTopic is the name of the topic for the partials of a source topic
// that a group reads on several workers. If that is no topic's name, because
// it is too long or the group's name is not made for it, the end is a hash.
func PartialsTopic(group, source string) string {
	name := group + partials + source
	if legalTopic(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return prefix(group) + hex.EncodeToString(sum[:16])
}

// prefix is what the names of a group's topics with partials begin with.
func prefix(group string) string {
	b := []byte(group + partials)
	b = b[:min(len(b), maxTopicName/2)]
	for i := range b {
		if !topicName.Match(b[i : i+1]) {
			b[i] = '_'
		}
	}
	return string(b)
}

// isPartials tells whether a topic is, by its name, one with the partials of
// this group, or of another one for a topic that the expressions take.
func (s *Selector) isPartials(topic string) bool {
	if strings.HasPrefix(topic, prefix(s.group)) {
		return true
	}
	_, source, ok := strings.Cut(topic, partials)
	return ok && s.match(source) >= 0
}

// Aggregated tells whether a topic is, by its name, one that this program
// writes: the aggregated topic of a topic that the expressions take.
func (s *Selector) Aggregated(topic string) bool {
	_, ok := s.own(topic)
	return ok
}

// match is the index of the first rule whose expressions match, -1 if none.
func (s *Selector) match(topic string) int {
	for i := range s.rules {
		if anyMatch(s.rules[i].include, topic) && !anyMatch(s.rules[i].exclude, topic) {
			return i
		}
	}
	return -1
}

func anyMatch(list []*regexp.Regexp, topic string) bool {
	for _, re := range list {
		if re.MatchString(topic) {
			return true
		}
	}
	return false
}

// special says why a topic is never a source topic whatever it is made from.
func (s *Selector) special(topic string) string {
	if strings.HasPrefix(topic, "__") {
		return "an internal topic"
	}
	if s.isPartials(topic) {
		return "a topic with partials"
	}
	return s.excluded[topic]
}

// own tells whether a topic is made, in one step or several, from a topic
// that the expressions take, and from which. Any aggregation's format counts:
// a topic may have changed from one to another since. Each step is shorter
// than the one before, so it ends; and a name that several paths lead to is
// looked at once.
func (s *Selector) own(topic string) (string, bool) {
	seen := map[string]bool{topic: true}
	for queue := []string{topic}; len(queue) > 0; queue = queue[1:] {
		for i := range s.rules {
			for _, f := range s.rules[i].formats {
				source, ok := f.source(queue[0])
				if !ok || seen[source] {
					continue
				}
				seen[source] = true
				if s.match(source) >= 0 && s.special(source) == "" {
					return source, true
				}
				queue = append(queue, source)
			}
		}
	}
	return "", false
}

func (f nameFormat) name(source string) string { return f.before + source + f.after }

// source undoes name.
func (f nameFormat) source(name string) (string, bool) {
	if len(name) <= len(f.before)+len(f.after) || !strings.HasPrefix(name, f.before) || !strings.HasSuffix(name, f.after) {
		return "", false
	}
	return name[len(f.before) : len(name)-len(f.after)], true
}
