package config

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"slices"
)

// Fingerprint tells configurations apart by what they decide of results, part by
// part: what it takes for the workers of a group to notice that they differ. It is
// 16 characters of text without blanks.
type Fingerprint string

// parts of a configuration that are told apart, in the order of a fingerprint's.
var parts = []struct {
	name string
	of   func(*Config) any
}{
	{"topics", func(c *Config) any {
		return []any{c.SchemaRegistry.Context, c.AggregatedSchemaRegistry.Context, each(c, func(a *Aggregation) any {
			t := Filter{slices.Sorted(slices.Values(a.Topics.Include)), slices.Sorted(slices.Values(a.Topics.Exclude))}
			return []any{t, a.Partitions, a.AggregatedTopicConfig, eachOutput(a, func(o Output) any { return o.AggregatedTopic })}
		})}
	}},
	{"windows", func(c *Config) any {
		return each(c, func(a *Aggregation) any {
			w := a.Window
			all := []any{w.Grace, w.IdleAfter, w.MaxFutureSkew, eachOutput(a, func(o Output) any { return []any{o.Size, o.Advance, o.EmitEmpty} })}
			if e := a.EventTime.meaning(); e != nil { // earlier releases had none
				all = append(all, e)
			}
			return all
		})
	}},
	{"fields and framing", func(c *Config) any {
		return each(c, func(a *Aggregation) any {
			f := a.Fields
			for _, list := range []*[]string{&f.Include, &f.Exclude, &f.Unsigned, &f.MapKeys} { // in any order
				*list = slices.Sorted(slices.Values(*list))
			}
			if f.Enums == "skip" { // as what other releases do
				f.Enums = ""
			}
			return struct { // flat, so that one without a framing is as those that know none
				FieldSettings
				Framing Framing
			}{f, a.Framing}
		})
	}},
	{"statistics", func(c *Config) any {
		return each(c, func(a *Aggregation) any {
			return []any{a.Quantiles, a.ExactLimit, a.SmallSamples, eachOutput(a, func(o Output) any { return []any{o.Operations, o.MinSampleSize} })}
		})
	}},
	{"late and bad records", func(c *Config) any {
		return []any{c.DeadLetterTopic, each(c, func(a *Aggregation) any { return a.Late })}
	}},
	{"delivery", func(c *Config) any {
		return []any{c.Worker.Delivery, each(c, func(a *Aggregation) any { return a.MaxWorkers })}
	}},
}

func each(c *Config, of func(*Aggregation) any) (out []any) {
	for i := range c.Aggregations {
		out = append(out, of(&c.Aggregations[i]))
	}
	return out
}

func eachOutput(a *Aggregation, of func(Output) any) (out []any) {
	for _, o := range a.Outputs() {
		out = append(out, of(o))
	}
	return out
}

// meaning is a value without what says nothing: settings that are not set, empty lists.
// So it does not matter how they are written, nor that another release has more of them.
func meaning(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, x := range v {
			if x = meaning(x); x == nil {
				delete(v, key)
			} else {
				v[key] = x
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
		for i := range v {
			v[i] = meaning(v[i])
		}
	case string, float64, bool:
		if v == "" || v == 0.0 || v == false {
			return nil
		}
	}
	return v
}

// fingerprints are of two bytes for each part.
var fingerprints = base64.RawURLEncoding.Strict()

// Fingerprint is that of the configuration.
func (c *Config) Fingerprint() Fingerprint {
	var b []byte
	for _, p := range parts {
		var v any
		text, err := json.Marshal(p.of(c))
		if err == nil {
			err = json.Unmarshal(text, &v)
		}
		if err == nil {
			text, err = json.Marshal(meaning(v))
		}
		if err != nil {
			panic(err) // numbers, texts, lists and maps of these
		}
		h := fnv.New32a()
		h.Write(text)
		sum := h.Sum32()
		b = binary.BigEndian.AppendUint16(b, uint16(sum>>16^sum))
	}
	return Fingerprint(fingerprints.EncodeToString(b))
}

// Differs names the parts in which the other configuration differs: none if it is
// equal, or of a version that tells other parts apart.
func (f Fingerprint) Differs(other Fingerprint) (names []string) {
	a, err := fingerprints.DecodeString(string(f))
	b, err2 := fingerprints.DecodeString(string(other))
	if err != nil || err2 != nil || len(a) != len(b) {
		return nil
	}
	for i, p := range parts {
		if a[2*i] != b[2*i] || a[2*i+1] != b[2*i+1] {
			names = append(names, p.name)
		}
	}
	return names
}
