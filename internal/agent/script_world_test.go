package agent

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// world is what a script plays in: brokers, which keep what is written and
// committed, and workers, which may lose what they have in memory.
type world struct {
	t   *testing.T
	at  string // file and line of the command
	out strings.Builder

	set        Settings
	operations []string
	sharing    Sharing
	now        int64

	logs     [][]logged
	first    []int64 // offsets below are deleted
	silent   []int64 // for how long partitions are known to be
	held     []committed
	partials [][]byte
	merged   committed
	visible  map[string]bool // keys of the records that are committed

	owners  []string // of partitions
	members map[string]*member
	taken   map[place]bool // records, by partition and offset, that windows are to have
}

// logged is a record of a source partition.
type logged struct {
	t, said         int64 // Kafka's timestamp; the time that the command has
	event           int64 // time by which it was taken
	fields          map[string]string
	x               float64
	null, bad, gone bool
}

// member is a worker.
type member struct {
	*rig
	name    string
	merger  *Merger // of the one that has the partials
	pending []Result
}

const mergerName = "merger"

func (w *world) print(format string, args ...any) { fmt.Fprintf(&w.out, format+"\n", args...) }

// begin makes a new topic.
func (w *world) begin(args []string) {
	*w = world{t: w.t, at: w.at, now: math.MaxInt64 / 2, sharing: Alone, operations: []string{"sum"},
		members: map[string]*member{}, visible: map[string]bool{}, taken: map[place]bool{}}
	w.set = Settings{IdleAfter: 5 * second, MaxFutureSkew: 600 * second, Once: true}
	w.grow(1)
	w.configure(args)
	w.start("a")
	w.out.Reset()
}

func (w *world) grow(partitions int) {
	for len(w.logs) < partitions {
		w.logs, w.first, w.silent, w.held, w.owners = append(w.logs, nil), append(w.first, 0), append(w.silent, 0), append(w.held, committed{}), append(w.owners, "a")
	}
}

// configure sets windows and settings.
func (w *world) configure(args []string) {
	var shapes []window.Shape
	empty := false
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		switch {
		case !ok:
			size, advance, hopping := strings.Cut(arg, "/")
			s := window.Tumbling(w.duration(size))
			if hopping {
				s.Advance = w.duration(advance)
			}
			shapes = append(shapes, s)
		case name == "grace":
			w.set.Grace = w.duration(value)
		case name == "idle":
			w.set.IdleAfter = w.duration(value)
		case name == "skew":
			w.set.MaxFutureSkew = w.duration(value)
		case name == "confirm":
			w.set.Confirm = w.number(value)
		case name == "partitions":
			w.grow(int(w.number(value)))
		case name == "time":
			w.timed(value)
		case name == "fallback":
			w.set.Stamping.Strict = value == "bad"
		case name == "empty":
			empty = w.truth(value)
		case name == "operations":
			w.operations = strings.Split(value, ",")
		default:
			w.fail("unknown setting %q", name)
		}
	}
	w.set.Grid, w.set.Empty = grid(shapes...), nil
	if empty {
		w.set.Empty = slices.Repeat([]bool{true}, len(shapes))
	}
}

// member is the worker that a command names.
func (w *world) member(args []string) *member {
	name := strings.Join(args, " ")
	if name == "" {
		name = "a"
	}
	m := w.members[name]
	if m == nil {
		w.fail("worker %q is not there", name)
	}
	return m
}

// stop drops what workers have in memory; without a name, that of all.
func (w *world) stop(name string) {
	for _, m := range w.named(name) {
		if n := len(m.pending); n > 0 {
			w.print("%s: %d not committed", m.name, n)
		}
		delete(w.members, m.name)
	}
}

// named are the workers of a name, or all of them, in order of their names.
func (w *world) named(name string) (list []*member) {
	for _, n := range slices.Sorted(maps.Keys(w.members)) {
		if name == "" || n == name {
			list = append(list, w.members[n])
		}
	}
	return list
}

