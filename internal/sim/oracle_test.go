//go:build synctests

package sim

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The oracle judges what was written by what was read. It shares no code with
// the aggregator but the Avro library, of which it uses another part.

// facts are all that there is to judge.
type facts struct {
	plan    *plan
	begin   time.Time
	records map[string][]*kgo.Record // committed ones of each topic, by partition and offset
	sent    map[string]*sending
	samples []commitSample
	schemas map[int]string
	ids     map[string]string // of the topics, as headers have them
	helped  int               // times that the group had to be helped; no fault of the workers
}

// verdict is what the oracle says.
type verdict struct {
	violations          []string
	windows, late, dead int
	repeated            int // records of windows and put aside that were there before
}

func (v *verdict) add(format string, args ...any) {
	v.violations = append(v.violations, fmt.Sprintf(format, args...))
}

// place is where a source record lies.
type place struct {
	topic     string
	partition int32
	offset    int64
}

// input is a source record as the oracle sees it.
type input struct {
	place
	*kgo.Record
	ms          int64 // event time
	sent, acked time.Time
	tombstone   bool
	future      bool
	passing     bool   // what it was refused for may pass, and records may repeat: who read it again may have taken it
	unreadable  string // why its header says that it cannot be read
	broken      bool   // its body does not fit its schema
	schema      int
	samples     map[string]series // by field
	low, high   int64             // bounds in ms of what was final when it was read: it must be late if its window ends at low or before, and must not be if after high
}

// accepted reports whether the record belongs into a window unless it is late.
func (r *input) accepted() bool {
	return !r.tombstone && !r.future && r.unreadable == "" && !r.broken
}

// acceptable reports whether any worker may have accepted it.
func (r *input) acceptable() bool { return r.accepted() || r.passing }

// judge is the oracle.
func judge(f *facts) *verdict {
	v := &verdict{}
	j := &court{facts: f, verdict: v, sources: map[string][]*input{}, by: map[place]*input{}, schemas: map[int]*avro.Schema{}, shapes: map[int]map[string]any{}, fields: map[string]map[string]bool{}}
	for i := range f.plan.topics {
		t := &f.plan.topics[i]
		j.read(t)
	}
	late := j.letters(lateTopic)
	dead := j.letters(deadTopic)
	for i := range f.plan.topics {
		t := &f.plan.topics[i]
		j.ahead(t, dead)
		j.bounds(t)
	}
	j.conserve(late, dead)
	for i := range f.plan.topics {
		if f.plan.repeats {
			j.versions(&f.plan.topics[i], late)
		} else {
			j.windows(&f.plan.topics[i], late)
		}
	}
	j.commits()
	for topic := range f.records {
		source, aggregated := strings.CutSuffix(topic, suffix)
		known := topic == lateTopic || topic == deadTopic || j.sources[topic] != nil || aggregated && j.sources[source] != nil
		if !known {
			v.add("topic %s should not have records", topic)
		}
	}
	v.late, v.dead = len(late), len(dead)
	return v
}

// court is the oracle at work.
type court struct {
	*facts
	*verdict
	sources map[string][]*input
	by      map[place]*input
	schemas map[int]*avro.Schema
	shapes  map[int]map[string]any     // of their JSON
	fields  map[string]map[string]bool // of all schemas of a topic
}

func (j *court) schema(id int) *avro.Schema {
	s := j.schemas[id]
	if s == nil {
		text, ok := j.facts.schemas[id]
		if !ok {
			return nil
		}
		s = avro.MustParse(text)
		j.schemas[id] = s
		j.shapes[id] = shapeOf(text)
	}
	return s
}

// read classifies the records of a source topic.
func (j *court) read(t *topicPlan) {
	j.sources[t.name] = []*input{}
	for _, r := range j.records[t.name] {
		in := &input{place: place{r.Topic, r.Partition, r.Offset}, Record: r, ms: r.Timestamp.UnixMilli()}
		s := j.sent[string(r.Key)]
		if s == nil {
			panic(fmt.Sprintf("sim: %s/%d has a record that was never sent: %s", r.Topic, r.Partition, r.Key))
		}
		in.sent, in.acked = s.sent, s.acked
		if in.acked.IsZero() {
			in.acked = in.sent.Add(time.Hour)
		}
		j.classify(in)
		j.sources[t.name] = append(j.sources[t.name], in)
		j.by[in.place] = in
	}
}

