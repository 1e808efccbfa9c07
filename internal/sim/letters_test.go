//go:build synctests

package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// letter is what was put aside for a source record: a record of a topic of
// letters, or none if it was given up.
type letter struct {
	*kgo.Record
	sure bool // that it was given up was committed, as far as the worker knows
}

// unsent is a letter that a worker has given up, or is about to.
type unsent struct {
	source    string // topic under whose name it is counted
	topic     string // of letters
	place     string
	timestamp string
	committed bool // it is counted for good; else it is about to be
}

// letters reads a topic of records that were put aside; each of them once,
// unless records may repeat.
func (j *court) letters(topic string) map[*input]*letter {
	out := map[*input]*letter{}
	for _, r := range j.records[topic] {
		h := map[string]string{}
		for _, x := range r.Headers {
			h[x.Key] = string(x.Value)
		}
		in := j.at(h["topic"], h["partition"], h["offset"], h["timestamp"], r.Key)
		switch {
		case in == nil:
			j.add("%s: a record with headers %v that come from no source record", topic, h)
			continue
		case out[in] != nil && !j.plan.repeats:
			j.add("%s: %v is there twice", topic, in.place)
		case topic == lateTopic && h["late_by"] != "order" && h["late_by"] != "clock":
			j.add("%s: %v does not say why it is late: %q", topic, in.place, h["late_by"])
		case topic == deadTopic && h["error"] == "":
			j.add("%s: %v does not say what is wrong with it", topic, in.place)
		case !j.isLetter(topic, in, r, h):
			j.add("%s: %v has key %q, headers %v and %d bytes of value: no form of a letter of key %q, headers %v and %d bytes", topic, in.place, r.Key, r.Headers, len(r.Value), in.Key, in.Headers, len(in.Value))
		}
		if out[in] != nil {
			j.repeated++
		}
		if len(r.Headers) > 0 && !slices.ContainsFunc(r.Headers, func(x kgo.RecordHeader) bool { return x.Key == "n" || x.Key == "omitted" }) {
			j.small++
		}
		out[in] = &letter{r, true}
	}
	for _, u := range j.unsent {
		if u.topic == topic {
			j.takeUnsent(out, u)
		}
	}
	for in, l := range out {
		in.doubt = in.doubt || !l.sure
		if l.Record == nil {
			j.givenUp++
		}
	}
	return out
}

// at is the source record in a place that is told by text.
func (j *court) at(topic, partition, offset, timestamp string, key []byte) *input {
	p, err1 := strconv.Atoi(partition)
	o, err2 := strconv.ParseInt(offset, 10, 64)
	if err1 != nil || err2 != nil {
		return nil
	}
	return j.find(place{topic, int32(p), o}, timestamp, key)
}

// takeUnsent notes that a record has no letter.
func (j *court) takeUnsent(letters map[*input]*letter, u unsent) {
	where := strings.Split(u.place, "|")
	in := j.at(where[0], where[1], where[2], u.timestamp, nil)
	l := letters[in]
	switch {
	case in == nil:
		j.add("%s: the letter of %s was given up, which is no source record", u.topic, u.place)
	case !j.refused:
		j.add("%s: the letter of %s was given up, though nothing was ever refused", u.topic, u.place)
	case l == nil:
		letters[in] = &letter{nil, u.committed}
	case u.committed && l.Record != nil && !j.plan.repeats:
		j.add("%s: %s was counted without a letter, and has one", u.topic, u.place)
	case u.committed && l.sure && !j.plan.repeats:
		j.add("%s: %s was counted without a letter twice", u.topic, u.place)
	default:
		l.sure = l.sure || u.committed
	}
}

// reasonBytes is how long the reason is in a letter that is not whole.
const reasonBytes = 249

