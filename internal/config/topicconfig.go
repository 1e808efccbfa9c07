package config

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// defaultTopicConfig is what an aggregated topic is created with, unless it is
// said otherwise: its records are kept, whatever the cluster does with those of
// other topics. They are few, and a backlog makes old ones.
func defaultTopicConfig() map[string]string {
	return map[string]string{"retention.ms": "-1", "retention.bytes": "-1"}
}

// TopicConfig is what an aggregated topic of the aggregation is created with,
// by the brokers' names.
//
// A window's record is stamped with the middle of the window. Brokers refuse
// stamps that are far from their clock (since Kafka 4.0 by default those an hour
// ahead), but what is too far is for max_future_skew to say, and old windows come
// of a backlog; so the topic takes any. Brokers before 3.6 do not know these
// settings (SinceKafka36), and refuse nothing.
func (a *Aggregation) TopicConfig() map[string]string {
	all := map[string]string{"message.timestamp.type": "CreateTime"}
	for _, name := range SinceKafka36() {
		all[name] = strconv.FormatInt(math.MaxInt64, 10)
	}
	maps.Copy(all, a.AggregatedTopicConfig)
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	return all
}

// SinceKafka36 are the settings of TopicConfig that may have to be left out.
func SinceKafka36() []string {
	return []string{"message.timestamp.before.max.ms", "message.timestamp.after.max.ms"}
}

// kindOfSetting is what a setting of a topic takes.
type kindOfSetting int

const (
	anyText kindOfSetting = iota
	wholeNumber
	number
	trueOrFalse
)

// topicSettings are those of Apache Kafka 3 and 4. Other brokers have more.
var topicSettings = map[string]kindOfSetting{
	"cleanup.policy": anyText, "compression.type": anyText, "message.timestamp.type": anyText, "message.format.version": anyText,
	"follower.replication.throttled.replicas": anyText, "leader.replication.throttled.replicas": anyText,
	"compression.gzip.level": wholeNumber, "compression.lz4.level": wholeNumber, "compression.zstd.level": wholeNumber,
	"delete.retention.ms": wholeNumber, "file.delete.delay.ms": wholeNumber, "flush.messages": wholeNumber, "flush.ms": wholeNumber,
	"index.interval.bytes": wholeNumber, "local.retention.bytes": wholeNumber, "local.retention.ms": wholeNumber,
	"max.compaction.lag.ms": wholeNumber, "max.message.bytes": wholeNumber,
	"message.timestamp.after.max.ms": wholeNumber, "message.timestamp.before.max.ms": wholeNumber, "message.timestamp.difference.max.ms": wholeNumber,
	"min.compaction.lag.ms": wholeNumber, "min.insync.replicas": wholeNumber, "retention.bytes": wholeNumber, "retention.ms": wholeNumber,
	"segment.bytes": wholeNumber, "segment.index.bytes": wholeNumber, "segment.jitter.ms": wholeNumber, "segment.ms": wholeNumber,
	"min.cleanable.dirty.ratio": number,
	"preallocate":               trueOrFalse, "unclean.leader.election.enable": trueOrFalse, "message.downconversion.enable": trueOrFalse,
	"remote.storage.enable": trueOrFalse, "remote.copy.disable": trueOrFalse, "remote.log.delete.on.disable": trueOrFalse,
}

var settingName = regexp.MustCompile(`^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+$`)

// topicConfig checks the settings of a topic, as far as they can be known.
func (c checker) topicConfig(key string, settings map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		at, value := key+"["+name+"]", settings[name]
		kind, known := topicSettings[name]
		if !known {
			near, similar := Nearest(name, slices.Sorted(maps.Keys(topicSettings)))
			switch {
			case similar:
				c.add(at, "did you mean "+near+"?", "unknown setting of a topic")
			case !settingName.MatchString(name):
				c.add(at, "write for example retention.ms", "%q is not a setting of a topic", name)
			}
			continue
		}
		if value == "" { // what the brokers say
			continue
		}
		switch kind {
		case wholeNumber:
			if _, err := strconv.ParseInt(value, 10, 64); err != nil {
				c.add(at, "write a whole number, in ms or bytes as the name says", "%v", notNumber(value, "a whole number", err))
			}
		case number:
			if _, err := strconv.ParseFloat(value, 64); err != nil {
				c.add(at, "write a number", "%v", notNumber(value, "a number", err))
			}
		case trueOrFalse:
			if value != "true" && value != "false" {
				c.add(at, "write true or false", "%q is neither true nor false", value)
			}
		}
		switch values := settingValues[name]; {
		case name == "message.timestamp.type" && value != "CreateTime":
			c.add(at, "leave it out", "%s would stamp a window with the time of its arrival", value)
		case values != nil:
			for v := range strings.SplitSeq(value, ",") {
				if !slices.Contains(values, v) {
					c.add(at, "write "+orList(values), "unknown value %q", value)
					break
				}
			}
		}
	}
}

var settingValues = map[string][]string{
	"cleanup.policy":   {"delete", "compact"},
	"compression.type": {"producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"},
}

// FormatTopicConfig writes settings as name=value, sorted by name.
func FormatTopicConfig(settings map[string]string) string {
	var items []string
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		items = append(items, fmt.Sprintf("%s=%s", name, settings[name]))
	}
	return strings.Join(items, ", ")
}
