//go:build synctests

package sim

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// wanted is a window as it should have come out.
type wanted struct {
	end     int64
	sure    []*input // are in it
	doubted []*input // may be
}

// wantedOf are the windows of accepted records, by life and key.
type wantedOf map[*life]map[string]*wanted

func (w wantedOf) of(s shape, in *input) (all []*wanted) {
	if w[in.life] == nil {
		w[in.life] = map[string]*wanted{}
	}
	for _, end := range s.ends(in.ms) {
		key := s.key(in.topic, end)
		if w[in.life][key] == nil {
			w[in.life][key] = &wanted{end: end}
		}
		all = append(all, w[in.life][key])
	}
	return all
}

// windows compares the aggregated topic with what the source topic says. Of a
// topic that was deleted windows may be missing; those that are there have to be
// right.
func (j *court) windows(topic string, s shape, late map[*input]*letter) {
	want := wantedOf{}
	for _, l := range j.of(topic) {
		for _, in := range l.inputs {
			if _, isLate := late[in]; isLate && !in.doubt || !in.accepted() {
				continue
			}
			end := j.windowEnd(in.ms)
			switch {
			case in.doubt, l.gone && end > in.low && end <= in.high:
				for _, w := range want.of(s, in) {
					w.doubted = append(w.doubted, in)
				}
			case !l.gone || end > in.high: // else it is late, and nobody has come to say so
				for _, w := range want.of(s, in) {
					w.sure = append(w.sure, in)
				}
			}
		}
	}
	seen := map[string]*life{}
	last := int64(-1 << 62)
	outs := j.records[topic+s.suffix]
	g := j.gaps(topic, s)
	for _, r := range outs {
		k := string(r.Key)
		l := j.lifeOf(topic, r)
		w := want[l][k]
		if r.Partition != outs[0].Partition {
			j.add("%s: windows in more than one partition", topic)
		}
		switch {
		case isEmpty(r) && seen[k] == nil:
			if end := r.Timestamp.UnixMilli() + s.size/2; end <= last {
				j.add("%s: the empty window %s comes after a later one", topic, k)
			} else {
				last = end
			}
			seen[k] = l
			g.empty(r, l, w)
			continue
		case w == nil:
			j.add("%s: window %s is of no accepted record", topic, k)
			continue
		case seen[k] != nil:
			j.add("%s: window %s is there twice", topic, k)
			continue
		case w.end <= last:
			j.add("%s: window %s comes after a later one", topic, k)
		}
		seen[k], last = l, max(last, w.end)
		g.full(w.end)
		if len(w.doubted) > 0 {
			j.version(s, k, w.end, w.sure, w.doubted, r)
		} else {
			j.window(s, k, w.end, w.sure, r)
		}
	}
	g.over()
	for l, all := range want {
		for _, k := range slices.Sorted(maps.Keys(all)) {
			if n := len(all[k].sure); n > 0 && !l.gone && seen[k] != l {
				j.add("%s: window %s of %d records is missing", topic, k, n)
			}
		}
	}
	j.verdict.windows += len(seen)
}

// lifeOf is the life of a topic that a window says it is from.
func (j *court) lifeOf(topic string, r *kgo.Record) *life {
	id := ""
	for _, h := range r.Headers {
		if h.Key == "source_topic_id" {
			id = string(h.Value)
		}
	}
	for _, l := range j.of(topic) {
		if l.id == id {
			return l
		}
	}
	j.add("%s: window %s is of a topic with the id %q, which there never was", topic, r.Key, id)
	return nil
}

// lastOut is where the last window ends that has come out of a life.
func (j *court) lastOut(l *life) int64 {
	last := int64(never)
	for _, r := range j.records[l.name+suffix] {
		if j.lifeOf(l.name, r) == l {
			last = max(last, r.Timestamp.UnixMilli()+j.plan.size.Milliseconds()/2)
		}
	}
	return last
}

// window compares an aggregated record with the records of its window.
func (j *court) window(s shape, key string, end int64, ins []*input, r *kgo.Record) {
	size := s.size
	topic := ins[0].topic
	slices.SortFunc(ins, func(a, b *input) int {
		return cmp.Or(cmp.Compare(a.partition, b.partition), cmp.Compare(a.offset, b.offset))
	})
	if got, want := r.Timestamp.UnixMilli(), end-size/2; got != want {
		j.add("%s: timestamp %d, want %d", key, got, want)
	}
	var ranges []string
	for i := 0; i < len(ins); {
		n := i
		for n < len(ins) && ins[n].partition == ins[i].partition {
			n++
		}
		ranges = append(ranges, fmt.Sprintf("%d:%d-%d/%d", ins[i].partition, ins[i].offset, ins[n-1].offset, n-i))
		i = n
	}
	headers := fmt.Sprintf("source_topic=%s source_offsets=%s source_topic_id=%s ", topic, strings.Join(ranges, " "), ins[0].life.id)
	got := ""
	for _, h := range r.Headers {
		got += fmt.Sprintf("%s=%s ", h.Key, h.Value)
	}
	if s.wide(j) && j.hasFormer(ins[0].life) {
		got = strings.ReplaceAll(got, "partial=true ", "")
	}
	if got != headers {
		j.add("%s: headers %q, want %q", key, got, headers)
	}
	if len(r.Value) < 5 || r.Value[0] != 0 {
		j.add("%s: value without a header", key)
		return
	}
	id := int(binary.BigEndian.Uint32(r.Value[1:]))
	schema := j.schema(id)
	if schema == nil {
		j.add("%s: schema id %d is unknown", key, id)
		return
	}
	var native any
	rest, err := schema.Decode(r.Value[5:], &native)
	if err != nil || len(rest) > 0 {
		j.add("%s: value of schema %d cannot be read: %v, %d bytes left", key, id, err, len(rest))
		return
	}
	record, ok := native.(map[string]any)
	if !ok {
		j.add("%s: schema %d is no record", key, id)
		return
	}
	j.values(s, key, end, ins, record)
}

// topicID is an id as headers have it.
func topicID(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }
