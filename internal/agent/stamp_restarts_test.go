package agent

import (
	"encoding/binary"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// stampedRecord has its time in one of two fields, in s; NaN stands for null.
type stampedRecord struct {
	kafka int64 // ns
	a, b  float64
}

func (r stampedRecord) body() (out []byte) {
	for _, v := range []float64{r.a, r.b} {
		if v != v {
			out = append(out, 0)
			continue
		}
		out = binary.LittleEndian.AppendUint64(append(out, 2), math.Float64bits(v))
	}
	return binary.LittleEndian.AppendUint64(out, math.Float64bits(1))
}

// TestRestartsWithFields runs random histories of records that have their time in fields, some
// of which are ahead of the clock when they are read for the first time, and are not any more
// when they are read again after a crash. Each record has the same time whenever it is read, and is
// in the windows of that time, or in none if it was not.
func TestRestartsWithFields(t *testing.T) {
	const skew = 5 * second
	replayed, ahead, bad := 0, 0, int64(0)
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 5))
		set := Settings{Grid: anyGrid(rng), Grace: rng.Int64N(60) * second, IdleAfter: 1000 * second, MaxFutureSkew: skew}
		if rng.IntN(2) == 0 {
			set.Confirm = Confirm
		}
		set.Stamping = Stamping{ID: 7, Fields: []string{"a", "b"}, Strict: rng.IntN(3) == 0}
		logs := make([][]stampedRecord, 1+rng.IntN(3))
		const begin = 1_000_000 * second
		arrives := func(offset int64) int64 { return begin + offset*second/5 }
		for p := range logs {
			for o := range int64(50 + rng.IntN(250)) {
				now := arrives(o)
				at := func() float64 { // a time near to now, or too far ahead, or none
					t := now - rng.Int64N(2*second)
					switch rng.IntN(8) {
					case 0:
						return math.NaN()
					case 1:
						t = now + rng.Int64N(6*skew)
					}
					return float64(t/1e6) / 1000
				}
				logs[p] = append(logs[p], stampedRecord{kafka: now + rng.Int64N(2*second)*4, a: at(), b: at()})
			}
		}
		held := make([]committed, len(logs))
		times, out := map[place]int64{}, map[string]int64{}
		clock := begin
		for life, crashes := 0, rng.IntN(8); ; life++ {
			r := rigOf(t, set, len(logs), "sum")
			var parts []*Partition
			for i := range logs {
				c := Fresh(held[i].offset)
				if held[i].text != "" {
					var err error
					if c, err = DecodeCheckpoint(held[i].text); err != nil {
						t.Fatal(err)
					}
				}
				parts = append(parts, r.agent.Assign(int32(i), held[i].offset, c))
			}
			clock += rng.Int64N(4 * skew) // it was away
			fresh := map[place]int64{}
			more, crash := true, false
			for more && !crash {
				more = false
				for i, p := range parts {
					for range rng.IntN(20) {
						o := p.Position()
						if o == int64(len(logs[i])) {
							break
						}
						rec := logs[i][o]
						clock = max(clock, arrives(o))
						v, err := p.Add(o, 0, rec.kafka, clock, &Plan{Decoder: r.decoder}, rec.body())
						if (err != nil) != (v == Bad) && v != Replayed {
							t.Fatal(v, err)
						}
						key := place{int32(i), o}
						time := p.Time()
						if v != Accepted {
							time = NoTime
						}
						if o >= p.Head() {
							fresh[key] = time
							if v == Bad {
								bad++
							}
							continue
						}
						replayed++
						if was := times[key]; time != NoTime && was != time || time == NoTime && was != NoTime && p.needed(set.Grid.Start(was)) {
							t.Fatalf("seed %d: %v had the time %d and has %d (verdict %d), %+v at clock %d", seed, key, was, time, v, rec, clock)
						}
						if rec.a*1e9 > float64(time) && time != NoTime {
							ahead++
						}
					}
					more = more || p.Position() < int64(len(logs[i]))
				}
				results := r.closeAt(busy, clock)
				if crash = life < crashes && rng.IntN(8) == 0; crash {
					break
				}
				for _, w := range results {
					out[string(w.Key)] += w.Count
				}
				maps.Copy(times, fresh)
				for i, p := range parts {
					readAgain(t, p.Feed)
					held[i] = hold(t, held[i], p.Feed)
				}
			}
			if crash {
				continue
			}
			for _, w := range r.agent.Close(r.agent.CloseAll(), nil) {
				result := r.computer.Compute(r.agent, w)
				r.agent.Release(w)
				out[string(result.Key)] += result.Count
			}
			break
		}
		want := map[string]int64{}
		for _, at := range times {
			if at == NoTime {
				continue
			}
			for _, s := range set.Grid.Shapes {
				for w := s.Last(at); w+s.Size > at; w -= s.Advance {
					want[string(Key("t", "", w, s.Size))]++
				}
			}
		}
		if !reflect.DeepEqual(out, want) {
			t.Fatalf("seed %d: %d windows, want %d; first difference: %s", seed, len(out), len(want), differ(out, want))
		}
	}
	if replayed < 1000 || ahead < 100 || bad < 100 {
		t.Errorf("a test that tells little: %d records read again, %d of them with a time that was passed over, %d bad", replayed, ahead, bad)
	}
}