// start starts a worker, or all that have partitions, from what is committed.
func (w *world) start(name string) {
	for _, n := range slices.Compact(slices.Sorted(slices.Values(w.owners))) {
		if name != "" && name != n {
			continue
		}
		m := w.join(n)
		for id, owner := range w.owners {
			if owner == n {
				w.assign(m, id)
			}
		}
	}
	if name == mergerName || name == "" && w.sharing != Alone {
		w.joinMerger()
	}
}

func (w *world) join(name string) *member {
	m := &member{rig: rigOf(w.t, w.set, len(w.logs), w.operations...), name: name}
	m.agent.Share(w.sharing)
	w.members[name] = m
	return m
}

func (w *world) joinMerger() *member {
	m := &member{rig: rigOf(w.t, w.set, 0, w.operations...), name: mergerName}
	m.merger = m.agent.Merge(resume(w.t, w.merged))
	m.merger.Topic = TopicHash([16]byte{1})
	w.members[mergerName] = m
	return m
}

// assign gives a worker a partition, which reads it to its end. What was
// deleted is treated as the worker's session does.
func (w *world) assign(m *member, id int) {
	offset, c := resume(w.t, w.held[id])
	lost := int64(0)
	if first := w.first[id]; offset < first {
		lost, offset = max(0, first-c.Head), first
	}
	c.Head = max(c.Head, offset)
	anew := w.held[id].text != "" && c.Stamping != w.set.Stamping.ID
	if anew {
		c = c.Restamped(offset, w.set.Stamping.ID)
	}
	p := m.agent.Assign(int32(id), offset, c)
	p.Lose(lost)
	text := ""
	if anew {
		text = ", by another time"
	}
	if n := c.Head - offset; n > 0 {
		text += fmt.Sprintf(", %s again", span(id, offset, c.Head-1))
	}
	if lost > 0 {
		text += fmt.Sprintf(", %d lost", lost)
	}
	if until := p.PartialUpTo(); until != window.Unset {
		text += fmt.Sprintf(", windows that begin at %s or before are partial", clockTime(until))
	}
	w.print("%s: %d from offset %d%s", m.name, id, offset, text)
	w.read(m, p)
}

// span writes a range of offsets.
func span(id int, first, last int64) string {
	if first == last {
		return fmt.Sprintf("%d/%d", id, first)
	}
	return fmt.Sprintf("%d/%d-%d", id, first, last)
}

// write appends records to a partition; the worker that has it reads them.
func (w *world) write(id int, args []string) {
	r := logged{x: 1, fields: w.fieldsOf(args)}
	for _, arg := range args {
		value, ok := strings.CutPrefix(arg, "x=")
		if !ok {
			continue
		}
		switch value {
		case "null":
			r.null = true
		case "bad":
			r.bad = true
		default:
			x, err := strconv.ParseFloat(value, 64)
			if err != nil {
				w.fail("%v", err)
			}
			r.x = x
		}
	}
	for _, arg := range args {
		if strings.Contains(arg, "=") {
			continue
		}
		for _, r.t = range w.times(arg) {
			if r.said = r.t; r.fields["kafka"] != "" {
				r.t = w.time(r.fields["kafka"])
			}
			w.logs[id] = append(w.logs[id], r)
		}
	}
	w.silent[id] = 0
	if m := w.members[w.owners[id]]; m != nil {
		i, _ := m.agent.search(int32(id))
		w.read(m, m.agent.parts[i])
	}
}

