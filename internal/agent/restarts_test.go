package agent

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// record of a history.
type record struct {
	t    int64
	x    float64
	kind int // 0 record, 1 tombstone, 2 bad, 3 control
}

// TestRestarts runs random histories with crashes at random points: a crash
// drops all state and resumes from what was committed last. What is put out
// must equal what one run without crashes and an independent sum over the
// records give, for any size of the batches.
func TestRestarts(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		parts := 1 + rng.IntN(4)
		grace := int64(rng.IntN(4)) * second
		logs := make([][]record, parts)
		for p := range logs {
			at := 1000 * second
			for range 50 + rng.IntN(300) {
				at += rng.Int64N(second)
				r := record{t: at - rng.Int64N(grace+1), x: rng.NormFloat64()}
				if rng.IntN(20) == 0 {
					r.t -= rng.Int64N(10 * second) // late, or not
				}
				if rng.IntN(10) == 0 {
					r.kind = 1 + rng.IntN(3)
				}
				logs[p] = append(logs[p], r)
			}
			logs[p] = append(logs[p], record{t: 100_000 * second}) // all but the last window become final
		}
		set := Settings{Grid: anyGrid(rng), Grace: grace, IdleAfter: second, MaxFutureSkew: second}
		set.Empty = anyEmpty(rng, set.Grid)
		pauses := anyRests(rng)
		for _, log := range logs {
			for i := range log {
				log[i].t = pauses.later(log[i].t)
			}
		}
		want := naive(logs, set)
		withEmpty(want, set)
		got, _ := crashing(t, logs, set, rng, rng.IntN(6), busy)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: %d windows, want %d; first difference: %s", seed, len(got), len(want), differ(got, want))
		}
	}
}

// TestRestartsByTheClock is the same with partitions that seem silent now and
// then, so that the clock closes slices and what comes for them is late. What
// is late depends on the moment then; but a record that is in no window for
// that stays in none, also of the longer ones that are open still, and the
// others stay in all of theirs.
func TestRestartsByTheClock(t *testing.T) {
	late := int64(0)
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 2))
		logs := make([][]record, 1+rng.IntN(3))
		for p := range logs {
			at := 1000 * second
			for range 50 + rng.IntN(200) {
				at += rng.Int64N(second)
				logs[p] = append(logs[p], record{t: at - rng.Int64N(3*second), x: rng.NormFloat64()})
			}
			logs[p] = append(logs[p], record{t: 100_000 * second})
		}
		set := Settings{Grid: anyGrid(rng), Grace: rng.Int64N(3) * second, IdleAfter: second, MaxFutureSkew: second}
		set.Empty = anyEmpty(rng, set.Grid)
		pauses := anyRests(rng)
		for _, log := range logs {
			for i := range log {
				log[i].t = pauses.later(log[i].t)
			}
		}
		act := func(*Partition) int64 {
			if rng.IntN(3) == 0 {
				return 0
			}
			return rng.Int64N(10 * second)
		}
		got, verdicts := crashing(t, logs, set, rng, rng.IntN(6), act)
		want := map[string]int64{}
		for place, v := range verdicts {
			r := logs[place.partition][place.start]
			switch {
			case v == Late:
				want["late"]++
			case r.t < 100_000*second:
				for _, s := range set.Grid.Shapes {
					for w := s.Last(r.t); w+s.Size > r.t; w -= s.Advance {
						want[string(Key("t", "", w, s.Size))]++
					}
				}
			}
		}
		withEmpty(want, set)
		maps.DeleteFunc(got, func(key string, _ int64) bool { // the last record's, which the clock may close or not, and what is before it
			start, _, ok := ParseKey([]byte(key))
			return ok && start > lastTime(logs)
		})
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: %d windows, want %d; first difference: %s", seed, len(got), len(want), differ(got, want))
		}
		late += got["late"]
	}
	if late == 0 {
		t.Error("nothing was late")
	}
}

// lastTime is the highest time of all records but the last ones.
func lastTime(logs [][]record) (t int64) {
	for _, log := range logs {
		for _, r := range log[:len(log)-1] {
			t = max(t, r.t)
		}
	}
	return t
}

