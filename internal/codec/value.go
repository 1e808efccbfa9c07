package codec

import (
	"fmt"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// types are the types that a value of t may have: the branches of a union, or t.
func (t *typ) types() []*typ {
	if t.kind == kindUnion {
		return t.branches
	}
	return []*typ{t}
}

// sampling says which of the types of a value are samples. Symbols of enums are
// only where the value has no numbers: an index among them would mean nothing.
type sampling struct{ booleans, enums bool }

func (sel *Selection) sampling(t *typ) sampling {
	s := sampling{booleans: sel.Booleans}
	for _, b := range t.types() {
		if b.numeric(s.booleans) {
			return s
		}
	}
	s.enums = sel.Enums
	return s
}

func (s sampling) takes(t *typ) bool {
	return t.numeric(s.booleans) || s.enums && t.kind == kindEnum && t.size <= maxSymbols
}

// some is true if a value of t may be a sample, and real if that may be no integer.
func (s sampling) some(t *typ) (some, real bool) {
	for _, b := range t.types() {
		if s.takes(b) {
			some = true
			real = real || b.kind != kindInt && b.kind != kindLong && b.kind != kindBoolean && b.kind != kindEnum
		}
	}
	return some, real
}

// value decides what to do with a field of a record, or an element.
func (p *projection) value(t *typ, m *member, path, name string) (*place, error) {
	branches := t.types()
	p.branches += len(t.branches)
	for _, b := range branches {
		if b.kind == kindArray {
			p.branches += len(b.elem.branches)
		}
	}
	if err := p.limits(); err != nil {
		return nil, err
	}
	s := p.sel.sampling(t)
	some, real := s.some(t)
	inside, at := 0, -1 // branches with something in them, and the last one of these
	for i, b := range branches {
		if b.kind == kindRecord || b.kind == kindArray || b.kind == kindMap && p.sel.mapped(path, name) {
			inside, at = inside+1, i
		}
	}
	switch {
	case some && !p.expands(branches, path, name):
		p.others(t, path, func(i int) bool { return s.takes(branches[i]) })
		return p.add(t, takeScalar, -1, real, m, path, name), nil
	case some || inside > 1:
		return p.several(t, s, real, m, path, name)
	case inside == 1:
		b := branches[at]
		p.others(t, path, func(i int) bool { return i == at })
		if t.kind != kindUnion {
			at = -1
		}
		return p.within(t, b, at, m, path, name)
	}
	p.leave(path, t.String(), p.whyNone(t))
	return &place{typ: t, path: path}, nil
}

// within expands an array, map or record that is t, or a branch of it.
func (p *projection) within(t, b *typ, branch int, m *member, path, name string) (*place, error) {
	if b.kind == kindRecord {
		return p.record(t, b, path, name, branch)
	}
	return p.container(t, b, branch, m, path, name)
}

func (p *projection) whyNone(t *typ) string {
	for _, b := range t.types() {
		if b.kind != kindNull {
			return b.whyNot()
		}
	}
	return "null has no values"
}

// others notes the branches of a union that count as null.
func (p *projection) others(t *typ, path string, taken func(int) bool) {
	for i, b := range t.branches {
		if b.kind != kindNull && !taken(i) && p.limits() == nil {
			p.leave(path, b.String(), "branch of a union that has another numeric branch: counts as null")
		}
	}
}

// add notes a field: a value, or an array of them.
func (p *projection) add(t *typ, tk take, branch int, real bool, m *member, path, name string) *place {
	if p.paths[path] == p.branch {
		// Only names that are not legal Avro can do this: a field called "a.b".
		p.leave(path, t.String(), "another field has the same path")
		return &place{typ: t, path: path}
	}
	of := t // what a sample is of
	if tk == takeArray {
		if branch >= 0 {
			of = t.branches[branch]
		}
		of = of.elem
	}
	symbols, ok := p.symbols(of)
	if !ok {
		p.leave(path, t.String(), fmt.Sprintf("the symbols of the schema's enums are longer than %d bytes", maxSymbolBytes))
		return &place{typ: t, path: path}
	}
	p.paths[path] = p.branch
	f := Field{
		Name: name, Path: path, Type: t.String(), Array: tk == takeArray || p.lists > 0, Kind: stats.Integer,
		Units: cut(m.units, maxUnits), Doc: cut(m.doc, maxDoc), Symbols: symbols,
	}
	if real {
		f.Kind = stats.Real
	}
	a := about{inList: p.lists > 0, poolOnly: p.maps > 0 || p.lists > 1 || tk == takeArray && p.lists > 0}
	if p.lists+p.mixed > 0 {
		a.named = 1
	}
	p.text += len(f.Type)
	return &place{typ: t, path: path, take: tk, branch: branch, field: p.field(f, a)}
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
