package codec

import (
	"fmt"
	"strings"
)

// typeName is the full name of a record, enum or fixed.
type typeName struct{ namespace, name string }

// namedTypes are the named types of a schema and what refers to them.
type namedTypes struct {
	full  map[typeName]*typ
	short map[string]*typ // by name without namespace, nil if there are several
	open  []use           // of types that are not defined yet
}

// use is a place that names a type.
type use struct {
	name, namespace string // namespace of the place
	at              **typ
}

// add gives a type its name. If another one has it, that is returned.
func (n *namedTypes) add(t *typ) (other *typ) {
	if t.name == "" {
		return nil
	}
	key := typeName{t.namespace, t.name}
	if other = n.full[key]; other != nil {
		return other
	}
	n.full[key] = t
	if _, several := n.short[t.name]; several {
		n.short[t.name] = nil
	} else {
		n.short[t.name] = t
	}
	return nil
}

// refer puts the type of a name into *at, now or in resolve.
func (n *namedTypes) refer(name, ns string, at **typ) error {
	if len(name) > maxName {
		return fmt.Errorf("a type has a name of more than %d bytes", maxName)
	}
	if *at = n.find(name, ns); *at == nil {
		n.open = append(n.open, use{name, ns, at})
	}
	return nil
}

// find looks a name up: as a full name if it has a dot (.Z is Z without a
// namespace), else in the namespace of the place, and then without one.
func (n *namedTypes) find(name, ns string) *typ {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return n.full[typeName{name[:i], name[i+1:]}]
	}
	if t := n.full[typeName{ns, name}]; t != nil {
		return t
	}
	return n.full[typeName{"", name}]
}

// resolve finds the types that were named before they were defined. Where a
// name is in another namespace than it should, which older libraries write of
// types in a record without a namespace, the only type of that name is meant.
func (n *namedTypes) resolve() error {
	for _, u := range n.open {
		t := n.find(u.name, u.namespace)
		if t == nil {
			t = n.short[u.name[strings.LastIndexByte(u.name, '.')+1:]]
		}
		if t == nil {
			return fmt.Errorf("the type %q is not defined", u.name)
		}
		*u.at = t
	}
	return nil
}

// same reports whether two types of one name are read alike.
func (t *typ) same(u *typ) bool {
	if t.kind != u.kind || t.logical != u.logical || t.unsigned != u.unsigned || t.size != u.size || t.scale != u.scale || len(t.fields) != len(u.fields) {
		return false
	}
	for i := range t.fields {
		if t.fields[i].name != u.fields[i].name || !alike(t.fields[i].typ, u.fields[i].typ) {
			return false
		}
	}
	return true
}

// alike reports whether two types are read alike; of named ones by their
// names, since each has one meaning. nil is not known yet.
func alike(t, u *typ) bool {
	if t == nil || u == nil || t.kind != u.kind || t.logical != u.logical || t.unsigned != u.unsigned || t.scale != u.scale || len(t.branches) != len(u.branches) {
		return false
	}
	switch t.kind {
	case kindRecord, kindEnum, kindFixed, kindDecimalFixed, kindAnyDecimal:
		return t == u || t.name != "" && t.fullName() == u.fullName()
	case kindArray, kindMap:
		return alike(t.elem, u.elem)
	case kindUnion:
		for i := range t.branches {
			if !alike(t.branches[i], u.branches[i]) {
				return false
			}
		}
	}
	return true
}
