package agent

import (
	"cmp"
	"math"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
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
	final    int64        // windows that end at or before are out
}

// New makes the agent of a topic.
func New(topic string, set Settings) *Agent {
	l := layout{limit: math.MaxInt, needs: set.Needs}
	if set.ExactLimit > 0 {
		l.limit = set.ExactLimit
	}
	return &Agent{Topic: topic, set: set, layout: l, final: window.Unset}
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

// SetPartitions says how many partitions the topic has. While the agent has
// fewer, no window is final.
func (a *Agent) SetPartitions(n int) {
	a.of = n
}

// Assign adds a partition that is resumed at offset with a checkpoint.
func (a *Agent) Assign(id int32, offset int64, c Checkpoint) *Partition {
	p := &Partition{ID: id, set: &a.set, layout: &a.layout, resume: c, from: offset, next: offset, epoch: -1, maxTime: c.LowTime, doubt: window.Unset, refused: slices.Clone(c.Refused)}
	i, found := slices.BinarySearchFunc(a.parts, id, func(p *Partition, id int32) int { return cmp.Compare(p.ID, id) })
	if found {
		a.parts[i] = p
	} else {
		a.parts = slices.Insert(a.parts, i, p)
	}
	a.setFinal(max(a.final, c.Final))
	return p
}

// Revoke drops a partition with all its state.
func (a *Agent) Revoke(id int32) {
	a.parts = slices.DeleteFunc(a.parts, func(p *Partition) bool { return p.ID == id })
}

// Partitions are those assigned, by ID.
func (a *Agent) Partitions() []*Partition { return a.parts }

// Complete reports whether all partitions of the topic are assigned.
func (a *Agent) Complete() bool { return a.of > 0 && len(a.parts) >= a.of }

// Final is the time up to which windows are out: those that end at or before.
func (a *Agent) Final() int64 { return a.final }

func (a *Agent) setFinal(t int64) {
	a.final = t
	for _, p := range a.parts {
		p.final = t
	}
}

// Activity says how a partition stands towards the clock: SilentFor is how
// long (ns) it has been known to be read to its end without a new record, 0
// while it is active or not known to be read to its end.
type Activity func(p *Partition) (silentFor int64)

// Watermark is the time up to which windows are final now: the lowest
// watermark of the partitions that are not idle. If all are idle, time moves
// on with the clock from the highest event time met. It never goes back.
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
			idle = max(idle, window.Forward(p.Watermark(), silent))
			continue
		}
		if w := p.Watermark(); !active || w < low {
			low, active = w, true
		}
	}
	if !active {
		low = idle
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
// appends them to ws in order of time.
func (a *Agent) Close(watermark int64, ws []Window) []Window {
	if watermark <= a.final {
		return ws
	}
	a.setFinal(watermark)
	for {
		start, found := int64(0), false
		for _, p := range a.parts {
			if len(p.panes) > 0 && (!found || p.panes[0].start < start) {
				start, found = p.panes[0].start, true
			}
		}
		if !found || window.End(start, a.set.Size) > watermark {
			return ws
		}
		w := Window{Start: start}
		for _, p := range a.parts {
			if len(p.panes) > 0 && p.panes[0].start == start {
				w.panes = append(w.panes, p.shift())
				w.owner = append(w.owner, p)
			}
		}
		ws = append(ws, w)
	}
}

// shift removes the oldest open pane.
func (p *Partition) shift() *pane {
	c := p.panes[0]
	p.panes = slices.Delete(p.panes, 0, 1)
	if p.current == c {
		p.current = nil
	}
	p.Counts.InWindows += c.count()
	return c
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
		if id < 0 || p.maxTime < low {
			id, low = p.ID, p.maxTime
		}
	}
	return id
}
