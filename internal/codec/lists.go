package codec

import "fmt"

// container expands an array or a map that is t, or a branch of it. An array of
// numbers is one field. Of any other, each element is a place of its own, whose
// fields have arrays of values: those of all elements, one after the other.
func (p *projection) container(t, b *typ, branch int, m *member, path, name string) (*place, error) {
	nothing := &place{typ: t, path: path}
	if b.kind == kindArray {
		s := p.sel.sampling(b.elem)
		some, real := s.some(b.elem)
		if some {
			p.others(b.elem, path+"[]", func(i int) bool { return s.takes(b.elem.branches[i]) })
			return p.add(t, takeArray, branch, real, m, path, name), nil
		}
		if !p.structured(b.elem) {
			p.leave(path, t.String(), "array elements: "+p.whyNone(b.elem))
			return nothing, nil
		}
	} else if keys := p.sel.keys(path); len(keys) > 0 {
		return p.keys(t, b, branch, m, keys, path, name), nil
	} else if !p.sel.mapped(path, name) {
		p.leave(path, t.String(), "maps count only when asked for (fields.maps)")
		return nothing, nil
	}
	if p.lists >= MaxDepth {
		p.leave(path, t.String(), fmt.Sprintf("arrays and maps within each other deeper than %d levels", MaxDepth))
		return nothing, nil
	}
	if p.tooMuch(b.elem, len(path)) {
		p.leave(path, t.String(), tooMuch)
		return nothing, nil
	}
	inside := path + "[]"
	p.lists++
	if b.kind == kindMap {
		inside = path + "{}"
		p.maps++
	}
	in, err := p.value(b.elem, m, inside, name)
	p.lists--
	if b.kind == kindMap {
		p.maps--
	}
	if err != nil {
		return nil, err
	}
	return &place{typ: t, path: path, take: takeList, branch: branch, inside: []*place{in}}, nil
}

// structured is true if values of t may have something in them.
func (p *projection) structured(t *typ) bool {
	for _, b := range t.types() {
		if b.kind == kindRecord || b.kind == kindArray || b.kind == kindMap {
			return true
		}
	}
	return false
}
