package pipeline

import (
	"fmt"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
)

// Registered is a version of the subject of an aggregated topic.
type Registered struct {
	ID, Version int
	Text        string
	Type        string // of a schema that is not Avro; of Avro empty
}

// Foreign is one that this program has not made.
type Foreign struct {
	ID, Version int
	Reason      string // in the form of an error
}

// known is a version that this program has made.
type known struct {
	id     int
	text   string // as it is registered
	schema *codec.Aggregated
}

// History is what is known of the versions of an aggregated schema. The zero
// value is that of a subject that does not exist. It does not change.
type History struct {
	// Versions are those in use, oldest first: they have the operations and
	// options of the configuration, and each has the fields of the one before.
	// A window is written with the first of them that has its fields, so a
	// window that is computed again has the same bytes again.
	Versions []agent.Version
	Foreign  []Foreign

	// base is the newest version that is ours: whatever its operations, a new
	// version has to be compatible with it, so it is a widening of it.
	base known
	same []known // those of the configuration, also those that are not in use; oldest first
}

// Read takes the versions that a registry has, oldest first, all of them.
func (o Output) Read(registered []Registered) History {
	var h History
	for _, g := range registered {
		a, err := read(g)
		if err != nil {
			h.Foreign = append(h.Foreign, Foreign{g.ID, g.Version, err.Error()})
			continue
		}
		h.base = known{g.ID, g.Text, a}
		if g.Text == a.Text {
			h.base.text = a.Text // to keep it once
		}
		if !o.uses(a) {
			continue // of another configuration
		}
		h.same = append(h.same, h.base)
		if n := len(h.Versions); n > 0 && !extends(a, h.Versions[n-1].Schema) {
			h.Versions = nil
		}
		h.Versions = append(h.Versions, newVersion(a, g.ID))
	}
	if n := len(h.Versions); n > 0 && !extends(h.base.schema, h.Versions[n-1].Schema) {
		h.Versions = nil // another configuration has had the topic since, with other slots
	}
	return h
}

func read(g Registered) (*codec.Aggregated, error) {
	if g.Type != "" {
		return nil, fmt.Errorf("its type is %s, not AVRO", g.Type)
	}
	return codec.ParseAggregated(g.Text)
}

// text is that of a version in use.
func (h History) text(id int) string {
	i := slices.IndexFunc(h.same, func(k known) bool { return k.id == id })
	return h.same[i].text
}

// newest is that of the versions in use; nil if there is none.
func (h History) newest() *codec.Aggregated {
	if len(h.Versions) == 0 {
		return nil
	}
	return h.Versions[len(h.Versions)-1].Schema
}

// with is the history with one more version in use, the newest one.
func (h History) with(a *codec.Aggregated, id int) History {
	h.Versions = append(slices.Clip(h.Versions), newVersion(a, id))
	h.base = known{id, a.Text, a}
	h.same = append(slices.Clip(h.same), h.base)
	return h
}

// extends reports whether b's fields are the first ones of a, and their symbols
// the first ones of these.
func extends(a, b *codec.Aggregated) bool {
	if len(a.Fields) < len(b.Fields) {
		return false
	}
	for i, f := range b.Fields {
		if g := a.Fields[i]; g.Name != f.Name || g.Path != f.Path || g.Array != f.Array || g.Pool != f.Pool || !begins(g.Symbols, f.Symbols) {
			return false
		}
	}
	return true
}

// begins reports whether a list begins with another one.
func begins(list, with []string) bool {
	return len(list) >= len(with) && slices.Equal(list[:len(with)], with)
}

// newVersion has an encoder for results that have the slots of the version,
// which all later ones keep.
func newVersion(a *codec.Aggregated, id int) agent.Version {
	slots := make([]int, len(a.Fields))
	for i := range slots {
		slots[i] = i
	}
	return agent.Version{Schema: a, SchemaID: id, Encoder: codec.NewEncoder(a, id, slots, len(a.Operations))}
}
