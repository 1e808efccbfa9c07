package codec

import (
	"strconv"
	"strings"
)

// legalName makes a legal Avro name ([A-Za-z_][A-Za-z0-9_]*) of any text:
// every other character becomes an underscore, and one more goes before a
// leading digit.
func legalName(s string) string {
	legal := true
	for i := 0; i < len(s); i++ {
		if !nameByte(s[i], i == 0) {
			legal = false
			break
		}
	}
	if legal && s != "" {
		return s
	}
	var b strings.Builder
	if s == "" || (s[0] >= '0' && s[0] <= '9') {
		b.WriteByte('_')
	}
	for _, r := range s {
		if r < 0x80 && nameByte(byte(r), false) {
			b.WriteByte(byte(r))
		} else {
			b.WriteByte('_')
		}
	}
	return b.String()
}

func nameByte(c byte, first bool) bool {
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (!first && c >= '0' && c <= '9')
}

// recordName makes the Avro name and namespace of a topic's record: what
// stands after the last dot of the topic is the name, what stands before it
// the namespace, each part made legal.
func recordName(topic string) (namespace, name string) {
	parts := strings.Split(topic, ".")
	for i := range parts {
		parts[i] = legalName(parts[i])
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], "."), parts[last]
}

// namer hands out names that differ. The first to ask for a name has it, the
// next ones get _2, _3 … behind it, the lowest that is free.
type namer struct {
	used map[string]bool
	next map[string]int
}

func newNamer() *namer { return &namer{used: map[string]bool{}, next: map[string]int{}} }

func (n *namer) name(want string) string {
	got := want
	for n.used[got] {
		n.next[want]++
		got = want + "_" + strconv.Itoa(n.next[want]+1)
	}
	n.used[got] = true
	return got
}

// nameFields sets the names of a schema's fields: a.b is called a_b. Where
// two fields would have the same name, a top-level field of just that name
// keeps it; the others follow in the order of the schema and get _2, _3 …,
// those that were always aggregated before those that came with later releases.
func nameFields(fields []Field, about []about) {
	n := newNamer()
	named := make([]bool, len(fields))
	for i := range fields {
		if f := &fields[i]; f.Name == f.Path && !n.used[f.Name] {
			n.used[f.Name], named[i] = true, true
		}
	}
	for turn := range 2 {
		for i := range fields {
			if f := &fields[i]; !named[i] && about[i].named == turn {
				f.Name = n.name(f.Name)
			}
		}
	}
}
