//go:build synctests

package sim

import (
	"bytes"
	"fmt"
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
	names   map[int]names      // of schemas, by id
	ids     map[string]string  // of the topics, as headers have them
	former  map[string]*former // topics that were deleted and made again
	outs    map[string][]outSample
	unsent  []unsent // letters that were given up
	refused bool     // records may have been refused, so letters may be given up
	smaller bool     // and for what they were, so letters may be small
	helped  int      // times that the group had to be helped; no fault of the workers
}

// verdict is what the oracle says.
type verdict struct {
	violations          []string
	windows, late, dead int
	repeated            int // records of windows and put aside that were there before
	small, givenUp      int // letters
	slowest             time.Duration
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

// life is a source topic from when it is made until it is deleted.
type life struct {
	*topicPlan
	id     string
	gone   bool // it was deleted
	inputs []*input
	out    int64 // windows that end at or before are out of the life before, at least
	closed int64 // and at most
}

// input is a source record as the oracle sees it.
type input struct {
	place
	*kgo.Record
	life        *life
	ms          int64 // event time
	stamp       int64 // timestamp in Kafka
	sent, acked time.Time
	tombstone   bool
	future      bool
	passing     bool   // what it was refused for may pass, and records may repeat: who read it again may have taken it
	doubt       bool   // its letter was given up in a commit of which nobody knows whether it came to pass
	vague       bool   // its timestamp is too large for anybody to tell it
	unreadable  string // why its header says that it cannot be read
	broken      bool   // its body does not fit its schema
	schema      int
	samples     map[string]series // by field
	order       int64             // what was final when it was read by the order in its partition alone, at least
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
	j := &court{facts: f, verdict: v, by: map[place][]*input{}, schemas: map[int]*avro.Schema{}, shapes: map[int]map[string]any{}, fields: map[string]map[string]bool{}}
	for i := range f.plan.topics {
		j.read(&f.plan.topics[i])
	}
	late := j.letters(lateTopic)
	dead := j.letters(deadTopic)
	for _, l := range j.lives {
		j.ahead(l, dead)
		j.bounds(l, late)
	}
	j.conserve(late, dead)
	for i := range f.plan.topics {
		for _, s := range f.plan.shapes() {
			if f.plan.repeats {
				j.versions(f.plan.topics[i].name, s, late)
			} else {
				j.windows(f.plan.topics[i].name, s, late)
			}
		}
		j.punctual(f.plan.topics[i].name, late, dead)
	}
	j.commits()
	for topic := range f.records {
		known := topic == lateTopic || topic == deadTopic || j.isSource(topic)
		for _, s := range f.plan.shapes() {
			source, aggregated := strings.CutSuffix(topic, s.suffix)
			known = known || aggregated && j.isSource(source)
		}
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
	lives   []*life
	by      map[place][]*input
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

// of are the lives of a topic.
func (j *court) of(topic string) (out []*life) {
	for _, l := range j.lives {
		if l.name == topic {
			out = append(out, l)
		}
	}
	return out
}

func (j *court) isSource(topic string) bool { return len(j.of(topic)) > 0 }

// read classifies the records of a source topic.
func (j *court) read(t *topicPlan) {
	if f := j.former[t.name]; f != nil {
		j.live(&life{topicPlan: t, id: f.id, gone: true}, f.records)
		t = &t.again.topic
	}
	j.live(&life{topicPlan: t, id: j.ids[t.name]}, j.records[t.name])
}

func (j *court) live(l *life, records []*kgo.Record) {
	l.out, l.closed = never, never
	for _, r := range records {
		in := &input{place: place{r.Topic, r.Partition, r.Offset}, Record: r, life: l, ms: r.Timestamp.UnixMilli()}
		s := j.sent[string(r.Key)]
		if s == nil {
			panic(fmt.Sprintf("sim: %s/%d has a record that was never sent: %s", r.Topic, r.Partition, r.Key))
		}
		if s.odd {
			in.ms, in.vague = s.ms, s.ms > 1<<57
		}
		in.sent, in.acked, in.stamp = s.sent, s.acked, in.ms
		if in.acked.IsZero() {
			in.acked = in.sent.Add(time.Hour)
		}
		j.classify(in)
		l.inputs = append(l.inputs, in)
		j.by[in.place] = append(j.by[in.place], in)
	}
	j.lives = append(j.lives, l)
}

// find is the source record that lies, or lay, in a place, and of which a key begins
// with what is told of it, if that tells them apart.
func (j *court) find(p place, timestamp string, key []byte) (found *input) {
	all := slices.Clone(j.by[p])
	slices.SortStableFunc(all, func(a, b *input) int {
		switch is, other := bytes.HasPrefix(a.Key, key), bytes.HasPrefix(b.Key, key); {
		case is == other:
			return 0
		case is:
			return -1
		}
		return 1
	})
	for _, in := range all {
		switch {
		case strconv.FormatInt(in.stamp, 10) == timestamp:
			return in
		case found == nil || !found.vague:
			found = in
		}
	}
	return found
}

func (j *court) classify(in *input) {
	switch {
	case in.Value == nil:
		in.tombstone = true
		return
	case !j.plan.fields && (in.ms == -1 || in.ms < leastMs || in.vague):
		in.unreadable = "no time"
		return
	}
	var data []byte
	if in.schema, data, in.unreadable = j.unframe(in.Record); in.unreadable != "" {
		return
	}
	s := j.schema(in.schema)
	if s == nil {
		in.unreadable = "unknown schema"
		return
	}
	var native any
	rest, err := s.Decode(data, &native)
	if err != nil || len(rest) > 0 {
		in.broken = true
		return
	}
	in.samples = flatten(j.shapes[in.schema], native)
	j.date(in, native)
}

// ahead marks the records that are refused as too far ahead of the clock, or
// for a schema that was registered later. If one is so depends on when it was
// read: by then it may not be any more, so the oracle takes the dead-letter
// topic's word where both are possible.
func (j *court) ahead(l *life, dead map[*input]*letter) {
	for _, in := range l.inputs {
		by := time.UnixMilli(in.ms).Sub(in.sent)
		isDead := dead[in] != nil
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

func (j *court) key(topic string, end int64) string {
	size := j.plan.size.Milliseconds()
	return fmt.Sprintf("%s||%d|%d", topic, end-size, size)
}
