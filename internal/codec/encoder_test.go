package codec

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/twmb/avro"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// TestEncoder reads back with the library what the encoder wrote.
func TestEncoder(t *testing.T) {
	for seed := range uint64(100) {
		r := newRand(seed)
		a := derive(t, nil, randomFields(r), []string{"min", "mean", "p99.9"}[:1+r.IntN(3)]...)
		s := avro.MustParse(a.Text)
		nops := len(a.Operations) + r.IntN(2)
		slots := r.Perm(len(a.Fields) + 2)[:len(a.Fields)]
		if r.IntN(2) == 0 {
			for i := range slots {
				slots[i] = i
			}
		}
		res := &Results{Scalars: make([]float64, nops*(len(slots)+2)), Arrays: make([][]float64, nops*(len(slots)+2))}
		for i := range res.Scalars {
			res.Scalars[i] = []float64{r.NormFloat64(), math.Inf(1), stats.NaN, stats.Null, math.Copysign(0, -1)}[r.IntN(5)]
			for range r.IntN(4) {
				res.Arrays[i] = append(res.Arrays[i], []float64{r.NormFloat64(), stats.Absent}[r.IntN(2)])
			}
		}
		for i := range slots {
			if r.IntN(4) == 0 {
				slots[i] = -1
			}
		}
		h := Head{Time: 1.5, Start: 1000, End: 2000, Size: 1, Count: r.Int64N(1e6)}
		e := NewEncoder(a, 77, slots, nops)
		b := e.Append([]byte("before"), h, res)
		if string(b[:6]) != "before" || b[6] != 0 || binary.BigEndian.Uint32(b[7:]) != 77 {
			t.Fatalf("header % x", b[:11])
		}
		var v any
		rest, err := s.Decode(b[11:], &v)
		if err != nil || len(rest) > 0 {
			t.Fatalf("seed %d: %v, %d bytes left", seed, err, len(rest))
		}
		m := v.(map[string]any)
		if m["time"] != 1.5 || m["window_size"] != 1.0 || m["count"] != h.Count ||
			!m["window_start"].(time.Time).Equal(time.UnixMilli(1000)) || !m["window_end"].(time.Time).Equal(time.UnixMilli(2000)) {
			t.Fatalf("head %v", m)
		}
		for i, f := range a.Fields {
			for j, op := range a.Operations {
				got, at := m[op.FieldName()+"_"+f.Name], slots[i]*nops+j
				if f.Array && !f.Pool {
					var want []float64
					if slots[i] >= 0 {
						want = res.Arrays[at]
					}
					if !sameElements(got.([]any), want) {
						t.Fatalf("seed %d: %s is %v, want %v", seed, f.Name, got, want)
					}
				} else if slots[i] < 0 || math.IsNaN(res.Scalars[at]) {
					if got != nil {
						t.Fatalf("seed %d: %s is %v, want null", seed, f.Name, got)
					}
				} else if x, ok := got.(float64); !ok || math.Float64bits(x) != math.Float64bits(res.Scalars[at]) {
					t.Fatalf("seed %d: %s is %v, want %v", seed, f.Name, got, res.Scalars[at])
				}
			}
		}
	}
}

func sameElements(got []any, want []float64) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range want {
		w := want[i]
		if math.IsNaN(w) {
			w = stats.NaN
		}
		if math.Float64bits(got[i].(float64)) != math.Float64bits(w) {
			return false
		}
	}
	return true
}
