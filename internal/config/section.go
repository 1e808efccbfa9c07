package config

import (
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// section sets the fields of the struct v from a map.
func (d *document) section(n ast.Node, v reflect.Value, path string) {
	d.places[path] = d.origin(n)
	d.merge(n, v, path, make(map[string]bool))
}

// merge sets what is not taken yet: first the map's own keys, then those of
// the maps that it merges in. A key replaces the merged one as a whole. Maps
// may merge themselves, or grow by powers; so there is an end to it.
func (d *document) merge(n ast.Node, v reflect.Value, path string, taken map[string]bool) {
	pairs, ok := d.pairs(n, path)
	if !ok {
		return
	}
	own := make(map[string]bool)
	for _, p := range pairs {
		if !d.more(p.Key, path) {
			return
		}
		if _, ok := p.Key.(*ast.MergeKeyNode); ok {
			continue
		}
		name, ok := textOf(d.plain(p.Key))
		if !ok {
			d.problem(p.Key, path, "", "%s is not a key", kindOf(d.plain(p.Key)))
			continue
		}
		child := join(path, name)
		if own[name] {
			d.problem(p.Key, child, "keep one of them", "written twice")
			continue
		}
		own[name] = true
		if taken[name] {
			continue
		}
		taken[name] = true
		f := fieldByKey(v, name)
		if !f.IsValid() {
			d.problem(p.Key, child, suggest(v.Type(), path, name), "unknown key")
			continue
		}
		d.value(p.Value, f, child)
	}
	for _, p := range pairs {
		if _, ok := p.Key.(*ast.MergeKeyNode); !ok {
			continue
		}
		if d.merges++; d.merges >= maxMerges {
			if d.merges == maxMerges {
				d.problem(p.Key, path, "merge fewer maps", "more than %d maps are merged", maxMerges)
			}
			return
		}
		if list, ok := d.plain(p.Value).(*ast.SequenceNode); ok {
			for _, item := range list.Values {
				if !d.more(item, path) {
					return
				}
				d.merge(item, v, path, taken)
			}
			continue
		}
		d.merge(p.Value, v, path, taken)
	}
}

// pairs are the entries of a map. No value at all is an empty map.
func (d *document) pairs(n ast.Node, path string) ([]*ast.MappingValueNode, bool) {
	switch t := d.plain(n).(type) {
	case *ast.MappingNode:
		return t.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{t}, true
	case *ast.NullNode:
		return nil, true
	default:
		hint := "write key: value"
		if k := sectionKey(path); k.Scalar != "" {
			k, _ = Lookup(join(path, k.Scalar))
			hint = "write for example " + k.Example
		}
		d.problem(n, path, hint, "want a map, not %s", kindOf(t))
		return nil, false
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// suggest says what might have been meant by an unknown key: a sibling with a
// similar name, or a key of another section.
func suggest(t reflect.Type, path, name string) string {
	siblings := make([]string, t.NumField())
	for i := range siblings {
		siblings[i] = t.Field(i).Tag.Get("yaml")
	}
	if s, ok := Nearest(name, siblings); ok {
		return "did you mean " + s + "?"
	}
	for _, k := range allKeys() {
		flat := strings.NewReplacer(entry, "", ".", "_").Replace(k.Path)
		if strings.EqualFold(flat, name) || strings.HasSuffix(k.Path, "."+strings.ToLower(name)) {
			return "did you mean " + k.Path + "?"
		}
	}
	return "keys here are " + strings.Join(siblings, ", ")
}

// value sets one field of whatever type from a node. No value keeps the default.
func (d *document) value(n ast.Node, v reflect.Value, path string) {
	node := d.plain(n)
	if _, null := node.(*ast.NullNode); null {
		d.origins[path] = d.origin(n)
		return
	}
	switch {
	case v.Kind() == reflect.Struct:
		if _, ok := textOf(node); ok || isFalse(node) {
			if k := sectionKey(path); k.Scalar != "" {
				d.shorthand(n, v, path, k.Scalar)
				return
			}
		}
		d.section(n, v, path)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		d.entries(n, v, path)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path)
	case v.Kind() == reflect.Map:
		d.texts(n, v, path)
	default:
		d.origins[path] = d.origin(n)
		if _, ok := node.(*ast.SequenceNode); ok && isList(path) {
			d.joined(n, v, path)
			return
		}
		d.scalar(n, v, path)
	}
}

func isList(path string) bool {
	k, _ := Lookup(path)
	return k.list
}

// joined reads a list of texts as one text with commas.
func (d *document) joined(n ast.Node, v reflect.Value, path string) {
	var items []string
	d.list(n, reflect.ValueOf(&items).Elem(), path)
	v.SetString(strings.Join(items, ","))
}

// shorthand reads a plain value in place of a section, as in "http: off".
func (d *document) shorthand(n ast.Node, v reflect.Value, path, key string) {
	path = join(path, key)
	d.origins[path] = d.origin(n)
	f := fieldByKey(v, key)
	if isFalse(d.plain(n)) && f.Kind() == reflect.String {
		f.SetString("off")
		return
	}
	d.scalar(n, f, path)
}

// sectionKey describes a section, or the entries of a list of sections.
func sectionKey(path string) Key {
	if strings.HasSuffix(path, "]") {
		path = path[:strings.LastIndex(path, "[")]
	}
	k, _ := Lookup(path)
	return k
}

func isFalse(n ast.Node) bool {
	b, ok := n.(*ast.BoolNode)
	return ok && !b.Value
}

// entries reads a list of sections, each from the defaults of an entry.
func (d *document) entries(n ast.Node, v reflect.Value, path string) {
	list, ok := d.plain(n).(*ast.SequenceNode)
	if !ok {
		k, _ := Lookup(path)
		d.problem(n, path, "begin each entry with a dash, as in "+k.Example, "want a list, not %s", kindOf(d.plain(n)))
		return
	}
	d.places[path] = d.origin(n)
	all := reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values))
	for i, item := range list.Values {
		if !d.more(item, path) {
			return
		}
		all.Index(i).Set(reflect.ValueOf(newEntry(v.Type().Elem())))
		d.value(item, all.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
	v.Set(all)
}

// list reads a list of texts.
func (d *document) list(n ast.Node, v reflect.Value, path string) {
	d.origins[path] = d.origin(n)
	list, ok := d.plain(n).(*ast.SequenceNode)
	if !ok {
		hint := "write it in brackets"
		if s, ok := textOf(d.plain(n)); ok {
			hint = "write [" + quote(s) + "]"
		}
		d.problem(n, path, hint, "want a list, not %s", kindOf(d.plain(n)))
		return
	}
	items := make([]string, len(list.Values))
	for i, item := range list.Values {
		if !d.more(item, path) {
			return
		}
		at := fmt.Sprintf("%s[%d]", path, i)
		d.origins[at] = d.origin(item)
		d.scalar(item, reflect.ValueOf(&items[i]).Elem(), at)
	}
	v.Set(reflect.ValueOf(items))
}

// texts reads a map of texts.
func (d *document) texts(n ast.Node, v reflect.Value, path string) {
	d.origins[path] = d.origin(n)
	pairs, ok := d.pairs(n, path)
	if !ok {
		return
	}
	k, _ := Lookup(path)
	m := make(map[string]string, len(pairs))
	if k.overlay {
		maps.Copy(m, v.Interface().(map[string]string))
	}
	for _, p := range pairs {
		if !d.more(p.Key, path) {
			return
		}
		name, ok := textOf(d.plain(p.Key))
		if !ok {
			d.problem(p.Key, path, "put it into quotes", "%s is not a name", kindOf(d.plain(p.Key)))
			continue
		}
		var text string
		at := path + "[" + name + "]"
		d.origins[at] = d.origin(p.Value)
		node := d.plain(p.Value)
		number, isNumber := numberOrTruth(node)
		_, null := node.(*ast.NullNode)
		switch {
		case k.overlay && null:
			continue // keeps its value
		case k.overlay && isNumber:
			text = number
		default:
			d.scalar(p.Value, reflect.ValueOf(&text).Elem(), at)
		}
		m[name] = text
	}
	v.Set(reflect.ValueOf(m))
}
