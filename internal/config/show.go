package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Setting is the effective value of one key.
type Setting struct {
	Path   string // with indexes: aggregations[0].window.size
	Value  string // as it is written in a file; secrets are hidden
	Origin Origin
}

// hidden stands for a secret.
const hidden = "'(hidden)'"

// Settings lists all effective values in the order of the file.
func (l *Loaded) Settings() []Setting {
	var list []Setting
	l.walk(func(path string, _ Key, value string) {
		if value != "" {
			list = append(list, Setting{path, value, l.Origin(path)})
		}
	})
	return list
}

// YAML is the effective configuration as a file, with the origin of each
// value as a comment. Secrets are hidden.
func (l *Loaded) YAML() string {
	var b strings.Builder
	begun := map[string]bool{} // entries of lists
	l.walk(func(path string, k Key, value string) {
		cut := strings.LastIndex(path, ".")
		owner, name := path[:max(0, cut)], path[cut+1:]
		indent := strings.Repeat("  ", strings.Count(path, ".")+strings.Count(path, "[")) // entries stand one level deeper
		if strings.HasSuffix(owner, "]") && !begun[owner] {
			begun[owner] = true
			indent = indent[2:] + "- "
		}
		switch {
		case k.Section && value == "":
			fmt.Fprintf(&b, "%s%s:\n", indent, name)
		default:
			fmt.Fprintf(&b, "%-60s # %s\n", indent+name+": "+value, l.Origin(path))
		}
	})
	return b.String()
}

// walk visits all keys of the configuration; value is empty for a section.
func (l *Loaded) walk(visit func(path string, k Key, value string)) {
	var walk func(v reflect.Value, prefix string)
	walk = func(v reflect.Value, prefix string) {
		for i := range v.NumField() {
			path := prefix + v.Type().Field(i).Tag.Get("yaml")
			k, _ := Lookup(path)
			f := v.Field(i)
			switch {
			case k.Section && f.Kind() == reflect.Slice && f.Len() == 0:
				visit(path, k, "[]")
			case k.Section && f.Kind() == reflect.Slice:
				visit(path, k, "")
				for j := range f.Len() {
					walk(f.Index(j), fmt.Sprintf("%s[%d].", path, j))
				}
			case k.Section:
				visit(path, k, "")
				walk(f, path+".")
			case k.Secret && f.String() != "":
				visit(path, k, hidden)
			default:
				visit(path, k, format(f))
			}
		}
	}
	walk(reflect.ValueOf(*l.Config), "")
}
