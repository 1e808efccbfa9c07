//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// Schemas as instruments have them: many values in arrays, nothing but
// nullable fields, records in records.
func TestShapes(t *testing.T) {
	s := stack.New(t)
	start := time.Now().Add(-2 * time.Minute).Truncate(time.Second)
	for _, shape := range []struct {
		topic, schema string
		record        func(r *rand.Rand) map[string]any
	}{
		{"shapes-wide", wideSchema(), wideRecord},
		{"shapes-nullable", nullableSchema(), nullableRecord},
		{"shapes-nested", nestedSchema, nestedRecord},
	} {
		const windows, perWindow, partitions = 40, 30, 3
		s.Create(partitions, shape.topic)
		from := s.Source(shape.topic, shape.schema)
		random := rand.New(rand.NewPCG(1, 2))
		var records []*kgo.Record
		for k := range windows * perWindow {
			at := start.Add(time.Duration(k) * time.Second / perWindow)
			records = append(records, from.Record(int32(k%partitions), at, shape.record(random)))
		}
		s.Produce(records...)
	}
	worker := s.Start("worker", "worker", "-c", s.Config("^shapes-[a-z]+$"), "--stop-at-end")
	worker.Wait(time.Minute)
	v := s.Oracle("^shapes-[a-z]+$", "--expect-windows", "120")
	if v.Aggregated != 120 {
		t.Errorf("%d aggregated records, want 120", v.Aggregated)
	}
	if least := 40 * 7 * (800 + 20 + 10); v.Values < least {
		t.Errorf("%d values compared, want at least %d", v.Values, least)
	}
}

// lengths of the seven arrays of the wide record; with 58 scalars 800 values.
var lengths = []int{156, 156, 120, 100, 78, 72, 60}

const scalars = 58

func wideSchema() string {
	var fields []string
	for i := range lengths {
		fields = append(fields, fmt.Sprintf(`{"name":"force%d","type":{"type":"array","items":"float"},"units":"N"}`, i))
	}
	for i := range scalars {
		fields = append(fields, fmt.Sprintf(`{"name":"scalar%d","type":%q}`, i, []string{"float", "double", "int", "long"}[i%4]))
	}
	return record("wide", fields)
}

func record(name string, fields []string) string {
	return fmt.Sprintf(`{"type":"record","name":%q,"fields":[%s]}`, name, strings.Join(fields, ","))
}

func wideRecord(r *rand.Rand) map[string]any {
	m := map[string]any{}
	for i, n := range lengths {
		forces := make([]float32, n)
		for j := range forces {
			forces[j] = float32(r.NormFloat64() * 1000)
		}
		if r.IntN(10) == 0 {
			forces[r.IntN(n)] = float32(math.NaN())
		}
		m[fmt.Sprintf("force%d", i)] = forces
	}
	for i := range scalars {
		m[fmt.Sprintf("scalar%d", i)] = []any{float32(r.Float64()), r.NormFloat64(), int32(r.Uint32()), int64(r.Uint64())}[i%4]
	}
	return m
}

func nullableSchema() string {
	var fields []string
	for i := range 20 {
		fields = append(fields, fmt.Sprintf(`{"name":"x%d","type":["null","double"],"default":null}`, i))
	}
	return record("nullable", fields)
}

// nullableRecord has null ever more often: never in x0, always in x19.
func nullableRecord(r *rand.Rand) map[string]any {
	m := map[string]any{}
	for i := range 20 {
		m[fmt.Sprintf("x%d", i)] = nil
		if r.IntN(19) >= i {
			m[fmt.Sprintf("x%d", i)] = []float64{r.NormFloat64(), 1e9 + r.Float64()*1e-3, math.NaN(), math.Inf(1)}[min(r.IntN(60), 3)%(1+3*(i%2))]
		}
	}
	return m
}

const nestedSchema = `{"type":"record","name":"nested","fields":[
	{"name":"name","type":"string"},
	{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
	{"name":"on","type":"boolean"},
	{"name":"mode","type":{"type":"enum","name":"mode","symbols":["A","B"]}},
	{"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":12,"scale":3}},
	{"name":"tags","type":{"type":"map","values":"double"}},
	{"name":"mixed","type":["null","string","int","double"]},
	{"name":"inner","type":{"type":"record","name":"pair","fields":[
		{"name":"x","type":"double"},
		{"name":"deep","type":{"type":"record","name":"deep","fields":[
			{"name":"big","type":"long"},
			{"name":"list","type":{"type":"array","items":["null","int"]}}]}}]}},
	{"name":"maybe","type":["null","pair"],"default":null},
	{"name":"points","type":{"type":"array","items":"pair"}}
]}`

func nestedRecord(r *rand.Rand) map[string]any {
	m := map[string]any{
		"name": "n", "at": time.Now(), "on": r.IntN(2) == 0, "mode": "B",
		"price": big.NewRat(int64(r.IntN(1_000_000)), 1000), "tags": map[string]any{"a": 1.0},
		"mixed": []any{nil, "text", int32(r.IntN(10)), r.Float64()}[r.IntN(4)],
		"inner": pair(r), "maybe": nil, "points": []any{pair(r), pair(r)},
	}
	if r.IntN(3) > 0 {
		m["maybe"] = pair(r)
	}
	return m
}

func pair(r *rand.Rand) map[string]any {
	list := make([]any, r.IntN(5))
	for i := range list {
		if r.IntN(4) > 0 {
			list[i] = int32(r.Uint32())
		}
	}
	return map[string]any{"x": r.NormFloat64(), "deep": map[string]any{"big": int64(r.Uint64()), "list": list}}
}
