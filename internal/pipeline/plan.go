package pipeline

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
)

// ErrUnderivable: fields and operations give no aggregated schema.
var ErrUnderivable = errors.New("no aggregated schema")

// Change is what becomes of the subject of an aggregated topic.
type Change string

const (
	New       Change = "new"       // nothing is registered yet
	Unchanged Change = "unchanged" // a version that is registered has all that is needed
	Changed   Change = "changed"   // none has: a new one is a widening of the newest of ours
	Replaced  Change = "replaced"  // none of what is registered was made by this program
)

// Plan is how records of an Input get into windows, and their results out
// again. It does not change.
type Plan struct {
	*Input
	Change Change
	// Schema is the version of the aggregated schema that windows with these
	// records need; nil if there is none, which Err says the reason of.
	Schema *codec.Aggregated
	Text   string // of Schema: what is registered, or would be
	ID     int    // of Schema in the registry; 0: it is to be registered
	BaseID int    // of the version that a Changed one is a widening of, else 0
	Err    error

	history History
	version int // index of Schema in history.Versions, where ID is not 0
}

// Plan finds the version for the records of an input: the first in use that has
// its fields, else one that is to be registered.
func (o Output) Plan(h History, in *Input) *Plan {
	p := &Plan{Input: in, Change: Unchanged, history: h}
	for i, v := range h.Versions {
		if v.Schema.Covers(in.Fields, o.Operations) {
			return p.takes(i)
		}
	}
	base := h.base
	switch {
	case base.schema != nil:
		p.Change, p.BaseID = Changed, base.id
	case len(h.Foreign) > 0:
		p.Change = Replaced
	default:
		p.Change = New
	}
	a, err := codec.Derive(o.Topic, o.Source, base.schema, in.Fields, o.Operations, o.Quantiles)
	if err != nil {
		p.Err = fmt.Errorf("%w for %s: %w", ErrUnderivable, o.Topic, err)
		return p
	}
	p.Schema, p.Text = a, a.Text
	// It may be there already, though with slots that others have had since.
	if i := slices.IndexFunc(h.same, func(k known) bool { return k.schema.Text == a.Text }); i >= 0 {
		p.Change, p.BaseID, p.Text = Unchanged, 0, h.same[i].text
		return p.Registered(h.same[i].id)
	}
	return p
}

// Registered is the plan when the registry has given its schema an id.
func (p *Plan) Registered(id int) *Plan {
	r := *p
	r.ID, r.history = id, p.history.with(p.Schema, id)
	r.version = len(r.history.Versions) - 1
	return &r
}

// Without is the plan when its schema cannot be had: with the newest version in
// use, without the fields that it lacks. It is nil if there is none, and then
// the topic waits.
func (p *Plan) Without() *Plan {
	n := len(p.history.Versions)
	if n == 0 {
		return nil
	}
	r := *p
	r.Err = nil
	return r.takes(n - 1)
}

// takes sets a version in use.
func (p *Plan) takes(version int) *Plan {
	v := p.history.Versions[version]
	p.version, p.Schema, p.ID, p.Text = version, v.Schema, v.SchemaID, p.history.text(v.SchemaID)
	return p
}

// Named are the fields of the input with the names that they have in the plan's
// schema: one that was an array of other values before is x_2.
func (p *Plan) Named() []codec.Field {
	out := slices.Clone(p.Fields)
	for i, f := range out {
		if p.Schema == nil {
			break
		}
		if slot, ok := p.Schema.Slot(f); ok {
			out[i].Name = p.Schema.Fields[slot].Name
		}
	}
	return out
}

// Lacking are the fields of the input that the plan's schema has not, so that
// they get into no result.
func (p *Plan) Lacking() (out []codec.Field) {
	for _, f := range p.Fields {
		if _, ok := p.Schema.Slot(f); !ok {
			out = append(out, f)
		}
	}
	return out
}

// History has the plan's version in it, once it has an id.
func (p *Plan) History() History { return p.history }

// Version is the index of the plan's version in the history, and is for plans
// that have an ID.
func (p *Plan) Version() int { return p.version }

// Decoder reads records of the input into rows with the slots of the history's
// newest version, of which all older ones have the first.
func (p *Plan) Decoder() (*codec.Decoder, error) {
	return codec.NewDecoder(p.writer, p.selection, p.history.newest())
}

// Slots are where the slots of partials get into: index i is for Fields[i].
func (p *Plan) Slots() ([]int, error) {
	a := p.history.newest()
	slots := make([]int, len(p.Fields))
	for i, f := range p.Fields {
		slot, ok := a.Slot(f)
		if !ok {
			return nil, fmt.Errorf("the aggregated schema has no field %s", f.Path)
		}
		slots[i] = slot
	}
	return slots, nil
}

// Encoder writes results that have the slots of the plan's version.
func (p *Plan) Encoder() *codec.Encoder { return newVersion(p.Schema, p.ID).Encoder }
