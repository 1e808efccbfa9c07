package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// stage runs plan, then a worker, and compares. It returns what plan said.
func (g *agreement) stage(name string) map[string]said {
	g.t.Helper()
	planned := g.plan()
	before := map[string][]registry.Registered{}
	for topic, s := range planned {
		before[topic] = g.versions(s)
	}
	done := g.work()
	for topic, s := range planned {
		d := done[topic]
		if d == nil {
			g.t.Errorf("%s: %s: plan takes it, the worker does not", name, topic)
			continue
		}
		for _, wrong := range compare(s, d, before[topic], g.versions(s)) {
			g.t.Errorf("%s: %s: %s", name, topic, wrong)
		}
	}
	again := g.plan() // with nothing left to do
	for topic, s := range again {
		was := planned[topic]
		if was.Problem == "" && was.accepted() && (s.Schema.Change != "unchanged" || s.differs || s.Current != done[topic].version) {
			g.t.Errorf("%s: %s: after the worker ran, plan says %s, id %d; the worker used %d", name, topic, s.Schema.Change, s.Current, done[topic].version)
		}
	}
	return planned
}

func (s said) accepted() bool { return s.Schema.Accepted != nil && *s.Schema.Accepted }

func (g *agreement) versions(s said) []registry.Registered {
	g.t.Helper()
	all, err := g.registry.Versions(g.t.Context(), s.Into+"-value")
	must(g.t, err)
	return all
}

// compare finds what plan and worker do not agree about.
func compare(s said, d *did, before, after []registry.Registered) (wrong []string) {
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	grown := len(after) - len(before)
	if s.Problem != "" {
		if grown != 0 || d.written != 0 && d.status.Windows > 0 {
			add("plan has the problem %q, the worker registered %d schemas and wrote %d windows", s.Problem, grown, d.status.Windows)
		}
		if d.status.DeadLettered == 0 && len(d.status.Problems) == 0 {
			add("plan has the problem %q, the worker none", s.Problem)
		}
		return wrong
	}
	if s.differs != (s.Schema.Change != "unchanged") {
		add("plan says %q, and that something differs: %v", s.Schema.Change, s.differs)
	}
	registers := s.Schema.Change != "unchanged" && s.accepted()
	switch {
	case registers && grown != 1, !registers && grown != 0:
		add("plan says %q (accepted: %v), the worker registered %d schemas", s.Schema.Change, s.accepted(), grown)
	case registers && !sameJSON(after[len(after)-1].Text, string(s.Derived)):
		add("plan has the schema\n%s\nthe worker registered\n%s", s.Derived, after[len(after)-1].Text)
	case registers && d.version != after[len(after)-1].ID:
		add("the worker registered schema %d and used %d", after[len(after)-1].ID, d.version)
	case s.Schema.Instead != nil && (d.version != s.Schema.Instead.ID || d.status.Rejected != 1):
		add("plan goes on with schema %d, the worker with %d; refused: %d", s.Schema.Instead.ID, d.version, d.status.Rejected)
	case s.Schema.Change == "unchanged" && d.version != s.Current:
		add("plan says that schema %d stays, the worker used %d", s.Current, d.version)
	}
	if d.written != d.version {
		add("the worker needs schema %d and wrote %d", d.version, d.written)
	}
	if d.fields != len(s.Fields) || d.status.Fields != len(s.Fields) || d.status.LeftOut != len(s.LeftOut) {
		add("plan has %d fields and leaves %d out, the worker %d and %d", len(s.Fields), len(s.LeftOut), d.fields, d.status.LeftOut)
	}
	if !slices.Equal(d.leftOut, s.LeftOut) {
		add("plan leaves out\n%v\nthe worker\n%v", s.LeftOut, d.leftOut)
	}
	if d.count != int64(3) {
		add("count = %v", d.count)
	}
	var mark struct {
		Of struct {
			Operations []string
		} `json:"kafka_aggregator"`
	}
	if err := json.Unmarshal(s.Derived, &mark); err != nil {
		add("the schema that plan shows: %v", err)
	}
	left := maps.Clone(d.values)
	for _, always := range []string{"time", "window_start", "window_end", "window_size", "count"} {
		delete(left, always)
	}
	for _, f := range s.Fields {
		some := false
		for _, name := range mark.Of.Operations {
			op, err := stats.ParseOperation(name)
			if err != nil {
				add("%v", err)
			}
			some = some || left[op.FieldName()+"_"+f.Name]
			delete(left, op.FieldName()+"_"+f.Name)
		}
		lacks := s.Schema.Instead != nil && slices.Contains(s.Schema.Instead.Without, f.Path)
		if some == lacks {
			add("field %s has a value: %v", f.Name, some)
		}
	}
	if len(left) > 0 {
		add("plan takes none of the fields of %v", slices.Sorted(maps.Keys(left)))
	}
	return wrong
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && fmt.Sprint(x) == fmt.Sprint(y)
}
