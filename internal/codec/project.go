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
	Path  string // as in the source schema (a.b)
	Type  string // Avro type for people: ["null","float"], array<double>
	Kind  stats.Kind
	Array bool // values are arrays in the source
	Pool  bool // Array only: all elements are samples of one statistic, the result is a scalar
	Units string
	Doc   string
}

// LeftOut is a field that is not aggregated. A branch of a union that is not
// taken has the path of its field and the type of the branch.
type LeftOut struct{ Path, Type, Reason string }

// Modes of an ArrayRule.
const (
	ArrayElements = "elements" // a statistic per element: the result is an array (the default)
	ArrayPool     = "pool"     // all elements are samples of one statistic: the result is a scalar
	ArraySkip     = "skip"     // the field is left out
)

// ArrayRule says what becomes of the arrays that match. The first one that
// matches holds.
type ArrayRule struct {
	Pattern Pattern
	Mode    string
}

// Selection says which numeric fields are wanted.
type Selection struct {
	Include     []Pattern // empty: all
	Exclude     []Pattern // wins over Include
	Booleans    bool      // count as 0 and 1
	Arrays      []ArrayRule
	MaxElements int // longest array; a record with a longer one is an error. 0: DefaultMaxElements
	Time        TimeSelection
}

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
	takeBranches // the top of a schema that is a union: each branch is a place
)

// place is a place in the expanded schema: the tree that the decoder is
// compiled from.
type place struct {
	typ    *typ
	path   string
	take   take
	branch int      // of the union typ, the branch that is the array or record; -1 if typ is no union
	field  int      // takeScalar, takeArray: index in projection.fields
	inside []*place // takeRecord: its fields; takeBranches: the branches, nil for those without samples
}

// projection is the expanded schema with all its numeric fields, wanted or not.
type projection struct {
	root   *place
	fields []Field
	wanted []bool
	left   []LeftOut

	sel    Selection
	branch int            // of the top, counted from 1
	paths  map[string]int // the branch that has last had the path
	shapes map[shape]int  // index in fields
	onPath []*typ

	visited, branches, text int // what the limits hold
}

func project(s *Schema, sel Selection) (*projection, error) {
	for _, r := range sel.Arrays {
		if !slices.Contains([]string{ArrayElements, ArrayPool, ArraySkip}, r.Mode) {
			return nil, fmt.Errorf("array rule %s: mode %q is none of elements, pool, skip", r.Pattern, r.Mode)
		}
	}
	p := &projection{sel: sel, branch: 1, paths: map[string]int{}, shapes: map[shape]int{}}
	var err error
	if p.root, err = p.top(s.root); err == nil {
		err = p.limits() // of what was left out last
	}
	if err != nil {
		return nil, err
	}
	nameFields(p.fields)
	p.choose()
	return p, nil
}

func (p *projection) selected() []Field {
	var out []Field
	for i, f := range p.fields {
		if p.wanted[i] {
			out = append(out, f)
		}
	}
	return out
}

// choose applies the selection, which may name fields by their final names.
func (p *projection) choose() {
	p.wanted = make([]bool, len(p.fields))
	for i := range p.fields {
		f := &p.fields[i]
		if f.Array {
			p.arrayMode(f)
		}
		reason := ""
		if by, ok := matchAny(p.sel.Exclude, *f); ok {
			reason = fmt.Sprintf("excluded by %s", by)
		} else if _, ok := matchAny(p.sel.Include, *f); !ok && len(p.sel.Include) > 0 {
			reason = "not among the fields to include"
		} else if f.Array && p.skips(*f) {
			reason = "arrays of this name are skipped (fields.arrays)"
		}
		if p.wanted[i] = reason == ""; !p.wanted[i] {
			p.leave(f.Path, f.Type, reason)
		}
	}
}

func (p *projection) arrayMode(f *Field) {
	if r, ok := p.rule(*f); ok {
		f.Pool = r.Mode == ArrayPool
	}
}

func (p *projection) skips(f Field) bool {
	r, ok := p.rule(f)
	return ok && r.Mode == ArraySkip
}

