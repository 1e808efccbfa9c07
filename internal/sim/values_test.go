//go:build synctests

package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"time"
)

// sample is a value of a field in a record. The zero sample is no value.
type sample struct {
	null    bool
	nan     bool
	inf     float64 // ±Inf, 0 if finite
	exact   *big.Rat
	real    float64 // nearest to it
	integer bool
}

// series is what a record says of a field: one sample, or an array's.
type series struct {
	array   bool
	samples []sample // none: null array, if null is true; of a pooled array, all
	null    bool
}

// flatten takes the numeric fields out of a decoded record.
func flatten(shape map[string]any, native any) map[string]series {
	out := map[string]series{}
	flattenInto(out, "", shape, native)
	return out
}

func flattenInto(out map[string]series, prefix string, shape map[string]any, native any) {
	for _, f := range shape["fields"].([]any) {
		field := f.(map[string]any)
		name := field["name"].(string)
		v := native.(map[string]any)[name]
		types, ok := field["type"].([]any)
		if !ok {
			types = []any{field["type"]}
		}
		for _, t := range types {
			switch t := t.(type) {
			case map[string]any:
				switch t["type"] {
				case "record":
					if m, ok := v.(map[string]any); ok {
						flattenInto(out, prefix+name+"_", t, m)
						continue
					}
					for _, f := range t["fields"].([]any) { // another branch
						out[prefix+name+"_"+f.(map[string]any)["name"].(string)] = series{samples: []sample{{null: true}}}
					}
				case "array":
					if items, ok := t["items"].(map[string]any); ok {
						pooled(out, prefix+name, items, v.([]any))
						continue
					}
					s := series{array: true, null: v == nil}
					if v != nil {
						for _, e := range v.([]any) {
							s.samples = append(s.samples, newSample(e))
						}
					}
					out[prefix+name] = s
				}
			case string:
				switch t {
				case "int", "long", "float", "double":
					out[prefix+name] = series{samples: []sample{newSample(v)}}
				}
			}
		}
	}
}

// pooled takes the values out of an array of records or of arrays.
func pooled(out map[string]series, name string, items map[string]any, elements []any) {
	if items["type"] == "array" {
		s := series{}
		for _, e := range elements {
			for _, v := range e.([]any) {
				s.samples = append(s.samples, newSample(v))
			}
		}
		out[name] = s
		return
	}
	for _, f := range items["fields"].([]any) {
		field := f.(map[string]any)["name"].(string)
		s := series{}
		for _, e := range elements {
			s.samples = append(s.samples, newSample(e.(map[string]any)[field]))
		}
		out[name+"_"+field] = s
	}
}

func newSample(v any) sample {
	switch v := v.(type) {
	case nil:
		return sample{null: true}
	case string, map[string]any: // another branch than the number
		return sample{null: true}
	case int:
		return sample{exact: new(big.Rat).SetInt64(int64(v)), real: float64(v), integer: true}
	case int32:
		return sample{exact: new(big.Rat).SetInt64(int64(v)), real: float64(v), integer: true}
	case int64:
		return sample{exact: new(big.Rat).SetInt64(v), real: float64(v), integer: true}
	case float32:
		return newSample(float64(v))
	case float64:
		switch {
		case math.IsNaN(v):
			return sample{nan: true}
		case math.IsInf(v, 0):
			return sample{inf: v, real: v}
		}
		return sample{exact: new(big.Rat).SetFloat64(v), real: v + 0} // -0 is 0
	}
	panic(fmt.Sprintf("sim: a number of type %T", v))
}

