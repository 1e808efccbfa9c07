package agent

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

const talliesSource = `{"type":"record","name":"r","fields":[
	{"name":"x","type":"double"},
	{"name":"often_null","type":["null","double"]},
	{"name":"few","type":"int"},
	{"name":"stamp","type":"long"},
	{"name":"list","type":{"type":"array","items":"double"}}]}`

// talliesRun feeds the same records to an agent with some shapes of windows, and
// calls do with what is closed and a computer for each shape and lane, now and
// then.
func talliesRun(t *testing.T, operations string, limit int, do func(a *Agent, ws []Window, lanes [2][]*Computer), shapes ...window.Shape) {
	t.Helper()
	source := mustParse(talliesSource)
	fields, _, err := codec.Project(source, codec.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	var ops []stats.Operation
	for name := range strings.FieldsSeq(operations) {
		op, err := stats.ParseOperation(name)
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op)
	}
	opts := stats.Options{MinSampleSize: 2}
	schema, err := codec.Derive("t-aggregated", "t", nil, fields, ops, stats.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := codec.NewDecoder(source, codec.Selection{}, schema)
	if err != nil {
		t.Fatal(err)
	}
	a := New("t", Settings{Grid: grid(shapes...), MaxFutureSkew: math.MaxInt64 / 4, ExactLimit: limit, Needs: stats.NeedsOf(ops, opts)})
	var lanes [2][]*Computer
	for output := range shapes {
		a.AddVersion(output, Version{Schema: schema, SchemaID: 7, Encoder: codec.NewEncoder(schema, 7, upTo(len(fields)), len(ops))})
		for lane := range lanes {
			lanes[lane] = append(lanes[lane], NewComputer(ops, opts))
		}
	}
	a.SetPartitions(2, false)
	parts := []*Partition{a.Assign(0, 0, Fresh(0)), a.Assign(1, 0, Fresh(0))}
	plan := &Plan{Decoder: decoder, Versions: make([]int, len(shapes))}
	encode := avro.MustParse(talliesSource)
	rng := rand.New(rand.NewPCG(6, 1))
	var offsets [2]int64
	for at := int64(960); at < 1210; at++ {
		for i, p := range parts {
			rows := 40 + 30*i // enough for tallies on average
			switch {
			case at%17 == 0:
				rows = 10
			case at%61 == 0:
				rows = 200 // folded
			}
			for row := range rows {
				values := map[string]any{"x": math.Sin(float64(at)/20) + 0.01*rng.NormFloat64(), "often_null": nil, "few": int32(rng.IntN(3)), "stamp": int64(rng.IntN(1000)), "list": []float64{rng.Float64(), rng.Float64()}}
				switch rng.IntN(30) {
				case 0, 1, 2:
					values["often_null"] = rng.NormFloat64()
				case 3:
					values["x"] = math.NaN()
				case 4:
					if at%7 == 0 {
						values["stamp"] = at*second + 1 // no double is this
					}
				}
				body, err := encode.Encode(values)
				if err != nil {
					t.Fatal(err)
				}
				if v, err := p.Add(offsets[i], 0, at*second+int64(row), math.MaxInt64/2, plan, body); v != Accepted {
					t.Fatal(v, err)
				}
				offsets[i]++
			}
		}
		if at%25 == 0 {
			do(a, a.Close(a.Watermark(busy, math.MaxInt64), nil), lanes)
		}
	}
	do(a, a.Close(a.CloseAll(), nil), lanes)
	for _, p := range parts {
		p.Check()
	}
}

// Windows that share slices are computed of tallies, in several goroutines,
// and have the bytes of windows that are alone.
func TestTallies(t *testing.T) {
	three := []window.Shape{window.Tumbling(second), window.Tumbling(10 * second), window.Tumbling(60 * second)}
	for _, c := range []struct {
		operations string
		limit      int
		shapes     []window.Shape
	}{
		{"min q1 mean median stdev q3 max", 0, three},
		{"min q1 mean median stdev q3 max", 0, []window.Shape{{Size: 60 * second, Advance: 5 * second}}},
		{"samples nulls nans sum rms p99 mad kurtosis first last slope range", 0, three},
		{"min median stdev", 150, three[:1]}, // and twice, see below
	} {
		// Of tumbling windows of one size the slices are the windows.
		alone := map[[2]int64]Result{}
		for _, shape := range three {
			talliesRun(t, c.operations, c.limit, func(a *Agent, ws []Window, lanes [2][]*Computer) {
				for _, w := range ws {
					r := lanes[0][0].Compute(a, w)
					alone[[2]int64{r.Start, shape.Size}] = r
					for _, p := range w.panes {
						if p.tallies.rows > 0 {
							t.Fatal("windows that share nothing are tallied")
						}
					}
					a.Release(w)
				}
			}, shape)
		}
		if len(c.shapes) == 1 && c.limit > 0 {
			c.shapes = append(c.shapes, c.shapes...)
		}
		compared, panes, tallied := 0, map[*pane]bool{}, 0
		talliesRun(t, c.operations, c.limit, func(a *Agent, ws []Window, lanes [2][]*Computer) {
			for _, w := range ws {
				for _, p := range w.panes {
					panes[p] = true
				}
			}
			results := make([]Result, len(ws))
			var group sync.WaitGroup
			for lane := range 2 {
				group.Go(func() {
					for i := lane; i < len(ws); i += 2 {
						results[i] = lanes[lane][ws[i].Output].Compute(a, ws[i])
					}
				})
			}
			group.Wait()
			for p := range panes {
				if k := &p.tallies; k.rows > 0 {
					tallied++
					with, size := p.size(), k.size
					if k.size = 0; k.rows != p.rows || with-p.size() != size || size < int64(p.rows*2) {
						t.Errorf("tallies of %d rows with %d bytes, want %d rows", k.rows, size, p.rows)
					}
					k.size = size
				}
			}
			clear(panes)
			for i, r := range results {
				if want, found := alone[[2]int64{r.Start, r.End - r.Start}]; found {
					compared++
					if !bytes.Equal(r.Value, want.Value) || r.Approximation.String() != want.Approximation.String() {
						t.Errorf("%q: the window of %d s at %d differs from that which is alone", c.operations, (r.End-r.Start)/second, r.Start/second)
					}
				}
				a.Release(ws[i])
			}
		}, c.shapes...)
		if compared < 4 || tallied < 100 {
			t.Errorf("%v: %d windows compared, %d panes tallied", c.shapes, compared, tallied)
		}
	}
}