// isLetter reports whether a record is a letter of a source record: all of it,
// or, where topics do not take this, the beginnings, and what is missing; or
// nothing but where the record comes from.
func (j *court) isLetter(topic string, in *input, r *kgo.Record, h map[string]string) bool {
	about := []kgo.RecordHeader{head("topic", in.topic), head("partition", strconv.Itoa(int(in.partition))), head("offset", strconv.FormatInt(in.offset, 10)), head("timestamp", h["timestamp"])}
	stamp := in.stamp
	if topic == lateTopic && h["omitted"] != "" { // of what is merged, Kafka's timestamp is not known
		stamp = in.ms
	}
	if h["timestamp"] != strconv.FormatInt(stamp, 10) && !in.vague {
		return false
	}
	key, value, own := in.Key, in.Value, in.Headers
	switch {
	case topic == deadTopic:
		about = append(about, head("error", h["error"]))
	case h["omitted"] == "": // late
		about = append(about, head("window", j.key(in.topic, j.windowEnd(in.ms))), head("late_by", h["late_by"]))
	default: // late while it was on the way to be merged
		about = append(about, head("window", j.key(in.topic, j.windowEnd(in.ms))), head("late_by", "clock"), head("omitted", "value"))
		key, value, own = nil, nil, nil
	}
	same := func(k, v []byte, hs []kgo.RecordHeader) bool {
		return bytes.Equal(r.Key, k) && bytes.Equal(r.Value, v) && slices.EqualFunc(r.Headers, hs, func(a, b kgo.RecordHeader) bool { return a.Key == b.Key && bytes.Equal(a.Value, b.Value) })
	}
	if same(key, value, slices.Concat(about, own)) {
		return true
	}
	if !j.smaller || len(h["error"]) > reasonBytes {
		return false
	}
	cut := func(k, v, n int) []kgo.RecordHeader {
		hs := slices.Clone(about)
		if v < len(value) {
			hs = append(hs, head("truncated_from", strconv.Itoa(len(value))))
		}
		if k < len(key) {
			hs = append(hs, head("key_truncated_from", strconv.Itoa(len(key))))
		}
		if n < len(own) {
			hs = append(hs, head("headers_dropped", strconv.Itoa(len(own)-n)))
		}
		return append(hs, own[:n]...)
	}
	k, v := min(len(key), len(r.Key)), min(len(value), len(r.Value))
	for n := range len(own) + 1 {
		if same(key[:k], value[:v], cut(k, v, n)) {
			return true
		}
	}
	return same(fmt.Appendf(nil, "%s|%d|%d", in.topic, in.partition, in.offset), nil, cut(0, 0, 0))
}

func head(key, value string) kgo.RecordHeader {
	return kgo.RecordHeader{Key: key, Value: []byte(value)}
}

// conserve: each record is in one place, and lawfully so. What is in windows
// is judged by windows, which takes all that is in neither topic. What was in a
// topic that was deleted may be nowhere.
func (j *court) conserve(late, dead map[*input]*letter) {
	for _, l := range j.lives {
		for _, in := range l.inputs {
			letter, isLate := late[in]
			_, isDead := dead[in]
			end := j.windowEnd(in.ms)
			wantDead := in.unreadable != "" || in.future || in.broken && !isLate
			both := isDead && isLate && j.plan.repeats && (in.passing || in.broken) // by two workers
			switch {
			case in.doubt:
			case l.gone && !isDead && !isLate:
			case isDead != wantDead && !both:
				j.add("%v: dead-lettered %v, want %v (unreadable %q, future %v, broken %v, late %v)", in.place, isDead, wantDead, in.unreadable, in.future, in.broken, isLate)
			case isLate && (in.unreadable != "" || in.future || in.tombstone) && !both:
				j.add("%v: is taken for late", in.place)
			case isLate && j.plan.repeats && (letter.Record == nil || len(letter.Value) == 0): // it may have come to be merged again, when its window was out
			case isLate && end > in.high && j.plan.mixed && end <= j.lastOut(in.life): // a worker with transactions takes what others have written without for out
			case isLate && end > in.high:
				j.add("%v: is taken for late, but its window ends at %d and at most %d was final", in.place, end, in.high)
			case !isLate && (end <= in.low && in.accepted() || end <= in.order && in.broken && !j.plan.fields): // whoever reads a broken one of a topic that is shared need not know all that is out
				j.add("%v: is not taken for late, but its window ends at %d and at least %d was final", in.place, end, in.low)
			}
		}
	}
}
