package config

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// FileEnv names the configuration file where no flag does.
const FileEnv = EnvPrefix + "CONFIG"

// orchestrator matches what Kubernetes sets in every pod for a service that is
// called kafka-aggregator. None of it is ours.
var orchestrator = regexp.MustCompile(`^(?:SERVICE_HOST|SERVICE_PORT(?:_.*)?|PORT(?:_[0-9]+_.*)?)$`)

var indexedEnv = regexp.MustCompile(`^AGGREGATIONS_([0-9]+)_(.+)$`)

// environment sets what the variables KAFKA_AGGREGATOR_… say. A key of an
// aggregation has two names: KAFKA_AGGREGATOR_WINDOW_SIZE is for the one and
// only aggregation, KAFKA_AGGREGATOR_AGGREGATIONS_0_WINDOW_SIZE for the first
// of several.
func (l *loading) environment(environ []string) {
	short, nested := make(map[string]Key), make(map[string]Key)
	for _, k := range allKeys() {
		if k.Env == "" {
			continue
		}
		name := strings.TrimPrefix(k.Env, EnvPrefix)
		short[name] = k
		if strings.HasPrefix(k.Path, entry) {
			nested[name] = k
		}
	}
	for _, pair := range slices.Sorted(slices.Values(environ)) {
		variable, text, _ := strings.Cut(pair, "=")
		name, ours := strings.CutPrefix(variable, EnvPrefix)
		if !ours || variable == FileEnv || orchestrator.MatchString(name) {
			continue
		}
		o := Origin{Env: variable}
		if k, ok := short[name]; ok {
			l.setOnly(k, o, text)
			continue
		}
		if m := indexedEnv.FindStringSubmatch(name); m != nil {
			if k, ok := nested[m[2]]; ok {
				l.set(strings.Replace(k.Path, "[]", "["+m[1]+"]", 1), o, text)
				continue
			}
			name = m[2]
		}
		warning := fmt.Sprintf("environment variable %s is none of this program's", variable)
		if s, ok := Nearest(name, slices.Sorted(keysOf(short))); ok {
			warning += "; did you mean " + EnvPrefix + s + "?"
		}
		l.warnings = append(l.warnings, warning)
	}
}

func keysOf(m map[string]Key) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range m {
			if !yield(name) {
				return
			}
		}
	}
}

// setOnly sets a key that has no index: of an aggregation only if there is one.
func (l *loading) setOnly(k Key, o Origin, text string) {
	path := k.Path
	if strings.HasPrefix(path, entry) {
		if n := len(l.cfg.Aggregations); n != 1 {
			hint := ""
			if o.Env != "" {
				hint = "write " + EnvPrefix + "AGGREGATIONS_0_" + envName(strings.TrimPrefix(path, entry)) + " for the first"
			}
			l.found = append(l.found, problemf(o, path, hint, "there are %d aggregations; which one is meant?", n))
			return
		}
		path = strings.Replace(path, "[]", "[0]", 1)
	}
	l.set(path, o, text)
}

// set sets one key from a text.
func (l *loading) set(path string, o Origin, text string) {
	v := locate(l.cfg, path)
	if !v.IsValid() {
		l.found = append(l.found, problemf(o, path, "", "there are %d aggregations, counted from 0", len(l.cfg.Aggregations)))
		return
	}
	for at := range l.origins { // what was known of the parts of an older value
		if strings.HasPrefix(at, path+"[") {
			delete(l.origins, at)
		}
	}
	l.origins[path] = o
	k, _ := Lookup(path)
	before := v.Interface()
	err := setText(v, text)
	if err == nil && k.overlay {
		all := make(map[string]string)
		maps.Copy(all, before.(map[string]string))
		maps.Copy(all, v.Interface().(map[string]string))
		v.Set(reflect.ValueOf(all))
	}
	if err != nil {
		hint := ""
		if k.Example != "" {
			hint = "write for example " + strings.Trim(k.Example, "[]{}'")
		}
		l.found = append(l.found, problemf(o, path, hint, "%v", err))
	}
}
