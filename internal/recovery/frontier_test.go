package recovery

import (
	"encoding/base64"
	"maps"
	"math"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
)

// Whatever lies in an aggregated topic, what is taken from it is what the key
// and the headers of our own records say, or nothing.
func FuzzFrontier(f *testing.F) {
	f.Add("t||1000|500", "0:3-9/7 4:0-0/1")
	f.Add("t||-1500.250000|0.750000", "0:3-9/7")
	f.Add("t||9223372036854775807|9223372036854775807", "0:0-9223372036854775807/1")
	f.Add("a|b|c|d|1|2", "x:1-2/3 -1:-5--4/")
	f.Fuzz(func(t *testing.T, key, offsets string) {
		found := Frontiers{}
		found.Note("t", &kgo.Record{Key: []byte(key), Headers: []kgo.RecordHeader{header("source_topic", "t"), header("source_offsets", offsets)}})
		a, ok := found["t"]
		if !ok {
			return
		}
		for id, head := range a.Heads {
			if id < 0 || head <= 0 {
				t.Fatalf("partition %d, head %d", id, head)
			}
			c := a.checkpoint(id, 0)
			if c.Head != head || c.MaxTime != math.MaxInt64 || c.Final != a.Final {
				t.Fatalf("%+v", c)
			}
			if _, err := agent.DecodeCheckpoint(c.Encode()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Windows are known to be out by the keys that they have, also where these
// have decimals.
func TestFrontierOfWindows(t *testing.T) {
	for _, w := range []struct{ start, size int64 }{{1_000_000_000, 500_000_000}, {-1_500_250_000, 750_000}, {0, 125_000}, {1_700_000_000_000_125_000, 125_000}} {
		found := Frontiers{}
		found.Note("t", &kgo.Record{Key: agent.Key("t", "", w.start, w.size), Headers: []kgo.RecordHeader{header("source_topic", "t"), header("source_offsets", "2:3-9/7")}})
		if a, ok := found["t"]; !ok || a.Final != w.start+w.size || a.Heads[2] != 10 {
			t.Errorf("window %+v: %+v", w, found)
		}
	}
}

// Records of a version that did not say which topic they were computed from count
// with those that say it, in any order; those of another topic do not.
func TestFrontierWithoutTopic(t *testing.T) {
	window := func(start int64, id, offsets string) *kgo.Record {
		r := &kgo.Record{Key: agent.Key("t", "", start*1e9, 1e9), Headers: []kgo.RecordHeader{header("source_topic", "t"), header("source_offsets", offsets)}}
		if id != "" {
			r.Headers = append(r.Headers, header("source_topic_id", base64.RawURLEncoding.EncodeToString([]byte(id))))
		}
		return r
	}
	const id = "0123456789abcdef"
	before, after := window(0, "", "0:0-9/10 1:0-4/5"), window(1, id, "0:10-12/3")
	for _, records := range [][]*kgo.Record{{before, after}, {after, before}, {window(0, "fedcba9876543210", "0:0-99/100 2:0-9/10"), after, before}} {
		found := Frontiers{}
		for _, r := range records {
			found.Note("t", r)
		}
		a := found["t"]
		if want := map[int32]int64{0: 13, 1: 5}; a.Final != 2e9 || string(a.Topic[:]) != id || !maps.Equal(a.Heads, want) {
			t.Errorf("%d records: final %d, topic %q, heads %v, want %v", len(records), a.Final, a.Topic, a.Heads, want)
		}
	}
}

func header(key, value string) kgo.RecordHeader {
	return kgo.RecordHeader{Key: key, Value: []byte(value)}
}