func (j *court) classify(in *input) {
	b := in.Value
	switch {
	case b == nil:
		in.tombstone = true
		return
	case len(b) < 5 || b[0] != 0:
		in.unreadable = "no header"
		return
	}
	in.schema = int(binary.BigEndian.Uint32(b[1:]))
	s := j.schema(in.schema)
	if s == nil {
		in.unreadable = "unknown schema"
		return
	}
	var native any
	rest, err := s.Decode(b[5:], &native)
	if err != nil || len(rest) > 0 {
		in.broken = true
		return
	}
	in.samples = flatten(j.shapes[in.schema], native)
}

// ahead marks the records that are refused as too far ahead of the clock, or
// for a schema that was registered later. If one is so depends on when it was
// read: by then it may not be any more, so the oracle takes the dead-letter
// topic's word where both are possible.
func (j *court) ahead(t *topicPlan, dead map[place]*kgo.Record) {
	for _, in := range j.sources[t.name] {
		by := in.Timestamp.Sub(in.sent)
		_, isDead := dead[in.place]
		readable := !in.tombstone && !in.broken && in.unreadable == ""
		if isDead && in.schema > unknown && in.unreadable == "" {
			in.unreadable = "its schema came later"
		}
		in.future = !in.tombstone && in.unreadable == "" && (by > time.Hour || by > j.plan.skew && isDead && !in.broken)
		in.passing = j.plan.repeats && readable && !in.accepted() && by <= time.Hour
	}
}

// windowEnd is the end of the window that holds a time.
func (j *court) windowEnd(ms int64) int64 {
	size := j.plan.size.Milliseconds()
	n := ms / size
	if ms%size < 0 {
		n--
	}
	return (n + 1) * size
}

// letters reads a topic of records that were put aside; each of them once,
// unless records may repeat.
func (j *court) letters(topic string) map[place]*kgo.Record {
	out := map[place]*kgo.Record{}
	for _, r := range j.records[topic] {
		h := map[string]string{}
		for _, x := range r.Headers {
			h[x.Key] = string(x.Value)
		}
		partition, err1 := strconv.Atoi(h["partition"])
		offset, err2 := strconv.ParseInt(h["offset"], 10, 64)
		p := place{h["topic"], int32(partition), offset}
		in := j.by[p]
		switch {
		case err1 != nil || err2 != nil || in == nil:
			j.add("%s: a record with headers %v that come from no source record", topic, h)
			continue
		case out[p] != nil && !j.plan.repeats:
			j.add("%s: %v is there twice", topic, p)
		case h["omitted"] == "value": // late while it was on the way to be merged
			if topic != lateTopic || h["window"] != j.key(p.topic, j.windowEnd(in.ms)) || len(r.Value) > 0 {
				j.add("%s: %v has headers %v and no value", topic, p, h)
			}
		case !bytes.Equal(in.Value, r.Value) || !bytes.Equal(in.Key, r.Key):
			j.add("%s: %v is not what was read: key %q, value %x", topic, p, r.Key, r.Value)
		case h["timestamp"] != strconv.FormatInt(in.ms, 10):
			j.add("%s: %v has timestamp %s, want %d", topic, p, h["timestamp"], in.ms)
		case h["n"] != string(in.Key):
			j.add("%s: %v has lost its own headers: %v", topic, p, h)
		case topic == deadTopic && h["error"] == "":
			j.add("%s: %v does not say what is wrong with it", topic, p)
		case topic == lateTopic && h["window"] != j.key(p.topic, j.windowEnd(in.ms)):
			j.add("%s: %v says window %q, want %q", topic, p, h["window"], j.key(p.topic, j.windowEnd(in.ms)))
		case len(h) != 6:
			j.add("%s: %v has headers %v", topic, p, h)
		}
		if out[p] != nil {
			j.repeated++
		}
		out[p] = r
	}
	return out
}

