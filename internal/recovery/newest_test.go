package recovery

import (
	"maps"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Of each aggregated topic the newest window is known, in whatever order records are
// met, and also if it is of a topic that was made again since.
func TestNewestOfFrontier(t *testing.T) {
	out := func(into, id string, start, size int64) *kgo.Record {
		return &kgo.Record{Topic: into, Key: agent.Key("t", "", start*second, size*second), Headers: []kgo.RecordHeader{header("source_topic", "t"), header("source_topic_id", id)}}
	}
	const one, two = "MDEyMzQ1Njc4OWFiY2RlZg", "ZmVkY2JhOTg3NjU0MzIxMA"
	records := []*kgo.Record{out("t-1s", one, 7, 1), out("t-10s", two, 0, 10), out("t-1s", one, 3, 1), out("t-1s", two, 11, 1)}
	want := map[string]Window{"t-1s": {11 * second, 12 * second}, "t-10s": {0, 10 * second}}
	for range len(records) {
		records = append(records[1:], records[0])
		found := Frontiers{}
		for _, r := range records {
			found.Note("t", r)
		}
		if got := found["t"]; !maps.Equal(got.Newest, want) || got.Final != 12*second {
			t.Errorf("newest %v, final %d", got.Newest, got.Final)
		}
	}
}

// The windows that are out stay out where a topic is another one; so the newest of
// them is still that from which a gap begins.
func TestNewestIsKept(t *testing.T) {
	newest := []agent.Newest{{Shape: window.Tumbling(second), Start: 4 * second}}
	held := checkpoint(func(c *agent.Checkpoint) { c.Newest = newest })
	for name, change := range map[string]func(*Facts){
		"the same topic":    func(*Facts) {},
		"it was made again": func(f *Facts) { f.TopicID = former },
		"another cluster":   func(f *Facts) { f.Cluster++ },
	} {
		grid := window.TumblingGrid(second)
		f := Facts{Start: 10, End: 30, Committed: held, TopicID: here, Cluster: cluster, Anew: agent.New("t", agent.Settings{Grid: grid}).Anew}
		change(&f)
		if s, err := Resume(&f); err != nil || !reflect.DeepEqual(s.Checkpoint.Newest, newest) {
			t.Errorf("%s: newest %v, %v", name, s.Checkpoint.Newest, err)
		}
	}
}
