package agent

import (
	"cmp"
	"math"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Version is one version of the schema of the aggregated topic. Versions only
// add fields, so a slot means the same in all of them.
type Version struct {
	Schema   *codec.Aggregated
	SchemaID int // in the registry of aggregated schemas
	Encoder  *codec.Encoder
}

// Agent is the aggregation of one source topic.
type Agent struct {
	Topic string

	set      Settings
	layout   layout
	versions []Version
	parts    []*Partition // by ID
	of       int          // partitions that the topic has
	others   bool         // it has more, how many is not known
	sharing  Sharing
	final    int64 // windows that end at or before are out
	claimed  int64 // final when it was last said to the merging agent
	through  int64 // windows that end at or before are shipped, see ship.go
}

// New makes the agent of a topic.
func New(topic string, set Settings) *Agent {
	l := layout{limit: math.MaxInt, needs: set.Needs}
	if set.ExactLimit > 0 {
		l.limit = set.ExactLimit
	}
	return &Agent{Topic: topic, set: set, layout: l, final: window.Unset, through: window.Unset}
}

// Versions are the versions of the aggregated schema, oldest first.
func (a *Agent) Versions() []Version { return a.versions }

// AddVersion appends a version, which has the fields of the last one and maybe more.
func (a *Agent) AddVersion(v Version) {
	a.versions = append(a.versions, v)
	for _, f := range v.Schema.Fields[len(a.layout.isArray):] {
		if f.Pool {
			a.layout.pooled = append(a.layout.pooled, len(a.layout.isArray))
		}
		a.layout.isArray = append(a.layout.isArray, f.Array)
		a.layout.isPooled = append(a.layout.isPooled, f.Pool)
	}
}

// SetPartitions says how many partitions the topic has, as far as is known, and
// whether it is known that there must be others. While the agent has fewer, no
// window is final; while there are others, nothing is said of time either.
func (a *Agent) SetPartitions(n int, others bool) {
	a.of, a.others = n, others
	a.reconsider()
}

// Assign adds a partition that is resumed at offset with a checkpoint.
func (a *Agent) Assign(id int32, offset int64, c Checkpoint) *Partition {
	p := a.partition(id, newFeed(a, offset, c))
	p.watermark = window.Back(c.LowTime, a.set.Grace)
	a.final = max(a.final, c.Final)
	a.reconsider()
	return p
}

// partition adds a partition whose records come from a feed.
func (a *Agent) partition(id int32, f *Feed) *Partition {
	p := &Partition{Feed: f, ID: id, set: &a.set, layout: &a.layout, watermark: window.Unset}
	f.into = append(f.into, p)
	i, found := a.search(id)
	if found {
		a.parts[i] = p
	} else {
		a.parts = slices.Insert(a.parts, i, p)
	}
	return p
}

func (a *Agent) search(id int32) (int, bool) {
	return slices.BinarySearchFunc(a.parts, id, func(p *Partition, id int32) int { return cmp.Compare(p.ID, id) })
}

// Revoke drops a partition with all its state.
func (a *Agent) Revoke(id int32) {
	a.parts = slices.DeleteFunc(a.parts, func(p *Partition) bool { return p.ID == id })
	a.reconsider()
}

// Partitions are those assigned, by ID.
func (a *Agent) Partitions() []*Partition { return a.parts }

// Complete reports whether all partitions of the topic are assigned. A topic with
// a partition 1 has a partition 0 too, whatever was heard of how many it has.
func (a *Agent) Complete() bool {
	n := len(a.parts)
	return n > 0 && n >= a.of && int(a.parts[n-1].ID) < n && a.of > 0 && !a.others
}

// Final is the time up to which windows are out: those that end at or before.
func (a *Agent) Final() int64 { return a.final }

// Activity says how a partition stands towards the clock: SilentFor is how
// long (ns) it has been known to be read to its end without a new record, 0
// while it is active or not known to be read to its end.
type Activity func(p *Partition) (silentFor int64)

// Watermark is the time up to which windows are final now: the lowest
// watermark of the partitions that are not idle. If all are idle, time moves
// on with the clock from the highest event time met, but no further than to
// the end of the last window that has records: the clock closes what is there,
// and says nothing of windows that have none yet. A producer that uploads in
// batches would find them closed. Time never goes back.
func (a *Agent) Watermark(act Activity) int64 {
	if !a.Complete() {
		return a.final
	}
	low, idle := int64(window.Unset), int64(window.Unset)
	active := false
	for _, p := range a.parts {
		if p.Replaying() { // its windows are not rebuilt yet
			return a.final
		}
		if silent := act(p); silent >= a.set.IdleAfter {
			idle = max(idle, window.Forward(p.reached(), silent))
			continue
		}
		if w := p.Watermark(); !active || w < low {
			low, active = w, true
		}
	}
	if !active {
		low = idle
		if !brokenClock {
			low = min(low, a.CloseAll())
		}
	}
	return max(low, a.final)
}

// Window is a window that has become final: its panes, at most one from each partition.
type Window struct {
	Start int64
	panes []*pane
	owner []*Partition
}

// Close makes all windows that end at or before the watermark final and
// appends those that are computed here to ws, in order of time. It stops short
// of a window of which records wait to be shipped: should its partition be
// taken away before that, its next owner must not find the window final. And
// it stops where those end that are shipped, until these are out.
func (a *Agent) Close(watermark int64, ws []Window) []Window {
	if a.through != window.Unset {
		watermark = min(watermark, a.through)
	}
	for _, p := range a.parts {
		if a.oldest(p) > 0 {
			watermark = min(watermark, window.End(p.panes[0].start, a.set.Size)-1)
		}
	}
	if watermark <= a.final {
		return ws
	}
	a.final = watermark
	for {
		start, found := int64(0), false
		for _, p := range a.parts {
			if i := a.oldest(p); i < len(p.panes) && (!found || p.panes[i].start < start) {
				start, found = p.panes[i].start, true
			}
		}
		if !found || window.End(start, a.set.Size) > watermark {
			return ws
		}
		w := Window{Start: start}
		for _, p := range a.parts {
			if i := a.oldest(p); i < len(p.panes) && p.panes[i].start == start {
				c := p.remove(i)
				if invariants.Enabled {
					p.left(p, c)
				}
				p.Counts.InWindows += c.count()
				if c.count() == 0 { // of a record that came in part only
					p.release(c)
					continue
				}
				w.panes = append(w.panes, p.limited(c))
				w.owner = append(w.owner, p)
			}
		}
		if len(w.panes) > 0 {
			ws = append(ws, w)
		}
	}
}

// oldest is the index of a partition's first pane that is not to be shipped.
func (a *Agent) oldest(p *Partition) int {
	for i, c := range p.panes {
		if !a.ships(p, window.End(c.start, a.set.Size)) {
			return i
		}
	}
	return len(p.panes)
}

// Release gives the memory of a window back to its partitions, once it has
// been computed.
func (a *Agent) Release(w Window) {
	for i, c := range w.panes {
		w.owner[i].release(c)
	}
}

// CloseAll is the watermark that makes every open window final.
func (a *Agent) CloseAll() int64 {
	t := a.final
	for _, p := range a.parts {
		t = max(t, p.shipped)
		if n := len(p.panes); n > 0 {
			t = max(t, window.End(p.panes[n-1].start, a.set.Size))
		}
	}
	return t
}

// Open counts the open windows of all partitions, each window once.
func (a *Agent) Open() (n int) {
	starts := map[int64]struct{}{}
	for _, p := range a.parts {
		for _, c := range p.panes {
			starts[c.start] = struct{}{}
		}
	}
	return len(starts)
}

// Rows counts the records of the window.
func (w Window) Rows() (n int64) {
	for _, p := range w.panes {
		n += p.count()
	}
	return n
}

// Slowest is the partition with the lowest watermark, which the others wait
// for; -1 if there is none.
func (a *Agent) Slowest() int32 {
	id, low := int32(-1), int64(0)
	for _, p := range a.parts {
		if id < 0 || p.watermark < low {
			id, low = p.ID, p.watermark
		}
	}
	return id
}
