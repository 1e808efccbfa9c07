package codec

import "github.com/lsst-sqre/kafka-aggregator/internal/stats"

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
