package config

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
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
		return each(c, func(a *Aggregation) any {
			return []any{a.Name, a.Topics, a.AggregatedTopic, a.Partitions, a.AggregatedTopicConfig}
		})
	}},
	{"windows", func(c *Config) any {
		return each(c, func(a *Aggregation) any { return []any{a.Window, a.Windows, a.EmitEmpty} })
	}},
	{"fields", func(c *Config) any {
		return each(c, func(a *Aggregation) any { return a.Fields })
	}},
	{"statistics", func(c *Config) any {
		return each(c, func(a *Aggregation) any {
			return []any{a.Operations, a.Quantiles, a.ExactLimit, a.MinSampleSize, a.SmallSamples}
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

// fingerprints are of two bytes for each part.
var fingerprints = base64.RawURLEncoding.Strict()

// Fingerprint is that of the configuration.
func (c *Config) Fingerprint() Fingerprint {
	var b []byte
	for _, p := range parts {
		text, err := json.Marshal(p.of(c))
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
