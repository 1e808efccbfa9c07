package codec

import "fmt"

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
