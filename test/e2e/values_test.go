//go:build e2e

package e2e

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

const valuesSchema = `{"type":"record","name":"values","fields":[
	{"name":"mixed","type":["null","string","boolean","int","double",{"type":"enum","name":"Fault","symbols":["OPEN","SHORT"]},
		{"type":"record","name":"Range","fields":[{"name":"low","type":"double"},{"name":"high","type":["null","float"]}]}]},
	{"name":"reading","type":[{"type":"record","name":"Warm","fields":[{"name":"v","type":"double"},{"name":"who","type":"string"}]},
		{"type":"record","name":"Cold","fields":[{"name":"v","type":"float"},{"name":"n","type":"long"}]}]},
	{"name":"cells","type":{"type":"array","items":{"type":"record","name":"Cell","fields":[
		{"name":"volts","type":["null","double"]},{"name":"count","type":"long"},{"name":"label","type":"string"},
		{"name":"taps","type":{"type":"array","items":"float"}}]}}},
	{"name":"legs","type":{"type":"array","items":["null",{"type":"record","name":"Leg","fields":[{"name":"load","type":"double"}]}]}},
	{"name":"matrix","type":{"type":"array","items":{"type":"array","items":"double"}}},
	{"name":"latencies","type":{"type":"map","values":"double"}},
	{"name":"limits","type":["null",{"type":"map","values":"Range"}]},
	{"name":"state","type":{"type":"enum","name":"State","symbols":["OFF","ON","STUCK"]}},
	{"name":"on","type":"boolean"},
	{"name":"octets","type":"long"},
	{"name":"packets","type":{"type":"long","logicalType":"uint64"}},
	{"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":30,"scale":6,"connect.name":"org.apache.kafka.connect.data.Decimal"}},
	{"name":"fixed","type":{"type":"fixed","name":"Money","size":12,"logicalType":"decimal","precision":20,"scale":4}},
	{"name":"exact","type":["null",{"type":"record","name":"VariableScaleDecimal","namespace":"io.debezium.data","connect.name":"io.debezium.data.VariableScaleDecimal",
		"fields":[{"name":"scale","type":"int"},{"name":"value","type":"bytes"}]}]},
	{"name":"changed","type":{"type":"long","connect.name":"io.debezium.time.MicroTimestamp"}},
	{"name":"day","type":["null",{"type":"int","connect.name":"org.apache.kafka.connect.data.Date"}]}
]}`

func valuesRecord(r *rand.Rand, large bool) map[string]any {
	real := func() float64 { return math.Round(r.NormFloat64()*1e6) / 1e3 }
	limit := func() map[string]any {
		return map[string]any{"low": real(), "high": []any{nil, float32(r.Float64())}[r.IntN(2)]}
	}
	m := map[string]any{
		"mixed":   []any{nil, "text", true, int32(r.IntN(100)), real(), map[string]any{"Fault": "SHORT"}, map[string]any{"Range": limit()}}[r.IntN(7)],
		"reading": []any{map[string]any{"Warm": map[string]any{"v": real(), "who": "me"}}, map[string]any{"Cold": map[string]any{"v": float32(real()), "n": int64(r.Uint64())}}}[r.IntN(2)],
		"state":   []string{"OFF", "ON", "STUCK"}[r.IntN(3)], "on": r.IntN(2) == 0,
		"octets": int64(r.Uint64() >> 1), "packets": int64(r.Uint64() >> 1), "price": big.NewRat(r.Int64(), 1_000_000), "fixed": big.NewRat(r.Int64()>>12, 10_000),
		"exact": nil, "changed": time.Now().UnixMicro(), "day": []any{nil, int32(20_000)}[r.IntN(2)], "limits": nil,
	}
	if large { // the upper half of what 64 bits hold
		m["octets"], m["packets"] = int64(r.Uint64()|1<<63), int64(r.Uint64()|1<<63)
	}
	if r.IntN(3) > 0 {
		m["exact"] = map[string]any{"scale": int32(r.IntN(12) - 4), "value": binary.BigEndian.AppendUint64(nil, r.Uint64())}
		m["limits"] = map[string]any{"a": limit(), "b": limit()}
	}
	cells, legs, matrix, latencies := []any{}, []any{}, []any{}, map[string]any{}
	for range r.IntN(4) {
		cells = append(cells, map[string]any{"volts": []any{nil, real()}[r.IntN(2)], "count": int64(r.Uint64()), "label": "c", "taps": []float32{float32(r.Float64()), 2}[:r.IntN(3)]})
		legs = append(legs, []any{nil, map[string]any{"load": real()}}[r.IntN(2)])
		matrix = append(matrix, []float64{real(), math.NaN(), real()}[:r.IntN(4)])
		latencies[fmt.Sprint("host", r.IntN(9))] = real()
	}
	m["cells"], m["legs"], m["matrix"], m["latencies"] = cells, legs, matrix, latencies
	return m
}

// TestValues: every kind of value, as the settings of examples/values.yaml have them.
func TestValues(t *testing.T) {
	s := stack.New(t)
	const windows, perWindow, partitions = 40, 30, 3
	start := time.Now().Add(-2 * time.Minute).Truncate(time.Second)
	s.Create(partitions, "values")
	from := s.Source("values", valuesSchema)
	random := rand.New(rand.NewPCG(3, 4))
	var records []*kgo.Record
	for k := range windows * perWindow {
		at := start.Add(time.Duration(k) * time.Second / perWindow)
		records = append(records, from.Record(int32(k%partitions), at, valuesRecord(random, k/perWindow%2 == 0)))
	}
	s.Produce(records...)
	config := s.Config("^values$", "    fields: {booleans: true, enums: index, unsigned: [octets], maps: {/./: pool}, arrays: {legs: elements}}")
	worker := s.Start("worker", "worker", "-c", config, "--stop-at-end")
	worker.Wait(time.Minute)
	v := s.Oracle("^values$", "--expect-windows", "40", "--kinds", "booleans,enums,maps", "--unsigned", "octets", "--by-element", "legs[].load")
	if v.Aggregated != windows || v.Bad > 0 {
		t.Errorf("%d aggregated records, %d bad ones, want %d", v.Aggregated, v.Bad, windows)
	}
	if least := windows * 7 * 23; v.Values < least {
		t.Errorf("%d values compared, want at least %d", v.Values, least)
	}
}