func (p *projection) rule(f Field) (ArrayRule, bool) {
	for _, r := range p.sel.Arrays {
		if r.Pattern.Match(f) {
			return r, true
		}
	}
	return ArrayRule{}, false
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

// value decides what to do with a field of a record.
func (p *projection) value(t *typ, m *member, path, name string) (*place, error) {
	branches := t.branches
	if t.kind != kindUnion {
		branches = []*typ{t}
	}
	p.branches += len(t.branches)
	for _, b := range branches {
		if b.kind == kindArray {
			p.branches += len(b.elem.branches)
		}
	}
	if err := p.limits(); err != nil {
		return nil, err
	}
	scalar, real := false, false
	complexBranch, complexes := -1, 0
	for i, b := range branches {
		switch {
		case b.numeric(p.sel.Booleans):
			scalar = true
			real = real || (b.kind != kindInt && b.kind != kindLong && b.kind != kindBoolean)
		case b.kind == kindRecord || b.kind == kindArray:
			complexBranch = i
			complexes++
		}
	}
	union := t.kind == kindUnion
	switch {
	case scalar:
		p.others(t, path, func(i int) bool { return branches[i].numeric(p.sel.Booleans) })
		return p.add(t, takeScalar, -1, real, m, path, name), nil
	case complexes == 1:
		b := branches[complexBranch]
		if !union {
			complexBranch = -1
		}
		if b.kind == kindArray {
			real, why := p.elements(b.elem)
			if why != "" {
				p.leave(path, t.String(), why)
				return &place{typ: t, path: path}, nil
			}
			p.others(t, path, func(i int) bool { return i == complexBranch })
			p.others(b.elem, path+"[]", func(i int) bool { return b.elem.branches[i].numeric(p.sel.Booleans) })
			return p.add(t, takeArray, complexBranch, real, m, path, name), nil
		}
		p.others(t, path, func(i int) bool { return i == complexBranch })
		return p.record(t, b, path, name, complexBranch)
	case complexes > 1:
		p.leave(path, t.String(), "a union of several records or arrays has no fixed fields")
	default:
		p.leave(path, t.String(), p.whyNone(t))
	}
	return &place{typ: t, path: path}, nil
}

func (p *projection) whyNone(t *typ) string {
	for _, b := range t.branches {
		if b.kind != kindNull {
			return b.whyNot()
		}
	}
	if t.kind == kindUnion {
		return "null has no values"
	}
	return t.whyNot()
}

// others notes the branches of a union that count as null.
func (p *projection) others(t *typ, path string, taken func(int) bool) {
	for i, b := range t.branches {
		if b.kind != kindNull && !taken(i) && p.limits() == nil {
			p.leave(path, b.String(), "branch of a union that has another numeric branch: counts as null")
		}
	}
}

// elements checks that the elements of an array are samples.
func (p *projection) elements(t *typ) (real bool, why string) {
	branches := t.branches
	if t.kind != kindUnion {
		branches = []*typ{t}
	}
	some := false
	for _, b := range branches {
		if b.numeric(p.sel.Booleans) {
			some = true
			real = real || (b.kind != kindInt && b.kind != kindLong && b.kind != kindBoolean)
		}
	}
	if some {
		return real, ""
	}
	switch t.kind {
	case kindArray:
		return false, "arrays of arrays are not supported"
	case kindRecord:
		return false, "arrays of records are not supported"
	}
	return false, "array elements: " + p.whyNone(t)
}

func (p *projection) add(t *typ, tk take, branch int, real bool, m *member, path, name string) *place {
	if p.paths[path] == p.branch {
		// Only names that are not legal Avro can do this: a field called "a.b".
		p.leave(path, t.String(), "another field has the same path")
		return &place{typ: t, path: path}
	}
	p.paths[path] = p.branch
	f := Field{
		Name: name, Path: path, Type: t.String(), Array: tk == takeArray, Kind: stats.Integer,
		Units: cut(m.units, maxUnits), Doc: cut(m.doc, maxDoc),
	}
	if real {
		f.Kind = stats.Real
	}
	p.text += len(f.Type)
	return &place{typ: t, path: path, take: tk, branch: branch, field: p.field(f)}
}

// cut shortens text to at most n runes.
func cut(s string, n int) string {
	count := 0
	for i := range s {
		if count++; count > n {
			return s[:i] + "…"
		}
	}
	return s
}
