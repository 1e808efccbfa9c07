package config

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

var indexes = regexp.MustCompile(`\[[0-9]+\]`)

// locate finds the field of a path such as aggregations[0].window.size. It
// returns the invalid value if there is none.
func locate(cfg *Config, path string) reflect.Value {
	v := reflect.ValueOf(cfg).Elem()
	for _, part := range strings.Split(path, ".") {
		name, index, indexed := strings.Cut(part, "[")
		v = fieldByKey(v, name)
		if !v.IsValid() {
			return v
		}
		if indexed {
			i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
			if err != nil || v.Kind() != reflect.Slice || i < 0 || i >= v.Len() {
				return reflect.Value{}
			}
			v = v.Index(i)
		}
	}
	return v
}

func fieldByKey(v reflect.Value, key string) reflect.Value {
	if v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") == key {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

// parent cuts the last step off a path: a[0].b -> a[0] -> a -> "".
func parent(path string) string {
	if i := strings.LastIndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return ""
}
