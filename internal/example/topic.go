package example

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
)

// Limits of what is made: names have three digits.
const (
	MaxTopics = 999
	MaxFields = 999
)

// Topic is an example topic that exists, with the schema of its records.
type Topic struct {
	Name       string
	Index      int // 0 for example-000; the values of a topic follow from it
	Partitions int
	Fields     int // value0 … value(Fields-1)
	SchemaID   int
	// Names of the schema beside its id, if Identify has asked for them.
	GUID        framing.GUID
	Fingerprint uint64
}

// TopicName is prefix-NNN.
func TopicName(prefix string, index int) string { return fmt.Sprintf("%s-%03d", prefix, index) }

// Subject is the registry's name of a topic's value schema.
func Subject(topic string) string { return topic + "-value" }

// indexOf inverts TopicName.
func indexOf(prefix string) func(topic string) (int, bool) {
	pattern := regexp.MustCompile("^" + regexp.QuoteMeta(prefix) + "-([0-9]{3})$")
	return func(topic string) (int, bool) {
		m := pattern.FindStringSubmatch(topic)
		if m == nil {
			return 0, false
		}
		i, err := strconv.Atoi(m[1])
		return i, err == nil
	}
}
