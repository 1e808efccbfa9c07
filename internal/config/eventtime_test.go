package config

import (
	"reflect"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/eventtime"
)

func TestEventTime(t *testing.T) {
	for text, want := range map[string]EventTime{
		"event_time: {field: time}": {"time", "", "utc", "kafka"},
		"event_time: {field: [private_sndStamp, header.stamp], scale: tai, fallback: bad}": {"private_sndStamp,header.stamp", "", "tai", "bad"},
		"event_time: {field: 'a, b', unit: us}":                                            {"a, b", "us", "utc", "kafka"},
		"window: {size: 2s}":                                                               {"", "", "utc", "kafka"},
	} {
		l, err := Load(Sources{File: "x.yaml", Text: []byte("aggregations:\n  - name: a\n    topics: {include: [a]}\n    " + text + "\n")})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := l.Config.Aggregations[0].EventTime; got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
	e := EventTime{"a, b.c", "ms", "tai", "bad"}
	if got := e.Selection(); !reflect.DeepEqual(got, codec.TimeSelection{Fields: []string{"a", "b.c"}, Unit: eventtime.Millisecond, TAI: true}) || !e.Strict() {
		t.Errorf("%+v", got)
	}
	if got := (EventTime{}).Selection(); len(got.Fields) > 0 {
		t.Errorf("%+v", got)
	}
}

// Each setting makes another event time, and how they are written makes none.
func TestEventTimeID(t *testing.T) {
	e := EventTime{"a,b", "ms", "utc", "kafka"}
	if id := e.ID(); id == 0 || id != (EventTime{" a , b", "ms", "utc", "kafka"}).ID() {
		t.Errorf("%x", id)
	}
	seen := map[uint64]EventTime{0: {}}
	for _, e := range []EventTime{e, {"b,a", "ms", "utc", "kafka"}, {"a", "ms", "utc", "kafka"}, {"a,b", "us", "utc", "kafka"}, {"a,b", "ms", "tai", "kafka"}, {"a,b", "ms", "utc", "bad"}, {"a,b", "", "utc", "kafka"}} {
		if other, ok := seen[e.ID()]; ok {
			t.Errorf("%+v has the id of %+v", e, other)
		}
		seen[e.ID()] = e
	}
	if id := (EventTime{"", "", "utc", "kafka"}).ID(); id != 0 {
		t.Errorf("Kafka's timestamp has the id %x", id)
	}
}
