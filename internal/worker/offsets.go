package worker

import (
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
)

// offset is what a commit says of a partition. Those of a topic follow each
// other.
type offset struct {
	*part
	low   int64
	epoch int32
	final int64 // that the metadata say
	meta  string
}

// low collects the offsets of all partitions of the sources, whether they
// moved or not: by them the broker can tell a member of the group that may
// emit from one that was removed.
func (d *delivery) low(ss []*source, movedOnly bool) (out []offset) {
	for _, src := range ss {
		for _, p := range src.sorted() {
			if movedOnly && !p.last.moved || !p.commitReady() {
				continue
			}
			p.Check()
			low, epoch, c := p.Low()
			if brokenHead {
				low = c.Head
			}
			if invariants.Enabled {
				p.verifyLow(low)
			}
			c.Cluster, c.TopicID = d.topics.cluster, src.topicID
			out = append(out, offset{p, low, epoch, c.Final, c.Encode()})
		}
	}
	return out
}

// commitPlain commits outside of a transaction. What the coordinator does not
// take of one topic is tried again when its offsets are committed next.
func (d *delivery) commitPlain(offsets []offset) error {
	refused, err := d.committer.plain(offsets)
	if err != nil {
		return err
	}
	d.noteCommitted(slices.DeleteFunc(slices.Clone(offsets), func(o offset) bool { return refused[o.source.topic] != nil }))
	for _, o := range offsets {
		if err := refused[o.source.topic]; err != nil {
			o.source.problems.set(causeOffsets, "the group's offsets are not taken: "+err.Error())
		} else {
			o.source.problems.clear(causeOffsets)
		}
	}
	return nil
}
