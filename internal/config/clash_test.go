package config

import (
	"fmt"
	"testing"
)

func TestClashes(t *testing.T) {
	topics := []string{"c_x", "c-x", "c.x", "c-x", "d", "e.f-g", "e.f_g", "e_f.g", "1x", "_1x", "é", "_"}
	if got := fmt.Sprint(RecordClashes(topics)); got != "[[1x _1x] [_ é] [c-x c_x] [e.f-g e.f_g]]" {
		t.Errorf("records: %s", got)
	}
	if got := fmt.Sprint(TopicClashes(topics)); got != "[[c.x c_x] [e.f_g e_f.g]]" {
		t.Errorf("topics: %s", got)
	}
}

// TestUnable: only topics that somebody wanted aggregated are worth a word.
func TestUnable(t *testing.T) {
	s, err := NewSelector(rules(".*; ^x; {source_topic}-aggregated", "^x; ; y-{source_topic}"))
	if err != nil {
		t.Fatal(err)
	}
	long := fmt.Sprintf("%0239d", 0)
	for topic, unable := range map[string]bool{
		"a": false, "a-aggregated": false, "__consumer_offsets": false, "kafka-aggregator-dead-letter": false, long: true, "x" + long: false, "x" + long + "123456789": true,
	} {
		if got := s.Unable(topic); (got != "") != unable {
			t.Errorf("%s: %q", topic, got)
		}
	}
}
