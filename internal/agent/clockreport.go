package agent

import (
	"cmp"
	"slices"
)

// SourceClock is a clock that stamps records of a partition, where there are several.
type SourceClock struct {
	Ahead    int64 // of the slowest, ns
	Time     int64 // that it shows by now, if it goes on as the others do; event time in ns
	Records  int64 // that it has stamped since it was found
	Producer int64 // id of the producer of its newest record, -1 if that is not known
}

// Clocks are those of the partition that disagree and have stamped more than a few
// records, the slowest first; nil if there is but one.
func (p *Partition) Clocks() (list []SourceClock) {
	c := &p.clocks
	if !p.InDoubt() {
		return nil
	}
	for i := range c.n {
		k := &c.list[i]
		if k.records < young {
			continue
		}
		list = append(list, SourceClock{Time: c.is(k), Records: k.records, Producer: k.producer - 1})
	}
	slices.SortStableFunc(list, func(a, b SourceClock) int { return cmp.Compare(a.Time, b.Time) })
	if len(list) < 2 {
		return nil
	}
	for i := range list {
		list[i].Ahead = list[i].Time - list[0].Time
	}
	return list
}

// SentBy notes the id of the producer of the record that was added last. It is for
// people, and worth the trouble only while clocks are in doubt. A record that was set
// aside before it was told to the clocks is of none of them.
func (p *Partition) SentBy(producer int64) {
	c := &p.clocks
	if c.named == c.seen {
		return
	}
	c.named = c.seen
	for i := range c.n {
		if k := &c.list[i]; k.seen == c.seen {
			k.producer = producer + 1
		}
	}
}
