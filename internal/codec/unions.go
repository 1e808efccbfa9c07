package codec

import "strconv"

// expands is true if a branch of a union has fields of its own, which are taken
// beside the numbers of other branches.
func (p *projection) expands(branches []*typ, path, name string) bool {
	for _, b := range branches {
		if b.kind == kindRecord || p.beside(b, path, name) {
			return true
		}
	}
	return false
}

// beside is true for an array or map that can be taken beside numbers. An array of
// numbers cannot: it would be another field of the same path.
func (p *projection) beside(t *typ, path, name string) bool {
	switch t.kind {
	case kindArray:
		some, _ := p.sel.sampling(t.elem).some(t.elem)
		return !some && p.structured(t.elem)
	case kindMap:
		return p.sel.mapped(path, name)
	}
	return false
}

// several expands a union that has more than one kind of values: numbers, records,
// arrays. Each branch has its fields; where a record has another branch they are
// null. Fields of the only record have the path that they would have without the
// other branches. Where there are several records, their names stand in the paths:
// what is called alike in two of them need not be the same quantity.
func (p *projection) several(t *typ, s sampling, real bool, m *member, path, name string) (*place, error) {
	p.mixed++
	defer func() { p.mixed-- }()
	pl := &place{typ: t, path: path, take: takeBranches, branch: -1, inside: make([]*place, len(t.branches))}
	records := recordNames(t.branches)
	numbers := -1 // the field of all numbers
	some, _ := s.some(t)
	container := false // there is an array or map already
	for i, b := range t.branches {
		if err := p.limits(); err != nil {
			return nil, err
		}
		inside := b.kind == kindArray || b.kind == kindMap && p.sel.mapped(path, name)
		var err error
		switch {
		case s.takes(b):
			if numbers < 0 {
				p.mixed-- // numbers of such a union were always aggregated
				in := p.add(t, takeScalar, -1, real, m, path, name)
				if p.mixed++; in.take == takeNothing {
					continue
				}
				numbers = in.field
			}
			pl.inside[i] = &place{typ: b, path: path, take: takeScalar, branch: -1, field: numbers}
		case b.kind == kindRecord && p.tooMuch(b, len(path)+len(records[i])+1):
			p.leave(path, b.String(), tooMuch)
		case b.kind == kindRecord && len(records) > 1:
			pl.inside[i], err = p.record(b, b, path+"."+records[i], legalName(name+"_"+records[i]), -1)
		case b.kind == kindRecord:
			pl.inside[i], err = p.record(b, b, path, name, -1)
		case inside && !container && (!some || p.beside(b, path, name)):
			container = true
			pl.inside[i], err = p.container(b, b, -1, m, path, name)
		case b.kind != kindNull:
			p.leave(path, b.String(), "branch of a union that has another numeric branch: counts as null")
		}
		if err != nil {
			return nil, err
		}
	}
	return pl, nil
}

// recordNames are what the records of a union are called, by branch: their names,
// in full where two would be called alike.
func recordNames(branches []*typ) map[int]string {
	of := make(map[int]string)
	count := make(map[string]int)
	for i, b := range branches {
		if b.kind == kindRecord {
			of[i] = b.name
			count[b.name]++
		}
	}
	for i := range of {
		if b := branches[i]; b.name == "" {
			of[i] = strconv.Itoa(i)
		} else if count[b.name] > 1 {
			of[i] = b.fullName()
		}
	}
	return of
}
