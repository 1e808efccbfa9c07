package agent

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// BenchmarkStamps is a record of a time and 10 doubles, at 1000 Hz, on its way through windows
// of a second with the seven operations of the default: by its timestamp in Kafka, and
// by the time in its field.
func BenchmarkStamps(b *testing.B) {
	field, next := Stamping{ID: 1, Fields: []string{"time"}}, Stamping{ID: 1, Fields: []string{"missing", "time"}}
	const double, nullable, millis = `"double"`, `["null","double"]`, `{"type":"long","logicalType":"timestamp-millis"}`
	for _, c := range []struct {
		name, typ string
		stamping  Stamping
	}{
		{"double/kafka", double, Stamping{}}, {"double/field", double, field}, {"double/second", double, next},
		{"nullable/kafka", nullable, Stamping{}}, {"nullable/field", nullable, field},
		{"millis/kafka", millis, Stamping{}}, {"millis/field", millis, field},
	} {
		b.Run(c.name, func(b *testing.B) {
			fields := []string{`{"name":"time","type":` + c.typ + `}`}
			for i := range 10 {
				fields = append(fields, fmt.Sprintf(`{"name":"f%d","type":"double"}`, i))
			}
			source := mustParse(`{"type":"record","name":"r","fields":[` + strings.Join(fields, ",") + `]}`)
			time, err := codec.ParsePattern("time")
			if err != nil {
				b.Fatal(err)
			}
			sel := codec.Selection{Exclude: []codec.Pattern{time}}
			sel.Time = codec.TimeSelection{Fields: c.stamping.Fields, TAI: true}
			taken, _, err := codec.Project(source, sel)
			if err != nil {
				b.Fatal(err)
			}
			var ops []stats.Operation
			for _, name := range []string{"min", "q1", "mean", "median", "stdev", "q3", "max"} {
				op, err := stats.ParseOperation(name)
				if err != nil {
					b.Fatal(err)
				}
				ops = append(ops, op)
			}
			schema, err := codec.Derive("t-aggregated", "t", nil, taken, ops, stats.Exclusive)
			if err != nil {
				b.Fatal(err)
			}
			decoder, err := codec.NewDecoder(source, sel, schema)
			if err != nil {
				b.Fatal(err)
			}
			a := New("t", Settings{Grid: window.TumblingGrid(second), MaxFutureSkew: math.MaxInt64 / 4, Confirm: Confirm, ExactLimit: 100_000, Needs: stats.NeedsOf(ops, stats.Options{}), Stamping: c.stamping})
			a.AddVersion(0, Version{Schema: schema, SchemaID: 7, Encoder: codec.NewEncoder(schema, 7, upTo(len(taken)), len(ops))})
			computer := NewComputer(ops, stats.Options{MinSampleSize: 2})
			a.SetPartitions(1, false)
			p := a.Assign(0, 0, Fresh(0))
			rng := rand.New(rand.NewPCG(1, 2))
			const records = 100_000 // as many bodies as do not fit a cache, with the times of 100 s
			bodies := make([][]byte, records)
			for i := range bodies {
				t := 1_700_000_000 + float64(i)/1000
				switch c.typ {
				case nullable:
					bodies[i] = append(bodies[i], 2)
					fallthrough
				case double:
					bodies[i] = binary.LittleEndian.AppendUint64(bodies[i], math.Float64bits(t))
				case millis:
					bodies[i] = binary.AppendVarint(bodies[i], int64(t*1000))
				}
				for range taken {
					bodies[i] = binary.LittleEndian.AppendUint64(bodies[i], math.Float64bits(20+rng.NormFloat64()))
				}
			}
			plan := &Plan{Decoder: decoder, Versions: []int{0}}
			b.ReportAllocs()
			o := int64(0)
			var ws []Window
			for b.Loop() {
				i := o % records
				if i == 0 && o > 0 { // time goes on
					a.Revoke(0)
					a = New("t", a.set)
					a.AddVersion(0, Version{Schema: schema, SchemaID: 7, Encoder: codec.NewEncoder(schema, 7, upTo(len(taken)), len(ops))})
					a.SetPartitions(1, false)
					p = a.Assign(0, o, Fresh(o))
				}
				if _, err := p.Add(o, 0, 1_700_000_000*second+i*second/1000, math.MaxInt64/2, plan, bodies[i]); err != nil {
					b.Fatal(err)
				}
				if o++; o%1000 == 0 {
					ws = a.Close(a.Watermark(busy, math.MaxInt64), ws[:0])
					for _, w := range ws {
						computer.Compute(a, w)
						a.Release(w)
					}
				}
			}
		})
	}
}
