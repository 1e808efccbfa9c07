package recovery

import (
	"encoding/base64"
	"fmt"
	"math"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Frontier is the output frontier of a source topic: what its aggregated topics tell of it, for
// partitions that the group has no offset for: because they are new, or
// because the offsets have expired or were deleted. In the second case the
// topic would be aggregated again from its start, and every window that can
// still be read would come out twice.
type Frontier struct {
	Final int64           // windows that end at or before are out, ns
	Heads map[int32]int64 // by partition: behind the last record of the last windows
	Topic TopicID         // of the source topic that these were computed from, zero if it is not known
	// Newest is the newest window of each aggregated topic.
	Newest map[string]Window
}

// Window is one that is out, from Start up to End (ns).
type Window struct{ Start, End int64 }

// Frontiers are those of source topics, by name.
type Frontiers map[string]Frontier

// Note takes what an aggregated record tells of its source topic. Records
// without our headers were written by another program.
func (found Frontiers) Note(topic string, r *kgo.Record) {
	var source, offsets string
	var id TopicID
	for _, h := range r.Headers {
		switch h.Key {
		case "source_topic":
			source = string(h.Value)
		case "source_topic_id":
			_, _ = base64.RawURLEncoding.Decode(id[:], h.Value[:min(len(h.Value), 22)])
		case "source_offsets":
			offsets = string(h.Value)
		}
	}
	start, size, ok := agent.ParseKey(r.Key)
	if source != topic || !ok {
		return
	}
	f, ok := found[topic]
	if !ok {
		f.Final = math.MinInt64
		f.Newest = map[string]Window{}
	}
	end := window.End(start, size)
	if n, ok := f.Newest[r.Topic]; !ok || start > n.Start {
		f.Newest[r.Topic] = Window{start, end}
	}
	switch {
	case !ok || Other(id, f.Topic) && end >= f.Final: // offsets of a topic that was made again say nothing of the one before
		f.Topic, f.Heads = id, map[int32]int64{}
	case Other(id, f.Topic):
		return
	case f.Topic == TopicID{}: // an earlier version did not say which topic it was
		f.Topic = id
	}
	f.Final = max(f.Final, end)
	for _, part := range strings.Fields(offsets) {
		var id int32
		var first, last int64
		if _, err := fmt.Sscanf(part, "%d:%d-%d/", &id, &first, &last); err == nil && id >= 0 && first >= 0 && first <= last && last < math.MaxInt64 {
			f.Heads[id] = max(f.Heads[id], last+1)
		}
	}
	found[topic] = f
}

// partials is the checkpoint of the topic with the partials of the source. What
// lies in it was sent before the offsets were lost, and maybe merged: what
// belongs to a window that is out was in it, or was late then.
func (f Frontier) partials(start, end int64) agent.Checkpoint {
	c := agent.Fresh(start)
	c.Final = f.Final
	if end > start {
		c.Head, c.Count = end, -1
	}
	return c
}

// checkpoint is that of a partition of which nothing else is known, read from
// start on. Below the head, records are taken for those that were read before:
// only windows come of them. How many there were is not known.
func (f Frontier) checkpoint(id int32, start int64) agent.Checkpoint {
	c := agent.Fresh(start)
	c.Final = f.Final
	if head := f.Heads[id]; head > start {
		c.Head, c.MaxTime, c.Count = head, math.MaxInt64, -1
	}
	return c
}
