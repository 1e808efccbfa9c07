//go:build synctests

package sim

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// Records of some plans have their time in fields, and Kafka's timestamp is that of their
// arrival: "at" has seconds, and "when" microseconds, both of TAI. Some have it in the second
// one only, or in none.

// taiSeconds is how far TAI is ahead of UTC in the years of the simulation's clock, which
// begins with 2000.
const taiSeconds = 32

// timeFields stand before the fields of a source schema.
const timeFields = `{"name":"at","type":["null","double"]},{"name":"when","type":[{"type":"long","logicalType":"timestamp-micros"},"null"]},`

// drawFields has the records of some plans have their time in fields. How far ahead one may be
// is long then, so that what is too far ahead is so whoever reads it, and whenever.
func (p *plan) drawFields(rng *rand.Rand) {
	if rng.IntN(4) > 0 && !forced("fields") {
		return
	}
	p.fields, p.strict = true, rng.IntN(3) == 0
	p.skew = 5 * time.Minute
}

// eventTime sets it for an aggregation.
func (p *plan) eventTime(a *config.Aggregation) {
	if !p.fields {
		return
	}
	a.EventTime = config.EventTime{Field: "nowhere,at,when", Scale: "tai", Fallback: "kafka"}
	if p.strict {
		a.EventTime.Fallback = "bad"
	}
	a.Fields.Exclude = append(a.Fields.Exclude, "at", "when")
}

// schemaText is a source schema of the plan.
func (p *plan) schemaText(text string) string {
	if !p.fields {
		return text
	}
	return strings.Replace(text, `"fields":[`, `"fields":[`+timeFields, 1)
}

// stamp puts the time of a record into its fields, and the time of its arrival into Kafka's.
func (t *traffic) stamp(value []byte, event time.Time) ([]byte, time.Time) {
	if !t.plan.fields {
		return value, event
	}
	arrival := time.Now()
	if t.speed > 1 { // old data, which was copied
		arrival = event.Add(time.Second)
	}
	event = event.Truncate(time.Millisecond).Add(taiSeconds * time.Second)
	at, when := float64(event.UnixMilli())/1000, int64(0)
	second := true
	switch t.stamps.IntN(30) {
	case 0:
		at = math.NaN()
	case 1:
		at = 0
	case 2:
		at = -at
	case 3:
		at += futureStep.Seconds()
	case 4:
		at = math.Inf(1)
	case 5:
		at, second = math.NaN(), false // in none
	case 6:
		at = math.MaxFloat64
		event = event.Add(futureStep) // neither
	case 7:
		event = event.Add(-48 * time.Hour) // they disagree
	default:
		second = t.stamps.IntN(2) == 0
	}
	when = event.UnixMicro()
	b := append(value[:5:5], 2)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(at))
	if second {
		b = binary.AppendVarint(append(b, 0), when)
	} else {
		b = append(b, 2)
	}
	return append(b, value[5:]...), arrival
}

// timeOf is the time of a record in ms by its fields, as the oracle knows it: ok is false if
// it has none there.
func (j *court) timeOf(in *input, native any) (ms int64, ok bool) {
	record := native.(map[string]any)
	ahead := in.sent.Add(time.Hour).UnixMilli()
	if at, is := record["at"].(float64); is && at > taiSeconds && at*1000 < float64(ahead) {
		return int64(math.Round(at*1000)) - taiSeconds*1000, true
	}
	if when, is := record["when"].(time.Time); is && when.Unix() > taiSeconds && when.UnixMilli() < ahead {
		return when.UnixMilli() - taiSeconds*1000, true
	}
	return 0, false
}

// date sets the time of a record that was read.
func (j *court) date(in *input, native any) {
	if !j.plan.fields {
		return
	}
	delete(in.samples, "at")
	delete(in.samples, "when")
	ms, ok := j.timeOf(in, native)
	switch {
	case ok:
		in.ms = ms
	case j.plan.strict:
		in.unreadable = "no time in its fields"
	case in.stamp == -1 || in.stamp < leastMs || in.vague:
		in.unreadable = "no time, neither in its fields nor in Kafka"
	}
}

func (p *plan) fieldsString() string {
	if !p.fields {
		return ""
	}
	return fmt.Sprintf("  times are in fields, and a record without is bad: %v\n", p.strict)
}
