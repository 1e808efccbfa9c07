//go:build synctests

package sim

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// Windows without records have one too, in some plans: all of those between two that
// have records and come out one after the other.

// longestGap is how many empty windows there may be in a row.
const longestGap = 3600

// drawEmpty has some plans write empty windows, and their topics rest.
func (p *plan) drawEmpty(rng *rand.Rand) {
	if rng.IntN(3) > 0 && !forced("empty") {
		return
	}
	for range p.shapes() {
		p.empty = append(p.empty, rng.IntN(4) > 0)
	}
	p.emptyOfSome = rng.IntN(6) == 0 || forced("some")
	for i := range p.topics {
		t := &p.topics[i]
		for range rng.IntN(3) {
			from := between(rng, t.created+2*time.Second, max(p.length, t.created+4*time.Second))
			t.gaps = append(t.gaps, gap{partition: -1, from: from, to: from + between(rng, p.size, 6*p.size+10*time.Second)})
		}
	}
}

// writesEmpty reports whether an output has empty windows.
func (p *plan) writesEmpty(output int) bool { return output < len(p.empty) && p.empty[output] }

// emptyOf sets which outputs of an aggregation have empty windows.
func (p *plan) emptyOf(a *config.Aggregation, empty []bool) {
	a.EmitEmpty = len(empty) > 0 && !slices.Contains(empty, false)
	for i := range a.Windows {
		a.Windows[i].EmitEmpty = empty != nil && empty[i]
	}
}

// isEmpty reports whether a record says that it is of a window without records.
func isEmpty(r *kgo.Record) bool {
	for _, h := range r.Headers {
		if h.Key == "source_offsets" {
			return len(h.Value) == 0
		}
	}
	return false
}

// gaps looks at the empty windows of an aggregated topic.
type gaps struct {
	*court
	shape
	topic  string
	last   int64   // end of the newest window that has records
	inside []int64 // ends of the empty ones since
}

func (j *court) gaps(topic string, s shape) *gaps {
	return &gaps{court: j, shape: s, topic: topic, last: never}
}

// between are the ends of the windows that lie between two, which are told by their ends.
func (s shape) between(a, b int64) (ends []int64) {
	if a == never || (b-a)/s.advance-1 > longestGap {
		return nil
	}
	for end := a + s.advance; end < b; end += s.advance {
		ends = append(ends, end)
	}
	return ends
}

// empty takes an empty window.
func (g *gaps) empty(r *kgo.Record, l *life, w *wanted) {
	var start, size int64
	name, _, _ := strings.Cut(string(r.Key), "|")
	if _, err := fmt.Sscanf(strings.TrimPrefix(string(r.Key), name), "||%d|%d", &start, &size); err != nil || name != g.topic || size != g.size {
		g.add("%s: key %s of an empty window", g.topic, r.Key)
		return
	}
	if w != nil && len(w.sure) > 0 {
		g.add("%s: window %s is empty, and should have %d records", g.topic, r.Key, len(w.sure))
	}
	g.inside = append(g.inside, start+size)
	g.isEmptyRecord(l, r, start+size)
}

// full takes a window that has records: those before it have to be there, or, if not
// all workers write them, none of them.
func (g *gaps) full(end int64) {
	var want []int64
	if g.shape.empty {
		want = g.between(g.last, end)
	}
	if !slices.Equal(g.inside, want) && !(g.plan.emptyOfSome && g.inside == nil) {
		g.add("%s%s: before the window up to %d, and after that up to %d, empty ones end at %v, want %v", g.topic, g.suffix, end, g.last, g.inside, want)
	}
	g.last, g.inside = end, nil
}

// over is called behind the last window.
func (g *gaps) over() {
	if len(g.inside) > 0 {
		g.add("%s%s: behind the newest window there are empty ones, which end at %v", g.topic, g.suffix, g.inside)
	}
}