// read reads a partition to its end.
func (w *world) read(m *member, p *Partition) {
	log := w.logs[p.ID]
	for p.Position() < int64(len(log)) {
		o := p.Position()
		r := log[o]
		switch {
		case r.gone:
			p.Skip(o)
			continue
		case r.null:
			p.Tombstone(o, 0, r.t)
			w.print("%d/%d at %s: tombstone", p.ID, o, clockTime(r.t))
			continue
		}
		byClock := p.Counts.LateByClock
		v, err := p.Add(o, 0, r.t, w.now, &Plan{Decoder: m.decoder}, w.body(r))
		if (err != nil) != r.bad && w.set.Stamping.ID == 0 {
			w.fail("%d/%d: %v", p.ID, o, err)
		}
		at := p.Time()
		log[o].event = at
		end, key := w.set.Grid.End(w.set.Grid.Start(at)), place{p.ID, o}
		what, taken := "", v == Accepted
		switch {
		case v == Replayed && end <= p.resume.Shipped && w.taken[key]:
			what, taken = "was shipped before", true
		case v == Replayed && !p.needed(p.set.Grid.Start(at)) && w.taken[key]:
			what, taken = "its windows are out", true
		case v == Replayed:
			what = "set aside before"
		case v == Late && p.Counts.LateByClock > byClock:
			what = "late by the clock"
		case v == Late:
			what = "late by order"
		case v == Future:
			what = "from the future"
		case v == Bad:
			what = "bad"
			if at == NoTime && !r.bad {
				what = "bad: " + err.Error()
			}
		case w.set.Stamping.ID != 0 && at == r.t && r.said != r.t:
			what = "by Kafka"
		}
		if w.taken[key] = taken; what != "" {
			w.print("%d/%d at %s: %s", p.ID, o, clockTime(at), what)
		}
	}
}

// activity is how long partitions have been silent.
func (w *world) activity(m *member) Activity {
	if m.merger != nil {
		return m.merger.Activity
	}
	return func(p *Partition) int64 { return w.silent[p.ID] }
}

// close takes windows out.
func (w *world) close(m *member) {
	results := m.closeAt(w.activity(m), w.now)
	if len(results) == 0 {
		w.print("nothing")
	}
	for _, r := range results {
		w.judge(r)
		w.print("%s", w.show(m, r))
	}
	m.pending = append(m.pending, results...)
}

// judge checks that a window has what was taken for it.
func (w *world) judge(r Result) {
	n := int64(0)
	for key, taken := range w.taken {
		if t := w.logs[key.partition][key.start].event; taken && t >= r.Start && t < r.End {
			n++
		}
	}
	if n != r.Count && !r.Partial {
		w.t.Errorf("%s: the window %s has %d records, and %d were taken for it", w.at, interval(r.Start, r.End), r.Count, n)
	}
}

// show writes a window.
func (w *world) show(m *member, r Result) string {
	v := m.agent.Versions(r.Output)[0].Schema
	var values map[string]any
	if _, err := avro.MustParse(v.Text).Decode(r.Value[5:], &values); err != nil {
		w.fail("%v", err)
	}
	text := fmt.Sprintf("%s count %d", interval(r.Start, r.End), r.Count)
	for _, op := range w.operations {
		text += fmt.Sprintf(", %s %v", op, values[op+"_x"])
	}
	if len(r.Ranges) > 0 {
		text += ", of"
	}
	for _, f := range r.Ranges {
		text += " " + span(int(f.Partition), f.First, f.Last)
		if f.Count != f.Last-f.First+1 {
			text += fmt.Sprintf(" (%d)", f.Count)
		}
	}
	if r.Partial {
		text += ", partial"
	}
	return text
}

// state writes how far a worker is.
func (w *world) state(m *member) {
	w.print("final %s, windows open: %d", clockTime(m.agent.Final()), m.agent.Open())
	for _, p := range m.agent.Partitions() {
		text := fmt.Sprintf("%d: watermark %s", p.ID, clockTime(p.Watermark()))
		for i := range p.clocks.n {
			if w.set.Confirm > 0 {
				text += fmt.Sprintf(", clock at %s", clockTime(p.clocks.list[i].last))
			}
		}
		for _, c := range p.panes {
			text += fmt.Sprintf(", %s %d", interval(c.start, w.set.Grid.End(c.start)), c.count())
			if c.final {
				text += " final"
			}
		}
		w.print("%s", text)
	}
}