// conserve: each record is in one place, and lawfully so. What is in windows
// is judged by windows, which takes all that is in neither topic.
func (j *court) conserve(late, dead map[place]*kgo.Record) {
	for _, topic := range slices.Sorted(maps.Keys(j.sources)) {
		for _, in := range j.sources[topic] {
			letter, isLate := late[in.place]
			_, isDead := dead[in.place]
			end := j.windowEnd(in.ms)
			wantDead := in.unreadable != "" || in.future || in.broken && !isLate
			both := isDead && isLate && j.plan.repeats && (in.passing || in.broken) // by two workers
			switch {
			case isDead != wantDead && !both:
				j.add("%v: dead-lettered %v, want %v (unreadable %q, future %v, broken %v, late %v)", in.place, isDead, wantDead, in.unreadable, in.future, in.broken, isLate)
			case isLate && (in.unreadable != "" || in.future || in.tombstone) && !both:
				j.add("%v: is taken for late", in.place)
			case isLate && j.plan.repeats && len(letter.Value) == 0: // it may have come to be merged again, when its window was out
			case isLate && end > in.high:
				j.add("%v: is taken for late, but its window ends at %d and at most %d was final", in.place, end, in.high)
			case !isLate && end <= in.low && (in.accepted() || in.broken):
				j.add("%v: is not taken for late, but its window ends at %d and at least %d was final", in.place, end, in.low)
			}
		}
	}
}

func (j *court) key(topic string, end int64) string {
	size := j.plan.size.Milliseconds()
	return fmt.Sprintf("%s||%d|%d", topic, end-size, size)
}

// windows compares the aggregated topic with what the source topic says.
func (j *court) windows(t *topicPlan, late map[place]*kgo.Record) {
	want := map[string][]*input{} // by key
	ends := map[string]int64{}
	for _, in := range j.sources[t.name] {
		if _, isLate := late[in.place]; isLate || !in.accepted() {
			continue
		}
		end := j.windowEnd(in.ms)
		k := j.key(t.name, end)
		want[k] = append(want[k], in)
		ends[k] = end
	}
	seen := map[string]bool{}
	last := int64(-1 << 62)
	outs := j.records[t.name+suffix]
	for _, r := range outs {
		k := string(r.Key)
		ins := want[k]
		switch {
		case ins == nil:
			j.add("%s: window %s is of no accepted record", t.name, k)
			continue
		case seen[k]:
			j.add("%s: window %s is there twice", t.name, k)
			continue
		case r.Partition != outs[0].Partition:
			j.add("%s: windows in more than one partition", t.name)
		case ends[k] <= last:
			j.add("%s: window %s comes after a later one", t.name, k)
		}
		seen[k], last = true, max(last, ends[k])
		j.window(k, ends[k], ins, r)
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if !seen[k] {
			j.add("%s: window %s of %d records is missing", t.name, k, len(want[k]))
		}
	}
	j.verdict.windows += len(seen)
}

// window compares an aggregated record with the records of its window.
func (j *court) window(key string, end int64, ins []*input, r *kgo.Record) {
	size := j.plan.size.Milliseconds()
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
	headers := fmt.Sprintf("source_topic=%s source_offsets=%s source_topic_id=%s ", topic, strings.Join(ranges, " "), j.ids[topic])
	got := ""
	for _, h := range r.Headers {
		got += fmt.Sprintf("%s=%s ", h.Key, h.Value)
	}
	if got != headers {
		j.add("%s: headers %q, want %q", key, got, headers)
	}
	if len(r.Value) < 5 || r.Value[0] != 0 {
		j.add("%s: value without a header", key)
		return
	}
	id := int(binary.BigEndian.Uint32(r.Value[1:]))
	s := j.schema(id)
	if s == nil {
		j.add("%s: schema id %d is unknown", key, id)
		return
	}
	var native any
	rest, err := s.Decode(r.Value[5:], &native)
	if err != nil || len(rest) > 0 {
		j.add("%s: value of schema %d cannot be read: %v, %d bytes left", key, id, err, len(rest))
		return
	}
	record, ok := native.(map[string]any)
	if !ok {
		j.add("%s: schema %d is no record", key, id)
		return
	}
	j.values(key, end, ins, record)
}
