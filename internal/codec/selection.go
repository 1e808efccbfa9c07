package codec

import (
	"fmt"
	"slices"
)

// Modes of an ArrayRule.
const (
	ArrayElements = "elements" // a statistic per element: the result is an array (the default of arrays of numbers)
	ArrayPool     = "pool"     // all elements are samples of one statistic: the result is a scalar (the default of others)
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
	Enums       bool      // count as the index of the symbol
	Unsigned    []Pattern // longs that hold unsigned integers
	Arrays      []ArrayRule
	Maps        []ArrayRule // of maps: ArrayPool or ArraySkip, which is the default
	MapKeys     []string    // m.key: a field for the key of map m
	MaxElements int         // longest array; a record with a longer one is an error. 0: DefaultMaxElements
	Time        TimeSelection
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

func (sel *Selection) check() error {
	for _, r := range sel.Arrays {
		if !slices.Contains([]string{ArrayElements, ArrayPool, ArraySkip}, r.Mode) {
			return fmt.Errorf("array rule %s: mode %q is none of elements, pool, skip", r.Pattern, r.Mode)
		}
	}
	for _, r := range sel.Maps {
		if r.Mode != ArrayPool && r.Mode != ArraySkip {
			return fmt.Errorf("map rule %s: mode %q is none of pool, skip", r.Pattern, r.Mode)
		}
	}
	return nil
}

// mapped is true if values of a map are taken.
func (sel *Selection) mapped(path, name string) bool {
	if len(sel.keys(path)) > 0 {
		return true
	}
	r, ok := ruleOf(sel.Maps, Field{Path: path, Name: name})
	return ok && r.Mode == ArrayPool
}

// choose applies the selection, which may name fields by their final names.
func (p *projection) choose() {
	p.wanted = make([]bool, len(p.fields))
	for i := range p.fields {
		f, a := &p.fields[i], &p.about[i]
		reason := ""
		if f.Array {
			reason = p.sel.array(f, a)
		}
		if by, ok := matchAny(p.sel.Exclude, *f); ok {
			reason = fmt.Sprintf("excluded by %s", by)
		} else if _, ok := matchAny(p.sel.Include, *f); !ok && len(p.sel.Include) > 0 {
			reason = "not among the fields to include"
		}
		_, a.unsigned = matchAny(p.sel.Unsigned, *f)
		if p.wanted[i] = reason == ""; !p.wanted[i] {
			p.leave(f.Path, f.Type, reason)
		}
	}
}

// array says what becomes of the values of a field that come in arrays, or why it
// is left out.
func (sel *Selection) array(f *Field, a *about) (whyNot string) {
	mode := ArrayElements
	if a.inList {
		mode = ArrayPool
	}
	if r, ok := ruleOf(sel.Arrays, *f); ok {
		mode = r.Mode
	}
	f.Pool = mode == ArrayPool
	switch {
	case mode == ArraySkip:
		return "arrays of this name are skipped (fields.arrays)"
	case mode == ArrayElements && a.poolOnly:
		return "the values of arrays within arrays, and of maps, have no number of their own: they can be pooled (fields.arrays)"
	}
	return ""
}

func ruleOf(rules []ArrayRule, f Field) (ArrayRule, bool) {
	for _, r := range rules {
		if r.Pattern.Match(f) {
			return r, true
		}
	}
	return ArrayRule{}, false
}
