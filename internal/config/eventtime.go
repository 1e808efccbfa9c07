package config

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/eventtime"
)

// Fields are the fields that may have the time, in order of preference; none: Kafka's
// timestamp has it.
func (e EventTime) Fields() (list []string) {
	for name := range strings.SplitSeq(e.Field, ",") {
		if name = strings.TrimSpace(name); name != "" {
			list = append(list, name)
		}
	}
	return list
}

// Selection is the form of the settings that the codec works with.
func (e EventTime) Selection() codec.TimeSelection {
	if e.Field == "" {
		return codec.TimeSelection{}
	}
	return codec.TimeSelection{Fields: e.Fields(), Unit: eventtime.ParseUnit(e.Unit), TAI: e.Scale == "tai"}
}

// Strict reports whether a record with a time in none of the fields is bad.
func (e EventTime) Strict() bool { return e.Fallback == "bad" }

// meaning is what the settings say, however they are written; nil where Kafka has the time.
func (e EventTime) meaning() []string {
	fields := e.Fields()
	if len(fields) == 0 {
		return nil
	}
	return append([]string{e.Unit, e.Scale, e.Fallback}, fields...)
}

// ID tells event times apart that may be others: 0 is Kafka's timestamp. It is
// committed with the offsets.
func (e EventTime) ID() uint64 {
	m := e.meaning()
	if m == nil {
		return 0
	}
	sum := sha256.Sum256([]byte(strings.Join(m, "\n")))
	return binary.BigEndian.Uint64(sum[:]) | 1 // not 0
}

// maxTimeFields is more than anybody has use for; each is looked for in each record.
const maxTimeFields = 16

func (e EventTime) check(c checker) {
	fields := e.Fields()
	for i, name := range fields {
		switch {
		case !codec.TimePath(name):
			c.add("field", "write a name, or names with dots for a field in a nested record", "%q is not a field's name", name)
		case slices.Contains(fields[:i], name):
			c.add("field", "keep one of them", "%s is written twice", name)
		}
	}
	if len(fields) > maxTimeFields {
		c.add("field", fmt.Sprintf("write at most %d", maxTimeFields), "%d are too many", len(fields))
	}
	c.oneOf("unit", e.Unit)
	c.oneOf("scale", e.Scale)
	c.oneOf("fallback", e.Fallback)
	if len(fields) > 0 {
		return
	}
	for _, needs := range []struct {
		key string
		set bool
	}{{"unit", e.Unit != ""}, {"scale", e.Scale == "tai"}, {"fallback", e.Fallback == "bad"}} {
		if needs.set {
			c.add("field", "write for example field: private_sndStamp", "is empty, though there is a %s", needs.key)
		}
	}
}
