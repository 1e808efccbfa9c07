package config

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// EnvPrefix begins every environment variable of this program.
const EnvPrefix = "KAFKA_AGGREGATOR_"

// entry begins the path of each key inside an entry of "aggregations".
const entry = "aggregations[]."

// Key describes one key, or a section of keys.
type Key struct {
	Path    string   // kafka.brokers, aggregations[].window.size
	Section bool     // has keys below it and no value of its own
	Doc     string   // for people
	Values  []string // all values there are, nil if they cannot be listed
	Default string   // as it is written in a file
	Example string
	Env     string // environment variable; empty for a section
	Old     string // the predecessor's environment variable, if there was one
	Secret  bool   // never shown
	Scalar  string // section only: a plain value in place of the section sets this key of it

	kind reflect.Type
	zero any  // the default as JSON has it
	list bool // of a text: a list of texts means the same as one with commas

	overlay bool // of a map: names that are not written keep their values; numbers and truth values are texts
}

// Type is the key's type for people: text, number, whole number, yes or no, duration, list, map, section.
func (k Key) Type() string {
	switch {
	case k.Section && k.kind.Kind() == reflect.Slice:
		return "list of sections"
	case k.Section:
		return "section"
	}
	return typeName(k.kind)
}

func typeName(t reflect.Type) string {
	switch {
	case t == durationType:
		return "duration"
	case t.Kind() == reflect.String:
		return "text"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		return "whole number"
	case t.Kind() == reflect.Float64:
		return "number"
	case t.Kind() == reflect.Slice:
		return "list of texts"
	case t.Kind() == reflect.Map:
		return "map of texts"
	}
	panic("BUG: config: type without a name: " + t.String())
}

var durationType = reflect.TypeFor[time.Duration]()

// Keys lists all keys and sections in the order of the file.
func Keys() []Key { return slices.Clone(allKeys()) }

var allKeys = sync.OnceValue(buildKeys)

func buildKeys() []Key {
	byPath := make(map[string]description)
	for _, d := range descriptions() {
		if _, ok := byPath[d.path]; ok {
			panic("BUG: config: described twice: " + d.path)
		}
		byPath[d.path] = d
	}
	old := make(map[string]string)
	for _, p := range predecessor() {
		for _, path := range p.paths {
			old[path] = p.name
		}
	}
	var keys []Key
	var walk func(v reflect.Value, prefix string)
	walk = func(v reflect.Value, prefix string) {
		for i := range v.NumField() {
			f, field := v.Field(i), v.Type().Field(i)
			path := prefix + field.Tag.Get("yaml")
			d, ok := byPath[path]
			if !ok {
				panic("BUG: config: not described: " + path)
			}
			delete(byPath, path)
			k := Key{Path: path, Doc: d.doc, Values: d.values, Example: d.example, Secret: d.secret, Scalar: d.scalar, kind: field.Type, list: d.list, overlay: d.overlay}
			switch {
			case f.Kind() == reflect.Struct:
				k.Section = true
				keys = append(keys, k)
				walk(f, path+".")
				continue
			case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct:
				k.Section = true
				keys = append(keys, k)
				walk(reflect.ValueOf(newEntry(f.Type().Elem())), path+"[].")
				continue
			}
			k.Default, k.zero = format(f), f.Interface()
			if d, ok := k.zero.(time.Duration); ok {
				k.zero = FormatDuration(d)
			}
			if strings.Count(path, "[]") < 2 { // there is no name for a list in a list
				k.Env = EnvPrefix + envName(strings.TrimPrefix(path, entry))
			}
			k.Old = old[path]
			keys = append(keys, k)
		}
	}
	walk(reflect.ValueOf(*Default()), "")
	for path := range byPath {
		panic("BUG: config: described but not there: " + path)
	}
	return keys
}

// newEntry is what an entry of a list of sections starts from.
func newEntry(t reflect.Type) any {
	if t == reflect.TypeFor[Aggregation]() {
		return DefaultAggregation()
	}
	return reflect.Zero(t).Interface()
}

func envName(path string) string {
	return strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// Lookup finds a key by its path, with or without an index: both
// aggregations[].window.size and aggregations[2].window.size.
func Lookup(path string) (Key, bool) {
	path = indexes.ReplaceAllString(path, "[]")
	for _, k := range allKeys() {
		if k.Path == path {
			return k, true
		}
	}
	return Key{}, false
}