// values compares the fields of an aggregated record.
func (j *court) values(s shape, key string, end int64, ins []*input, got map[string]any) {
	size := s.size
	left := maps.Clone(got)
	check := func(name string, want any) {
		v, ok := left[name]
		delete(left, name)
		if t, isTime := v.(time.Time); isTime {
			v = t.UnixMilli()
		}
		if !ok || !same(v, want) {
			j.add("%s: %s is %v (%T), want %v", key, name, v, v, want)
		}
	}
	check("time", float64(2*end-size)/2000)
	check("window_start", end-size)
	check("window_end", end)
	check("window_size", float64(size)/1000)
	check("count", int64(len(ins)))

	needed := map[string]bool{} // fields of the records' schemas
	arrays := map[string]bool{}
	for _, in := range ins {
		for name, s := range in.samples {
			needed[name] = true
			arrays[name] = s.array
		}
	}
	// An aggregated schema may have fields of other schemas of the topic.
	for name, v := range got {
		for _, op := range operations {
			if f, ok := cutPrefix(name, op+"_"); ok && !needed[f] && f != "start" && f != "end" && f != "size" {
				_, isArray := v.([]any)
				arrays[f] = isArray
			}
		}
	}
	for _, field := range slices.Sorted(maps.Keys(arrays)) {
		if !needed[field] && !j.known(ins[0].topic, field) {
			j.add("%s: field %s comes from no schema of the topic", key, field)
		}
		if !arrays[field] {
			var list []timed
			for _, in := range ins {
				for _, s := range in.samples[field].samples {
					list = append(list, timed{s, in.ms})
				}
			}
			for op, want := range statistics(list) {
				if math.IsNaN(want) {
					check(op+"_"+field, nil)
				} else {
					check(op+"_"+field, want)
				}
			}
			continue
		}
		longest := 0
		for _, in := range ins {
			longest = max(longest, len(in.samples[field].samples))
		}
		want := map[string][]float64{}
		for e := range longest {
			var list []timed
			for _, in := range ins {
				switch s, ok := in.samples[field]; {
				case ok && s.null:
					list = append(list, timed{sample{null: true}, in.ms})
				case ok && e < len(s.samples):
					list = append(list, timed{s.samples[e], in.ms})
				}
			}
			for op, v := range statistics(list) {
				want[op] = append(want[op], v)
			}
		}
		for _, op := range operations {
			check(op+"_"+field, want[op])
		}
	}
	if len(left) > 0 {
		j.add("%s: fields that should not be there: %v", key, slices.Sorted(maps.Keys(left)))
	}
}

// known reports whether a schema of the topic's family has the field.
func (j *court) known(topic, field string) bool {
	all := j.fields[topic]
	if all == nil {
		all = map[string]bool{}
		for _, t := range j.plan.topics {
			if t.name == topic {
				texts := families[t.family][:]
				if t.again != nil {
					texts = append(texts, families[t.again.topic.family][:]...)
				}
				for _, text := range texts {
					for _, name := range fieldNames("", shapeOf(text)) {
						all[name] = true
					}
				}
			}
		}
		j.fields[topic] = all
	}
	return all[field]
}

// shapeOf reads the JSON of a record's schema.
func shapeOf(text string) (shape map[string]any) {
	if err := json.Unmarshal([]byte(text), &shape); err != nil {
		panic(err)
	}
	return shape
}

func fieldNames(prefix string, shape map[string]any) (names []string) {
	for _, f := range shape["fields"].([]any) {
		field := f.(map[string]any)
		name := prefix + field["name"].(string)
		types, ok := field["type"].([]any)
		if !ok {
			types = []any{field["type"]}
		}
		for _, t := range types {
			if t, ok := t.(map[string]any); ok {
				if items, ok := t["items"].(map[string]any); ok {
					t = items
				}
				if t["type"] == "record" {
					names = append(names, fieldNames(name+"_", t)...)
				}
			}
		}
		names = append(names, name)
	}
	return names
}

func cutPrefix(name, prefix string) (string, bool) {
	if len(name) > len(prefix) && name[:len(prefix)] == prefix {
		return name[len(prefix):], true
	}
	return "", false
}

// same compares a decoded value with what is wanted, NaN with NaN, and zeros
// with their sign.
func same(got, want any) bool {
	switch want := want.(type) {
	case nil:
		return got == nil
	case int64:
		return got == want
	case float64:
		v, ok := got.(float64)
		return ok && math.Float64bits(v) == math.Float64bits(want)
	case []float64:
		list, ok := got.([]any)
		return ok && slices.EqualFunc(list, want, func(g any, w float64) bool {
			v, ok := g.(float64)
			return ok && (math.IsNaN(v) && math.IsNaN(w) || math.Float64bits(v) == math.Float64bits(w))
		})
	}
	return false
}
