package agent

import (
	"cmp"
	"math"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Version is one version of the schema of an aggregated topic. Versions only
// add fields.
type Version struct {
	Schema   *codec.Aggregated
	SchemaID int // in the registry of aggregated schemas
	Encoder  *codec.Encoder

	slots []int // of the agent, for each field; noSlot if there are no records with it
}

// output is what is known of the aggregated topic of one shape of windows.
type output struct {
	versions []Version // oldest first
}

// Agent is the aggregation of one source topic.
type Agent struct {
	Topic string

	set     Settings
	layout  layout
	outputs []output     // for each shape; the slots are the fields of the first one
	parts   []*Partition // by ID
	of      int          // partitions that the topic has
	others  bool         // it has more, how many is not known
	sharing Sharing
	final   int64 // windows that end at or before are out, of all shapes
	claimed int64 // final when it was last said to the merging agent
	through int64 // windows that end at or before are shipped, see ship.go

	newest []int64 // of each output, the newest window that is out and has records, see empty.go
}

// New makes the agent of a topic.
func New(topic string, set Settings) *Agent {
	l := layout{limit: math.MaxInt, needs: set.Needs}
	if set.ExactLimit > 0 {
		l.limit = set.ExactLimit
	}
	n := len(set.Grid.Shapes)
	return &Agent{Topic: topic, set: set, layout: l, outputs: make([]output, n), final: window.Unset, through: window.Unset, newest: slices.Repeat([]int64{window.Unset}, n)}
}

// Versions are those of an output, oldest first.
func (a *Agent) Versions(output int) []Version { return a.outputs[output].versions }

// AddVersion appends a version of an output, which has the fields of the last
// one and maybe more. A slot means the same in all versions of the first
// output. The others may have got their fields in another order.
func (a *Agent) AddVersion(output int, v Version) {
	l := &a.layout
	v.slots = make([]int, 0, len(v.Schema.Fields))
	if output == 0 {
		for i, f := range v.Schema.Fields {
			v.slots = append(v.slots, i)
			if i < len(l.isArray) {
				continue
			}
			if f.Pool {
				l.pooled = append(l.pooled, i)
			}
			l.isArray, l.isPooled, l.paths = append(l.isArray, f.Array), append(l.isPooled, f.Pool), append(l.paths, f.Path)
		}
	}
	a.outputs[output].versions = append(a.outputs[output].versions, v)
	for i := range a.outputs[1:] {
		for j := range a.outputs[1+i].versions {
			l.find(&a.outputs[1+i].versions[j])
		}
	}
}

// noSlot is above all slots that there are.
const noSlot = math.MaxInt

// find finds the slots of the fields of a version.
func (l *layout) find(v *Version) {
	type key struct {
		path        string
		array, pool bool
	}
	slots := make(map[key]int, len(l.paths))
	for i, path := range l.paths {
		slots[key{path, l.isArray[i], l.isPooled[i]}] = i
	}
	v.slots = v.slots[:0]
	for _, f := range v.Schema.Fields {
		slot, ok := slots[key{f.Path, f.Array, f.Pool}]
		if !ok {
			slot = noSlot
		}
		v.slots = append(v.slots, slot)
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
	p.watermark = window.Back(p.clocks.believed, a.set.Grace)
	a.makeFinal(c.Final)
	a.learn(c.Newest)
	if low := c.LowTime; low != window.Unset && c.Final != window.Unset {
		// What lies below the offset is not needed by windows to come, unless
		// there are others now than when it was committed.
		if slice := a.set.Grid.Start(low); a.set.Grid.Kept(slice) > c.Final && a.set.Grid.End(slice) > c.Shipped {
			p.doubt = max(p.doubt, low)
		}
	}
	a.reconsider()
	return p
}

// Anew is the checkpoint of a partition of which nothing that lay before offset
// can be read any more, though windows that end at or before final are out: of
// windows that began before then, slices are missing.
func (a *Agent) Anew(offset, final int64) Checkpoint {
	c := Fresh(offset)
	if c.Final = final; final != window.Unset {
		c.LowTime = a.set.Grid.Start(final) - 1
		c.MaxTime = c.LowTime
	}
	return c
}

// partition adds a partition whose records come from a feed.
func (a *Agent) partition(id int32, f *Feed) *Partition {
	p := &Partition{Feed: f, ID: id, set: &a.set, layout: &a.layout, watermark: window.Unset, merged: claims{now: window.Unset}}
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
//
// What is ahead of the wall clock (ns) may be stamped by a clock that is fast.
// While partitions that may have another are passed over, time goes no further than the
// wall clock does.
func (a *Agent) Watermark(act Activity, wall int64) int64 {
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
		if w := p.now(); !active || w < low {
			low, active = w, true
		}
	}
	if idle != window.Unset && a.set.Confirm > 0 {
		idle, low = notAhead(idle, wall), notAhead(low, wall)
	}
	if !active {
		low = idle
		if !brokenClock {
			low = a.lastEnd(idle)
		}
	}
	return max(low, a.final)
}

// oldest is the index of a partition's first pane that is not to be shipped.
func (a *Agent) oldest(p *Partition) int {
	for i, c := range p.panes {
		if !a.ships(p, a.set.Grid.End(c.start)) {
			return i
		}
	}
	return len(p.panes)
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
