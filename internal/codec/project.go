package codec

import (
	"fmt"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// Limits of a source schema. A larger one is refused, not cut.
const (
	MaxFields   = 20_000   // fields of all kinds, those of nested records included
	MaxDepth    = 64       // records within records
	maxBranches = 200_000  // branches of unions
	maxPaths    = 16 << 20 // bytes of what fields and branches are called
)

// DefaultMaxElements is the longest array that is decoded when
// Selection.MaxElements is 0.
const DefaultMaxElements = 65_536

// maxText bounds what is carried over of units and descriptions: they are
// repeated for every operation in the aggregated schema.
const (
	maxUnits = 64
	maxDoc   = 400
)

// Field is a numeric field of a source schema.
type Field struct {
	Name  string // base of the aggregated names: legal Avro, unique in its topic (a_b)
	Path  string // as in the source schema (a.b); what is in arrays of records is a[].b, in maps m{} or m{}.b
	Type  string // Avro type for people: ["null","float"], array<double>
	Kind  stats.Kind
	Array bool // values are arrays in the source
	Pool  bool // Array only: all elements are samples of one statistic, the result is a scalar
	Units string
	Doc   string
	// Symbols of an enum: a sample is the index of one of them in this list. It
	// grows as schemas do; a symbol keeps its index.
	Symbols []string
}

// about is what else is known of a field.
type about struct {
	inList   bool // its values are in arrays of something else than numbers, or in maps
	poolOnly bool // in arrays within arrays, or in maps: there is no element number that means anything
	named    int  // fields are named in this order: what was always aggregated comes before what came later
	unsigned bool // its longs hold unsigned integers, as the selection says
}

// LeftOut is a field that is not aggregated. A branch of a union that is not
// taken has the path of its field and the type of the branch.
type LeftOut struct{ Path, Type, Reason string }

// Project finds the numeric fields of a source schema, in the order of the
// schema, and names a reason for everything else. A union with numeric
// branches is one field; its other branches count as null. A schema that is a
// number, not a record, is one field called value; a union of records has the
// fields of all of them (see top). It fails if there is neither a record nor a
// number, or if the schema is beyond the limits.
func Project(s *Schema, sel Selection) ([]Field, []LeftOut, error) {
	p, err := project(s, sel)
	if err != nil {
		return nil, nil, err
	}
	return p.selected(), p.left, nil
}

// take is what is done with a value at one place of the schema.
type take uint8

const (
	takeNothing take = iota
	takeScalar
	takeArray
	takeRecord
	takeBranches // of a union each branch is a place of its own
	takeList     // an array or map of which each element is a place
	takeKeys     // a map of which some keys are fields
)

// place is a place in the expanded schema: the tree that the decoder is
// compiled from.
type place struct {
	typ    *typ
	path   string
	take   take
	branch int      // of the union typ, the branch that is the array or record; -1 if typ is no union
	field  int      // takeScalar, takeArray: index in projection.fields
	inside []*place // takeRecord: its fields; takeBranches: the branches, nil for those without samples; takeList: an element; takeKeys: the fields
	keys   []string // takeKeys: of the fields
}

// projection is the expanded schema with all its numeric fields, wanted or not.
type projection struct {
	root   *place
	fields []Field
	about  []about // by field
	wanted []bool
	left   []LeftOut

	sel    Selection
	branch int            // of the top, counted from 1
	paths  map[string]int // the branch that has last had the path
	shapes map[shape]int  // index in fields
	onPath []*typ
	lists  int // arrays and maps that the walk is in
	maps   int // of which so many are maps
	mixed  int // unions of several kinds that it is in

	weights map[*typ]weight

	visited, branches, text, enums int // what the limits hold
}

func project(s *Schema, sel Selection) (*projection, error) {
	if err := sel.check(); err != nil {
		return nil, err
	}
	p := &projection{sel: sel, branch: 1, paths: map[string]int{}, shapes: map[shape]int{}, weights: map[*typ]weight{}}
	var err error
	if p.root, err = p.top(s.root); err == nil {
		err = p.limits() // of what was left out last
	}
	if err != nil {
		return nil, err
	}
	nameFields(p.fields, p.about)
	p.choose()
	return p, nil
}

func (p *projection) leave(path, typ, reason string) {
	p.text += len(path) + len(typ)
	p.left = append(p.left, LeftOut{Path: path, Type: typ, Reason: reason})
}

// record expands the fields of rec, which is t or its branch.
func (p *projection) record(t, rec *typ, path, name string, branch int) (*place, error) {
	if slices.Contains(p.onPath, rec) {
		p.leave(path, t.String(), "recursive: the record contains itself")
		return &place{typ: t, path: path}, nil
	}
	if len(p.onPath) >= MaxDepth {
		return nil, fmt.Errorf("schema nests records deeper than %d levels at %s", MaxDepth, path)
	}
	p.onPath = append(p.onPath, rec)
	defer func() { p.onPath = p.onPath[:len(p.onPath)-1] }()
	pl := &place{typ: t, path: path, take: takeRecord, branch: branch, inside: make([]*place, len(rec.fields))}
	for i := range rec.fields {
		m := &rec.fields[i]
		p.visited++
		p.text += len(path) + len(m.name)
		if err := p.limits(); err != nil {
			return nil, err
		}
		mp, mn := m.name, legalName(m.name)
		if len(p.onPath) > 1 {
			mp, mn = path+"."+m.name, legalName(name+"_"+m.name)
		}
		if why := rec.noQuantity(m); why != "" {
			p.leave(mp, m.typ.String(), why)
			pl.inside[i] = &place{typ: m.typ, path: mp}
			continue
		}
		in, err := p.value(m.typ, m, mp, mn)
		if err != nil {
			return nil, err
		}
		pl.inside[i] = in
	}
	return pl, nil
}

// limits fails if the schema, as far as it was expanded, is beyond a limit. A
// small text can mean a lot, since named types can be used again and again.
func (p *projection) limits() error {
	switch {
	case p.visited > MaxFields:
		return fmt.Errorf("schema has more than %d fields, nested ones included", MaxFields)
	case p.branches > maxBranches:
		return fmt.Errorf("schema has more than %d branches of unions, nested ones included", maxBranches)
	case p.text > maxPaths:
		return fmt.Errorf("the names of the schema's fields are longer than %d bytes, nested ones included", maxPaths)
	}
	return nil
}
