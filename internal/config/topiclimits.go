package config

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// TopicLimits are the bounds that a topic sets to its records.
type TopicLimits struct {
	MaxMessageBytes int64         // of a batch, as it is sent; 0: not known
	Retention       time.Duration // by time; negative: for ever
	RetentionBytes  int64         // of a partition; negative: any number
	Before, After   time.Duration // how far from the brokers' clock a record may be stamped; negative: any time
	ArrivalTime     bool          // records are stamped when they arrive
}

// LimitsOf reads the settings in effect, as brokers describe them. What is not
// there, or is not a number, is no limit.
func LimitsOf(settings map[string]string) TopicLimits {
	millis := func(name string) time.Duration {
		ms, err := strconv.ParseInt(settings[name], 10, 64)
		if err != nil || ms < 0 || ms > math.MaxInt64/int64(time.Millisecond) {
			return -1
		}
		return time.Duration(ms) * time.Millisecond
	}
	bytes := func(name string) int64 {
		n, err := strconv.ParseInt(settings[name], 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	l := TopicLimits{
		MaxMessageBytes: max(0, bytes("max.message.bytes")),
		Retention:       millis("retention.ms"),
		RetentionBytes:  bytes("retention.bytes"),
		Before:          millis("message.timestamp.before.max.ms"),
		After:           millis("message.timestamp.after.max.ms"),
		ArrivalTime:     settings["message.timestamp.type"] == "LogAppendTime",
	}
	if before36 := millis("message.timestamp.difference.max.ms"); before36 >= 0 {
		if l.Before < 0 {
			l.Before = before36
		}
		if l.After < 0 {
			l.After = before36
		}
	}
	if policy, ok := settings["cleanup.policy"]; ok && !strings.Contains(policy, "delete") {
		l.Retention, l.RetentionBytes = -1, -1
	}
	return l
}

// Expired reports whether the topic may delete a record stamped at a time as soon
// as it has it.
func (l TopicLimits) Expired(stamp, now time.Time) bool {
	return l.Retention >= 0 && !l.ArrivalTime && now.Sub(stamp) > l.Retention
}

// Refused reports whether the topic refuses a record stamped at a time.
func (l TopicLimits) Refused(stamp, now time.Time) bool {
	if l.ArrivalTime {
		return false
	}
	return l.Before >= 0 && now.Sub(stamp) > l.Before || l.After >= 0 && stamp.Sub(now) > l.After
}

// recordOverhead is about what a batch of one record has besides key, value and headers.
const recordOverhead = 61 + 27

// Fits reports whether the topic takes a record of so many bytes (key, value and
// headers, before compression), if it is sent alone.
func (l TopicLimits) Fits(bytes int) bool {
	return l.MaxMessageBytes == 0 || int64(bytes)+recordOverhead <= l.MaxMessageBytes
}
