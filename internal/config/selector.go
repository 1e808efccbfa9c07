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
	before, after    string // the aggregated topic's name is before + source topic + after
}

// Choice is a source topic's aggregation and the name of its aggregated topic.
type Choice struct {
	Aggregation     *Aggregation
	AggregatedTopic string
	PartialsTopic   string // for the topic's partials, if it is split
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
		before, after, ok := strings.Cut(a.AggregatedTopic, Placeholder)
		if !ok || before+after == "" || strings.Contains(after, Placeholder) {
			return nil, fmt.Errorf("aggregation %s: aggregated topic %q must have %s once, and more", a.Name, a.AggregatedTopic, Placeholder)
		}
		r := rule{aggregation: a, before: before, after: after}
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
	name := s.rules[i].name(topic)
	if !legalTopic(name) {
		return Choice{}, fmt.Sprintf("its aggregated topic's name would have %d letters, and Kafka takes %d; give aggregation %s a shorter aggregated_topic", len(name), maxTopicName, s.rules[i].aggregation.Name)
	}
	if reason := s.special(name); reason != "" {
		return Choice{}, "its aggregated topic would be " + name + ", " + reason
	}
	// Formats such as {source_topic}-x and y-{source_topic} can make one name
	// of two topics. The earlier aggregation keeps it.
	for j := range i {
		other, ok := s.rules[j].source(name)
		if ok && other != topic && s.match(other) == j && s.special(other) == "" {
			return Choice{}, "its aggregated topic would be " + name + ", which is that of " + other
		}
	}
	return Choice{s.rules[i].aggregation, name, PartialsTopic(s.group, topic)}, ""
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
			source, ok := s.rules[i].source(queue[0])
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
	return "", false
}

func (r *rule) name(source string) string { return r.before + source + r.after }

// source undoes name.
func (r *rule) source(name string) (string, bool) {
	if len(name) <= len(r.before)+len(r.after) || !strings.HasPrefix(name, r.before) || !strings.HasSuffix(name, r.after) {
		return "", false
	}
	return name[len(r.before) : len(name)-len(r.after)], true
}
