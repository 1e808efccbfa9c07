package codec

import (
	"errors"
	"fmt"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// valueName is what the only field of a schema is called that is a number.
const valueName = "value"

// top expands the top of a schema: a record, a number, or a union of such.
//
// A union is read branch by branch, as if its branches were schemas of a topic
// whose schema changes: the fields are those of all branches, and a record has
// those of the branch that it was written with. What has the same path in two
// branches is one field if both are numbers, of whatever type, or both are
// arrays; a number and an array are two fields, as Derive has it. A branch that
// is a number is the field value. Any other branch, such as null, is a record
// in which all fields are null.
func (p *projection) top(t *typ) (*place, error) {
	records, numbers := 0, 0
	s := p.sel.sampling(t)
	for _, b := range t.branches {
		switch {
		case b.kind == kindRecord:
			records++
		case s.takes(b):
			numbers++
		}
	}
	number := &member{units: unitsOf(t)}
	switch {
	case t.kind == kindRecord:
		return p.record(t, t, "", "", -1)
	case s.takes(t), numbers > 0 && records == 0:
		p.branches += len(t.branches)
		_, real := s.some(t)
		p.others(t, valueName, func(i int) bool { return s.takes(t.branches[i]) })
		return p.add(t, takeScalar, -1, real, number, valueName, valueName), p.limits()
	case t.kind == kindUnion && records > 0:
		return p.union(t, number)
	case t.kind == kindUnion:
		return nil, fmt.Errorf("schema is %s, with neither a record nor a number in it", t)
	}
	if t.kind == kindMap {
		return nil, errors.New("schema is neither a record nor a number: maps have no fixed fields")
	}
	return nil, fmt.Errorf("schema is neither a record nor a number: %s", t.whyNot())
}

// union expands a union with records at the top.
func (p *projection) union(t *typ, number *member) (*place, error) {
	pl := &place{typ: t, take: takeBranches, inside: make([]*place, len(t.branches))}
	p.branches += len(t.branches)
	s := p.sel.sampling(t)
	for i, b := range t.branches {
		if err := p.limits(); err != nil {
			return nil, err
		}
		p.branch = i + 1
		var err error
		switch {
		case b.kind == kindRecord:
			pl.inside[i], err = p.record(b, b, "", "", -1)
		case s.takes(b):
			pl.inside[i], err = p.value(b, number, valueName, valueName)
		case b.kind != kindNull:
			p.leave(valueName, b.String(), "branch of a union that has records: counts as a record without values")
		}
		if err != nil {
			return nil, err
		}
	}
	return pl, nil
}

// field is the index in p.fields of f. It may be there already from another
// branch; then it is real if it is real in one of them.
func (p *projection) field(f Field, a about) int {
	key := shape{path: f.Path, array: f.Array}
	i, ok := p.shapes[key]
	if !ok {
		i = len(p.fields)
		p.shapes[key] = i
		p.fields, p.about = append(p.fields, f), append(p.about, a)
		return i
	}
	is := &p.fields[i]
	if f.Kind == stats.Real && is.Kind != stats.Real {
		is.Kind, is.Type = f.Kind, f.Type
	}
	if is.Units == "" {
		is.Units = f.Units
	}
	if is.Doc == "" {
		is.Doc = f.Doc
	}
	is.Symbols = union(is.Symbols, f.Symbols)
	return i
}