// naive counts the records of each window but the last, and under "late" those
// whose slice ended a grace before the highest time met in their partition.
func naive(logs [][]record, set Settings) map[string]int64 {
	out := map[string]int64{}
	for _, log := range logs {
		high := int64(0)
		for _, r := range log[:len(log)-1] {
			if r.kind != 0 {
				continue
			}
			start := r.t / set.Grid.Slice * set.Grid.Slice
			if start+set.Grid.Slice <= high-set.Grace {
				out["late"]++
				continue
			}
			for _, s := range set.Grid.Shapes {
				for w := s.Last(r.t); w+s.Size > r.t; w -= s.Advance {
					out[string(Key("t", "", w, s.Size))]++
				}
			}
			high = max(high, r.t)
		}
	}
	return out
}

type committed struct {
	offset int64
	text   string
}

// crashing gives the count of each window, and what became of each record, by
// its partition and offset.
func crashing(t *testing.T, logs [][]record, set Settings, rng *rand.Rand, crashes int, act Activity) (out map[string]int64, verdicts map[place]Verdict) {
	out, verdicts = map[string]int64{}, map[place]Verdict{}
	held := make([]committed, len(logs))
	dead := map[string]int{}
	for life := 0; ; life++ {
		r := newRig(t, set, len(logs))
		parts := make([]*Partition, len(logs))
		for i := range logs {
			c := Fresh(held[i].offset)
			if held[i].text != "" {
				var err error
				if c, err = DecodeCheckpoint(held[i].text); err != nil {
					t.Fatal(err)
				}
			}
			parts[i] = r.agent.Assign(int32(i), held[i].offset, c)
		}
		var pending []Result
		var letters []string
		fresh := map[place]Verdict{}
		for steps := 0; ; steps++ {
			more := false
			for i, p := range parts {
				for range rng.IntN(20) {
					o := p.Position()
					if o == int64(len(logs[i])) {
						break
					}
					switch rec := logs[i][o]; rec.kind {
					case 0:
						v := r.add(p, o, rec.t, rec.x)
						if o >= p.Head() {
							fresh[place{int32(i), o}] = v
						}
						switch v {
						case Bad, Future:
							t.Fatalf("partition %d offset %d: verdict %d", i, o, v)
						case Late:
							letters = append(letters, fmt.Sprint("late ", i, "/", o))
						}
					case 1:
						p.Tombstone(o, 0, rec.t)
					case 2:
						if p.Reject(o, 0, rec.t, Refusal(o%2)) == Bad {
							letters = append(letters, fmt.Sprint(i, "/", o))
						}
					case 3:
						p.Skip(o)
					}
				}
				more = more || p.Position() < int64(len(logs[i]))
			}
			pending = append(pending, r.close(act)...)
			if life < crashes && rng.IntN(12) == 0 { // the pending output and all state are lost
				break
			}
			if rng.IntN(3) > 0 && more {
				continue
			}
			for _, w := range pending {
				if _, twice := out[string(w.Key)]; twice {
					t.Fatalf("window %s came out twice", w.Key)
				}
				out[string(w.Key)] = w.Count
			}
			for _, l := range letters {
				if dead[l]++; dead[l] > 1 {
					t.Fatalf("record %s was put aside twice", l)
				}
				if strings.HasPrefix(l, "late") {
					out["late"]++
				}
			}
			pending, letters = nil, nil
			maps.Copy(verdicts, fresh)
			for i, p := range parts {
				low, _, c := p.Low()
				if low < held[i].offset {
					t.Fatalf("partition %d: offset went back from %d to %d", i, held[i].offset, low)
				}
				held[i] = committed{low, c.Encode()}
				if p.Counts.Mismatches > 0 {
					t.Fatalf("partition %d: what was read again differs", i)
				}
			}
			if !more {
				return out, verdicts
			}
		}
	}
}

func differ(got, want map[string]int64) string {
	for k, n := range want {
		if got[k] != n {
			return fmt.Sprintf("window %s: count %d, want %d", k, got[k], n)
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			return fmt.Sprintf("window %s should not be there", k)
		}
	}
	return "none"
}
