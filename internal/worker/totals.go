package worker

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// totals of a source topic, since the process started. They step when the
// offsets of a partition are committed. What is final or put aside is counted
// once; records of windows that were open when a session ended are read again,
// and counted as read again.
type totals struct {
	counts   agent.Counts // InWindows and Replayed included
	windows  int64
	empty    int64 // of these
	unfilled int64 // empty windows that were not written
	rejected int64
	unsent   int64 // records that were counted without a letter
	others   map[codec.Branch]int64
}

// maxOthers is how many branches of a topic's unions are counted apart.
const maxOthers = 200

// addOthers adds what a partition has counted of unions since its last commit. The
// branches that there is no room for are one.
func (t *totals) addOthers(counts map[*codec.Branch]int64) {
	for b, n := range counts {
		key := *b
		if _, known := t.others[key]; !known && len(t.others) >= maxOthers {
			key = codec.Branch{Path: "…", Type: "…"}
		}
		if t.others == nil {
			t.others = map[codec.Branch]int64{}
		}
		t.others[key] += n
	}
}

// otherBranches are the counts of branches, by field.
func (t *totals) otherBranches() (out []status.OtherBranch) {
	for b, n := range t.others {
		out = append(out, status.OtherBranch{Field: b.Path, Branch: b.Type, Values: n})
	}
	slices.SortFunc(out, func(a, b status.OtherBranch) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Branch, b.Branch))
	})
	return out
}

// add adds what a partition has counted since its last commit.
func (t *totals) add(now, before *agent.Counts) {
	c := &t.counts
	c.Records += now.Records - before.Records
	c.InWindows += now.InWindows - before.InWindows
	c.Late += now.Late - before.Late
	c.LateByClock += now.LateByClock - before.LateByClock
	c.Future += now.Future - before.Future
	c.Bad += now.Bad - before.Bad
	c.Tombstones += now.Tombstones - before.Tombstones
	c.Replayed += now.Replayed - before.Replayed
	c.Shipped += now.Shipped - before.Shipped
	c.Lost += now.Lost - before.Lost
	c.Mismatches += now.Mismatches - before.Mismatches
	c.Bytes += now.Bytes - before.Bytes
	c.Stamps = c.Stamps.Plus(now.Stamps.Sub(before.Stamps))
}

// histogram is a Histogram that can be observed and read at the same time.
type histogram struct {
	bounds []float64
	counts []atomic.Uint64
	nanos  atomic.Int64
}

var latencyBounds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

func newHistogram() *histogram {
	return &histogram{bounds: latencyBounds, counts: make([]atomic.Uint64, len(latencyBounds)+1)}
}

func (h *histogram) observe(d time.Duration) {
	i, _ := slices.BinarySearch(h.bounds, d.Seconds())
	h.counts[i].Add(1)
	h.nanos.Add(int64(d))
}

func (h *histogram) snapshot() status.Histogram {
	s := status.Histogram{Bounds: h.bounds, Counts: make([]uint64, len(h.counts)), Sum: time.Duration(h.nanos.Load()).Seconds()}
	for i := range h.counts {
		s.Counts[i] = h.counts[i].Load()
	}
	return s
}