// isEmptyRecord compares an aggregated record with that of an empty window.
func (g *gaps) isEmptyRecord(l *life, r *kgo.Record, end int64) {
	key := string(r.Key)
	if got, want := r.Timestamp.UnixMilli(), end-g.size/2; got != want {
		g.add("%s: timestamp %d, want %d", key, got, want)
	}
	id := ""
	if l != nil {
		id = l.id
	}
	got := ""
	for _, h := range r.Headers {
		got += fmt.Sprintf("%s=%s ", h.Key, h.Value)
	}
	if l != nil && g.wide(g.court) && g.hasFormer(l) {
		got = strings.ReplaceAll(got, "partial=true ", "")
	}
	if want := fmt.Sprintf("source_topic=%s source_offsets= source_topic_id=%s ", g.topic, id); got != want {
		g.add("%s: headers %q, want %q", key, got, want)
	}
	if len(r.Value) < 5 || r.Value[0] != 0 {
		g.add("%s: value without a header", key)
		return
	}
	schema := g.schema(int(binary.BigEndian.Uint32(r.Value[1:])))
	if schema == nil {
		g.add("%s: unknown schema", key)
		return
	}
	var native any
	rest, err := schema.Decode(r.Value[5:], &native)
	record, ok := native.(map[string]any)
	if err != nil || len(rest) > 0 || !ok {
		g.add("%s: value cannot be read: %v, %d bytes left", key, err, len(rest))
		return
	}
	head := map[string]any{
		"time": float64(2*end-g.size) / 2000, "window_start": end - g.size, "window_end": end, "window_size": float64(g.size) / 1000, "count": int64(0),
	}
	for _, name := range slices.Sorted(maps.Keys(record)) {
		v := record[name]
		if t, isTime := v.(time.Time); isTime {
			v = t.UnixMilli()
		}
		op, field, _ := strings.Cut(name, "_")
		want, ok := head[name]
		list, isArray := v.([]any)
		switch {
		case ok:
			delete(head, name)
		case isArray && len(list) == 0:
			want = v
		case op == "samples" || op == "nulls" || op == "nans":
			want = 0.0
		}
		if !ok && !g.known(g.topic, field) {
			g.add("%s: field %s comes from no schema of the topic", key, name)
		}
		if !same(v, want) && !isArray || isArray && len(list) > 0 {
			g.add("%s: %s is %v (%T), want %v", key, name, v, v, want)
		}
	}
	if len(head) > 0 {
		g.add("%s: it lacks %v", key, head)
	}
}

// atLeast looks at the empty windows of an aggregated topic whose records may come
// several times: those between windows that surely have records are there, and none is
// where there is a window that surely has some, or outside of all.
func (g *gaps) atLeast(outs []*kgo.Record, want wantedOf, seen map[*wanted]bool) {
	there := map[int64]bool{}
	first, newest := int64(never), int64(never)
	for _, r := range outs {
		if l := g.lifeOf(g.topic, r); isEmpty(r) {
			g.inside = nil
			g.empty(r, l, want[l][string(r.Key)])
			for _, end := range g.inside {
				there[end] = true
			}
		} else if w := want[l][string(r.Key)]; w != nil {
			there[w.end] = true
			if first == never || w.end < first {
				first = w.end
			}
			newest = max(newest, w.end)
		}
	}
	for end := range there {
		if end < first || end > newest {
			g.add("%s%s: the empty window up to %d is not between windows that have records (%d to %d)", g.topic, g.suffix, end, first, newest)
		}
	}
	for l, all := range want {
		var sure []int64
		for _, w := range all {
			if seen[w] && len(w.sure) > 0 {
				sure = append(sure, w.end)
			}
		}
		slices.Sort(sure)
		g.inOrder(outs, l, all, sure)
		for i := 1; i < len(sure) && !l.gone && g.shape.empty && !g.plan.emptyOfSome; i++ {
			for _, end := range g.between(sure[i-1], sure[i]) {
				if !there[end] {
					g.add("%s%s: there is nothing of the empty window up to %d", g.topic, g.suffix, end)
				}
			}
		}
	}
	if !g.shape.empty && len(there) > 0 && slices.ContainsFunc(outs, isEmpty) {
		g.add("%s%s: there are empty windows", g.topic, g.suffix)
	}
}

// inOrder looks at the order in which windows have come for the first time, between
// the first and the last of those that surely have records.
func (g *gaps) inOrder(outs []*kgo.Record, l *life, all map[string]*wanted, sure []int64) {
	seen, last := map[string]bool{}, int64(never)
	for _, r := range outs {
		k, end := string(r.Key), r.Timestamp.UnixMilli()+g.size/2
		if g.lifeOf(g.topic, r) != l || len(sure) == 0 || end < sure[0] || end > sure[len(sure)-1] {
			continue
		}
		if w := all[k]; !isEmpty(r) && (w == nil || len(w.sure) == 0) {
			seen[k] = true // it may have come in another run only
		}
		if seen[k] {
			continue
		}
		if seen[k] = true; end <= last {
			g.add("%s: window %s comes after a later one", g.topic, k)
		}
		last = end
	}
}
