package status

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// TestJSON: the members of a topic, in this order. Others read them; their names stay.
func TestJSON(t *testing.T) {
	text, err := json.Marshal(TopicStatus{Problems: []Problem{}, PartialsTopic: "p", Merges: "m", OtherBranches: []OtherBranch{{}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range regexp.MustCompile(`"([a-z_]+)":`).FindAllStringSubmatch(string(text), -1) {
		got = append(got, m[1])
	}
	want := "topic aggregated_topic aggregation schema_id aggregated_schema_id fields left_out bytes_per_second phase " +
		"window_size_seconds outputs watermark watermark_delay_seconds records bytes windows empty_windows unfilled_windows open_windows late late_by_clock future dead_lettered " +
		"unsent_letters tombstones shipped time_fallbacks times_apart other_branches field branch values partials_topic merges lost rejected_schemas replay_mismatches partitions"
	if strings.Join(got, " ") != want {
		t.Errorf("%s\nwant\n%s", strings.Join(got, " "), want)
	}
}
