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

// BenchmarkShapes is a record of 10 doubles on its way through the windows, at
// 100 Hz, with the seven operations of the default.
func BenchmarkShapes(b *testing.B) {
	tumbling := window.Tumbling
	for _, c := range []struct {
		name   string
		shapes []window.Shape
	}{
		{"1s", []window.Shape{tumbling(second)}},
		{"1s,10s,1m", []window.Shape{tumbling(second), tumbling(10 * second), tumbling(60 * second)}},
		{"10s", []window.Shape{tumbling(10 * second)}},
		{"1m", []window.Shape{tumbling(60 * second)}},
		{"1m every 10s", []window.Shape{{Size: 60 * second, Advance: 10 * second}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var fields []string
			for i := range 10 {
				fields = append(fields, fmt.Sprintf(`{"name":"f%d","type":"double"}`, i))
			}
			source := mustParse(`{"type":"record","name":"r","fields":[` + strings.Join(fields, ",") + `]}`)
			taken, _, err := codec.Project(source, codec.Selection{})
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
			decoder, err := codec.NewDecoder(source, codec.Selection{}, schema)
			if err != nil {
				b.Fatal(err)
			}
			a := New("t", Settings{Grid: grid(c.shapes...), MaxFutureSkew: math.MaxInt64 / 4, Confirm: Confirm, ExactLimit: 100_000, Needs: stats.NeedsOf(ops, stats.Options{})})
			var computers []*Computer
			for output := range c.shapes {
				a.AddVersion(output, Version{Schema: schema, SchemaID: 7, Encoder: codec.NewEncoder(schema, 7, upTo(len(taken)), len(ops))})
				computers = append(computers, NewComputer(ops, stats.Options{MinSampleSize: 2}))
			}
			a.SetPartitions(1, false)
			p := a.Assign(0, 0, Fresh(0))
			rng := rand.New(rand.NewPCG(1, 2))
			bodies := make([][]byte, 1000)
			for i := range bodies {
				for range taken {
					bodies[i] = binary.LittleEndian.AppendUint64(bodies[i], math.Float64bits(20+rng.NormFloat64()))
				}
			}
			plan := &Plan{Decoder: decoder, Versions: make([]int, len(c.shapes))}
			b.ReportAllocs()
			o := int64(0)
			var ws []Window
			for b.Loop() {
				t := 1_000_000*second + o*second/100
				if _, err := p.Add(o, 0, t, math.MaxInt64/2, plan, bodies[o%1000]); err != nil {
					b.Fatal(err)
				}
				if o++; o%100 == 0 {
					ws = a.Close(a.Watermark(busy, math.MaxInt64), ws[:0])
					for _, w := range ws {
						computers[w.Output].Compute(a, w)
						a.Release(w)
					}
				}
			}
		})
	}
}
