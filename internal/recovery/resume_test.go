package recovery

import (
	"math"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

const (
	second  = int64(1e9)
	cluster = 7
)

var (
	here   = TopicID{1} // the topic that is there
	former = TopicID{2}
)

// checkpoint is one at offset 20 with records up to 25, of windows that are out up to 5 s.
func checkpoint(change func(*agent.Checkpoint)) Committed {
	c := agent.Checkpoint{Cluster: cluster, TopicID: here, Head: 25, MaxTime: 6 * second, LowTime: 5*second - 1, Final: 5 * second, Shipped: window.Unset, Count: 5, Hash: 99, Doubt: window.Unset}
	if change != nil {
		change(&c)
	}
	return Committed{Offset: 20, Metadata: c.Encode()}
}

// Each thing that can be known of a partition which has offsets 10 to 30, and where it is read
// from then.
func TestResume(t *testing.T) {
	none := Committed{Offset: -1}
	out := func(topic TopicID, head int64) *Frontier {
		return &Frontier{Final: 5 * second, Heads: map[int32]int64{3: head}, Topic: topic}
	}
	const anew = "anew" // as if nothing of the windows that were out could be read any more
	grid := window.TumblingGrid(second)
	for _, c := range []struct {
		name      string
		committed Committed
		change    func(*Facts)
		offset    int64
		head      int64
		count     int64
		final     int64
		shipped   int64
		lost      int64
		says      string // part of the notice
		like      string // how it begins: anew, or "" as the checkpoint says
	}{
		{name: "never read", committed: none, offset: 10, head: 10, final: window.Unset, shipped: window.Unset},
		{name: "never read, windows are out", committed: none, change: func(f *Facts) { f.Frontier = out(here, 22) },
			offset: 10, head: 22, count: -1, final: 5 * second, shipped: window.Unset, says: "no offset for this partition"},
		{name: "never read, windows are out, none of it", committed: none, change: func(f *Facts) { f.Frontier = out(here, 0) },
			offset: 10, head: 10, final: 5 * second, shipped: window.Unset, says: "no offset for this partition"},
		{name: "never read, windows of a former topic are out", committed: none, change: func(f *Facts) { f.Frontier = out(former, 22) },
			offset: 10, head: 10, final: 5 * second, shipped: window.Unset, says: "deleted and made again, or cut off", like: anew},
		{name: "never read, windows of more than there is are out", committed: none, change: func(f *Facts) { f.Frontier = out(TopicID{}, 31) },
			offset: 10, head: 10, final: 5 * second, shipped: window.Unset, says: "deleted and made again, or cut off", like: anew},
		{name: "partials, never read", committed: none, change: func(f *Facts) { f.Merges = true }, offset: 10, head: 10, final: window.Unset, shipped: window.Unset},
		{name: "partials, windows are out", committed: none, change: func(f *Facts) { f.Merges, f.SourceID, f.Frontier = true, here, out(here, 0) },
			offset: 10, head: 30, count: -1, final: 5 * second, shipped: window.Unset},
		{name: "partials, windows are out of nobody knows which topic", committed: none, change: func(f *Facts) { f.Merges, f.SourceID, f.Frontier = true, here, out(TopicID{}, 0) },
			offset: 10, head: 30, count: -1, final: 5 * second, shipped: window.Unset},
		{name: "partials, windows of a former topic are out", committed: none, change: func(f *Facts) { f.Merges, f.SourceID, f.Frontier = true, here, out(former, 0) },
			offset: 10, head: 10, final: 5 * second, shipped: window.Unset, like: anew},
		{name: "partials, none there, windows are out", committed: none, change: func(f *Facts) { f.Merges, f.SourceID, f.Frontier, f.End = true, here, out(here, 0), 10 },
			offset: 10, head: 10, final: 5 * second, shipped: window.Unset},

		{name: "set by another program", committed: Committed{Offset: 20}, offset: 20, head: 20, final: window.Unset, shipped: window.Unset, says: "set by another program"},
		{name: "set by another program, deleted", committed: Committed{Offset: 4}, offset: 10, head: 10, final: window.Unset, shipped: window.Unset, lost: 6, says: "set by another program"},

		{name: "committed", committed: checkpoint(nil), offset: 20, head: 25, count: 5, final: 5 * second, shipped: window.Unset},
		{name: "committed where brokers give no ids", committed: checkpoint(nil), change: func(f *Facts) { f.TopicID = TopicID{} }, offset: 20, head: 25, count: 5, final: 5 * second, shipped: window.Unset},
		{name: "committed of a former topic", committed: checkpoint(func(c *agent.Checkpoint) { c.TopicID, c.Shipped = former, 3*second }),
			offset: 10, head: 10, final: 5 * second, shipped: 3 * second, says: "deleted and made again; reading", like: anew},
		{name: "committed of a former topic that was longer", committed: checkpoint(func(c *agent.Checkpoint) { c.TopicID = former }), change: func(f *Facts) { f.End = 15 },
			offset: 10, head: 10, final: 5 * second, shipped: window.Unset, says: "deleted and made again; reading", like: anew},
		{name: "committed in another cluster", committed: checkpoint(func(c *agent.Checkpoint) { c.Cluster, c.TopicID = 8, former }),
			offset: 20, head: 20, final: 5 * second, shipped: window.Unset, says: "another cluster", like: anew},
		{name: "committed in another cluster, where it is deleted", committed: checkpoint(func(c *agent.Checkpoint) { c.Cluster = 8 }), change: func(f *Facts) { f.Start = 22 },
			offset: 22, head: 22, final: 5 * second, shipped: window.Unset, lost: 2, says: "another cluster", like: anew},
		{name: "deleted, but nothing that was not read", committed: checkpoint(nil), change: func(f *Facts) { f.Start = 24 },
			offset: 24, head: 25, count: 5, final: 5 * second, shipped: window.Unset, says: "records were deleted"},
		{name: "deleted, and more", committed: checkpoint(nil), change: func(f *Facts) { f.Start = 28 },
			offset: 28, head: 28, count: 5, final: 5 * second, shipped: window.Unset, lost: 3, says: "records were deleted"},
		{name: "cut off below what was read", committed: checkpoint(nil), change: func(f *Facts) { f.End = 23 },
			offset: 20, head: 23, count: 5, final: 5 * second, shipped: window.Unset, says: "cut off below"},
	} {
		f := &Facts{Partition: 3, Start: 10, End: 30, Committed: c.committed, TopicID: here, Cluster: cluster, Group: "g",
			Anew: agent.New("t", agent.Settings{Grid: grid}).Anew}
		if c.change != nil {
			c.change(f)
		}
		s, err := Resume(f)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		p := s.Checkpoint
		if s.Offset != c.offset || p.Head != c.head || p.Count != c.count || p.Final != c.final || p.Shipped != c.shipped || s.Lost != c.lost {
			t.Errorf("%s: offset %d, lost %d, %+v; want %+v", c.name, s.Offset, s.Lost, p, c)
		}
		if mark := grid.Start(5*second) - 1; c.like == anew && (p.MaxTime != mark || p.LowTime != mark) {
			t.Errorf("%s: begins with times %d and %d, want %d", c.name, p.MaxTime, p.LowTime, mark)
		}
		if c.count == -1 && !f.Merges && p.MaxTime != math.MaxInt64 {
			t.Errorf("%s: what lies below the head would be judged by time", c.name)
		}
		said := ""
		for _, n := range s.Notices {
			said += n.Text
			if n.Severe != strings.Contains(n.Text, "cut off below") {
				t.Errorf("%s: %q is severe: %v", c.name, n.Text, n.Severe)
			}
			if len(n.About)%2 != 0 {
				t.Errorf("%s: %q has keys without values", c.name, n.Text)
			}
		}
		if !strings.Contains(said, c.says) || c.says == "" && said != "" {
			t.Errorf("%s: says %q, want %q", c.name, said, c.says)
		}
	}
}

// Both may have happened to a log: deleted at its start, and cut off at its end.
func TestResumeTellsAll(t *testing.T) {
	s, err := Resume(&Facts{Start: 22, End: 24, Committed: checkpoint(nil), TopicID: here, Cluster: cluster})
	if err != nil || len(s.Notices) != 2 || s.Offset != 22 || s.Checkpoint.Head != 24 {
		t.Errorf("%+v, %v", s, err)
	}
}

// What somebody has to mend first.
func TestResumeRefuses(t *testing.T) {
	for _, c := range []struct {
		name      string
		committed Committed
		want      string
	}{
		{"beyond the end", Committed{Offset: 31, Metadata: checkpoint(nil).Metadata}, "the committed offset 31 is beyond the end 30 of the partition: the log was cut off, or the group's offsets were altered; reset the offsets of group g to go on"},
		{"beyond the end, by another program", Committed{Offset: 31}, "the committed offset 31 is beyond the end 30"},
		{"metadata of another program", Committed{Offset: 20, Metadata: "mine"}, "metadata of the committed offset 20: not a checkpoint of this version of kafka-aggregator"},
	} {
		_, err := Resume(&Facts{Start: 10, End: 30, Committed: c.committed, TopicID: here, Cluster: cluster, Group: "g"})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}
