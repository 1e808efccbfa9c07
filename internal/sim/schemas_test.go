//go:build synctests

package sim

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/twmb/avro"
)

// families are source schemas, each with the one that it changes to.
var families = [][2]string{
	{
		`{"type":"record","name":"plain","fields":[{"name":"x","type":"double"},{"name":"n","type":"long"}]}`,
		`{"type":"record","name":"plain","fields":[{"name":"x","type":"double"},{"name":"n","type":"long"},{"name":"y","type":["null","float"],"default":null}]}`,
	}, {
		`{"type":"record","name":"nulls","fields":[{"name":"note","type":"string"},{"name":"a","type":["null","double"]},{"name":"i","type":["int","null"]}]}`,
		`{"type":"record","name":"nulls","fields":[{"name":"i","type":["int","null"]},{"name":"a","type":["null","double"]},{"name":"big","type":["null","long"],"default":null}]}`,
	}, {
		`{"type":"record","name":"arrays","fields":[{"name":"w","type":{"type":"array","items":"double"}},{"name":"on","type":"boolean"},{"name":"m","type":["null",{"type":"array","items":"int"}]}]}`,
		`{"type":"record","name":"arrays","fields":[{"name":"w","type":{"type":"array","items":"double"}},{"name":"k","type":{"type":"array","items":["null","float"]},"default":[]},{"name":"m","type":["null",{"type":"array","items":"int"}]}]}`,
	}, {
		`{"type":"record","name":"nested","fields":[{"name":"pos","type":{"type":"record","name":"pos","fields":[{"name":"lat","type":"float"},{"name":"alt","type":"long"}]}}]}`,
		`{"type":"record","name":"nested","fields":[{"name":"pos","type":{"type":"record","name":"pos","fields":[{"name":"lat","type":"float"},{"name":"alt","type":"long"},{"name":"err","type":["null","double"],"default":null}]}},{"name":"v","type":"double","default":0}]}`,
	}, {
		`{"type":"record","name":"lists","fields":[{"name":"cells","type":{"type":"array","items":{"type":"record","name":"cell","fields":[{"name":"x","type":["null","double"]},{"name":"n","type":"long"}]}}},{"name":"mix","type":["null","string","double"]}]}`,
		`{"type":"record","name":"lists","fields":[{"name":"grid","type":{"type":"array","items":{"type":"array","items":"int"}},"default":[]},{"name":"cells","type":{"type":"array","items":{"type":"record","name":"cell","fields":[{"name":"x","type":["null","double"]},{"name":"n","type":"long"},{"name":"y","type":"float","default":0}]}}},{"name":"mix","type":["null","string","double",{"type":"record","name":"range","fields":[{"name":"low","type":"double"}]}]}]}`,
	},
}

// generator makes values of a schema.
type generator struct {
	id     int
	schema *avro.Schema
	shape  any // of the schema's JSON
}

func newGenerator(id int, text string) *generator {
	g := &generator{id: id, schema: avro.MustParse(text)}
	if err := json.Unmarshal([]byte(text), &g.shape); err != nil {
		panic(err)
	}
	return g
}

// record is a record in the registry's wire format.
func (g *generator) record(rng *rand.Rand) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0}, uint32(g.id))
	b, err := g.schema.AppendEncode(b, value(g.shape, rng))
	if err != nil {
		panic(fmt.Sprintf("sim: encode: %v", err))
	}
	return b
}

// value makes a random value of a schema.
func value(shape any, rng *rand.Rand) any {
	switch s := shape.(type) {
	case []any:
		return value(s[rng.IntN(len(s))], rng)
	case map[string]any:
		switch s["type"] {
		case "record":
			m := map[string]any{}
			for _, f := range s["fields"].([]any) {
				field := f.(map[string]any)
				m[field["name"].(string)] = value(field["type"], rng)
			}
			return m
		case "array":
			list := make([]any, rng.IntN(4))
			for i := range list {
				list[i] = value(s["items"], rng)
			}
			return list
		}
		return value(s["type"], rng)
	}
	switch shape {
	case "null":
		return nil
	case "boolean":
		return rng.IntN(2) == 0
	case "string":
		return "note"
	case "int":
		return int32(rng.Uint32())
	case "long":
		if rng.IntN(3) == 0 {
			return int64(rng.Uint64()) // beyond what a double holds
		}
		return rng.Int64N(1000) - 500
	case "float":
		return float32(real64(rng))
	case "double":
		return real64(rng)
	}
	panic(fmt.Sprintf("sim: schema %v", shape))
}

func real64(rng *rand.Rand) float64 {
	switch rng.IntN(60) {
	case 0:
		return math.NaN()
	case 1:
		return math.Inf(1 - 2*rng.IntN(2))
	case 2:
		return math.Copysign(0, -1)
	case 3:
		return rng.NormFloat64() * 1e30
	}
	return math.Round(rng.NormFloat64()*1e6) / 1e3
}
