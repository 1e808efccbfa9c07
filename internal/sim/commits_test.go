//go:build synctests

package sim

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"
)

// checkpoint is what the metadata of a committed offset say.
type checkpoint struct {
	topic                                string // id
	head, maxTime, lowTime, final, count int64
}

// parse reads the metadata: 8 bytes of cluster, 16 of topic id, then head,
// highest event times below head and below the offset, final time, end of
// what was shipped, count and hash, clocks, ranges of refused records, and a checksum.
func parse(metadata string) (c checkpoint, ok bool) {
	text, ok := strings.CutPrefix(metadata, "ka3.")
	if !ok { // of times in fields
		text, ok = strings.CutPrefix(metadata, "ka4.")
	}
	if !ok { // partials have no clocks
		text, ok = strings.CutPrefix(metadata, "ka2.")
	}
	b, err := base64.RawStdEncoding.DecodeString(text)
	if !ok || err != nil || len(b) < 84 {
		return c, false
	}
	at := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[24+8*i:])) }
	return checkpoint{topic: topicID(b[8:24]), head: at(0), maxTime: at(1), lowTime: at(2), final: at(3), count: at(5)}, true
}

// commits judges the versions of the committed offsets.
func (j *court) commits() {
	last := map[place]commitSample{} // offset 0
	for _, s := range j.samples {
		p := place{s.topic, s.partition, 0}
		c, ok := parse(s.metadata)
		if !ok {
			j.add("%v: metadata %q", p, s.metadata)
			continue
		}
		if s.offset > c.head {
			j.add("%v at %v: committed %d, above the head %d", p, s.at, s.offset, c.head)
		}
		l := j.lived(s.topic, c.topic)
		if j.isSource(s.topic) && l == nil {
			j.add("%v at %v: the checkpoint is of a topic with the id %q, which there never was", p, s.at, c.topic)
			continue
		}
		if c.lowTime > c.maxTime {
			j.add("%v at %v: highest event time %d below the offset, %d below the head", p, s.at, c.lowTime, c.maxTime)
		}
		if l != nil {
			n := int64(0)
			for _, in := range l.inputs {
				if in.partition == s.partition && in.offset >= s.offset && in.offset < c.head {
					n++
				}
			}
			if n != c.count {
				j.add("%v at %v: %d records in [%d, %d), the checkpoint says %d", p, s.at, n, s.offset, c.head, c.count)
			}
		}
		if prev, ok := last[p]; ok {
			b, _ := parse(prev.metadata)
			was := j.lived(s.topic, b.topic)
			switch {
			case l != was && was != nil && !was.gone:
				j.add("%v at %v: committed of a topic that was deleted, after %d %+v", p, s.at, prev.offset, b)
			case l == was && (s.offset < prev.offset || c.head < b.head || c.maxTime < b.maxTime || c.lowTime < b.lowTime || c.final < b.final):
				j.add("%v at %v: committed went back from %d %+v to %d %+v", p, s.at, prev.offset, b, s.offset, c)
			}
		}
		last[p] = s
	}
	// In the end all is read and all windows are out.
	for _, l := range j.lives {
		if !l.gone {
			j.allRead(l, last)
		}
	}
}

// lived is the life of a topic that had an id, nil if it has nothing to do with
// sources.
func (j *court) lived(topic, id string) *life {
	for _, l := range j.of(topic) {
		if l.id == id {
			return l
		}
	}
	return nil
}

// allRead judges the last commits of the partitions of a topic.
func (j *court) allRead(l *life, last map[place]commitSample) {
	ends := map[place]int64{}
	for _, in := range l.inputs {
		p := place{in.topic, in.partition, 0}
		ends[p] = max(ends[p], in.offset+1)
	}
	for p, end := range ends {
		s, ok := last[p]
		c, _ := parse(s.metadata)
		switch {
		case !ok || c.topic != l.id:
			j.add("%v: nothing is committed", p)
		case c.head < end:
			j.add("%v: read to %d only, the end is %d", p, c.head, end)
		case s.offset < c.head && c.final != math.MinInt64:
			for _, in := range l.inputs {
				if in.partition == p.partition && in.offset >= s.offset && in.accepted() && j.windowEnd(in.ms)*1e6 > c.final {
					j.add("%v: committed %d, with the window of record %d still open", p, s.offset, in.offset)
					break
				}
			}
		}
	}
}
