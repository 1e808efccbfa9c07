package codec

// weight is how much a value of a type adds to what is limited (limits).
type weight struct {
	fields, branches, depth int
	text                    int // bytes of the paths of the fields, as if that of the value were empty
}

const tooMuch = "with what is in it the schema would have too many fields, names or levels"

// tooMuch is true if what is in an array, or in one of several records of a union,
// would bring a schema beyond a limit that is within it without that. Then this is
// left out, and not the schema refused: it was not always looked at.
func (p *projection) tooMuch(t *typ, path int) bool {
	w := p.weigh(t)
	return len(p.onPath)+w.depth > MaxDepth || p.visited+w.fields > MaxFields || p.branches+w.branches > maxBranches || p.text+w.text+w.fields*path > maxPaths
}

const heavy = 1 << 30 // where weights saturate

func (w *weight) add(o weight) {
	w.depth = max(w.depth, o.depth)
	w.fields, w.branches, w.text = min(w.fields+o.fields, heavy), min(w.branches+o.branches, heavy), min(w.text+o.text, heavy)
}

// weigh is the weight of a type, each of which is weighed once.
func (p *projection) weigh(t *typ) weight {
	switch t.kind {
	case kindRecord, kindArray, kindMap, kindUnion:
	default:
		return weight{}
	}
	if w, ok := p.weights[t]; ok {
		return w // none, as long as it is being weighed: it contains itself
	}
	p.weights[t] = weight{}
	var w weight
	switch t.kind {
	case kindRecord:
		for i := range t.fields {
			in, name := p.weigh(t.fields[i].typ), len(t.fields[i].name)+len(".[]")
			in.text = min(in.text+name*(in.fields+1), heavy)
			in.fields++
			w.add(in)
		}
		w.depth++
	case kindUnion:
		w.branches = len(t.branches)
		for _, b := range t.branches {
			w.add(p.weigh(b))
		}
	default:
		w = p.weigh(t.elem)
		w.branches += len(t.elem.branches)
	}
	p.weights[t] = w
	return w
}
