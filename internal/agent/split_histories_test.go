package agent

import (
	"crypto/md5"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestSplit runs random histories in which partitions move between workers,
// splitting is turned on and off, and workers that ship or merge crash at
// random points. What comes out must equal, to the byte, what one agent with
// all partitions gives that never stops, and come once; without transactions,
// when commits are lost after their output, at least once.
func TestSplit(t *testing.T) {
	for seed := range uint64(60) {
		for _, transactions := range []bool{true, false} {
			rng := rand.New(rand.NewPCG(seed, 3))
			set := Settings{Grid: anyGrid(rng), Grace: rng.Int64N(3) * second, IdleAfter: 1000 * second, MaxFutureSkew: second}
			if seed%3 == 0 {
				set.ExactLimit = 5
			}
			logs := wideLogs(rng, 2+rng.IntN(3), set.Grace)
			more := rand.New(rand.NewPCG(seed, 4))
			set.Empty = anyEmpty(more, set.Grid)
			pauses := anyRests(more)
			for _, log := range logs {
				for i := range log {
					log[i].t = pauses.later(log[i].t)
				}
			}
			want := &broker{logs: logs, held: make([]committed, len(logs)), out: map[string]Result{}}
			one := newSplitter(t, want, set, Alone, upTo(len(logs)))
			for id := range logs {
				one.read(id, math.MaxInt)
			}
			one.pending = one.close(busy)
			one.deliver(false)

			got := &broker{logs: logs, held: make([]committed, len(logs)), out: map[string]Result{}, again: !transactions}
			history(t, got, set, rng)
			if len(got.out) != len(want.out) {
				t.Errorf("seed %d, transactions %v: %d windows, want %d", seed, transactions, len(got.out), len(want.out))
			}
			for key, w := range want.out {
				if g := got.out[key]; !reflect.DeepEqual(g, w) {
					t.Fatalf("seed %d, transactions %v: window %s: got %s, want %s", seed, transactions, key, show(g), show(w))
				}
			}
		}
	}
}

func wideLogs(rng *rand.Rand, parts int, grace int64) [][]wideRecord {
	logs := make([][]wideRecord, parts)
	for p := range logs {
		at := 1000 * second
		for range 30 + rng.IntN(150) {
			at += rng.Int64N(second)
			r := wideRecord{t: at - rng.Int64N(grace+1), body: wideBody(rng)}
			if rng.IntN(20) == 0 {
				r.t -= rng.Int64N(10 * second)
			}
			if rng.IntN(10) == 0 {
				r.kind = 1 + rng.IntN(3)
			}
			logs[p] = append(logs[p], r)
		}
		logs[p] = append(logs[p], wideRecord{t: 100_000 * second, body: wideBody(rng)})
	}
	return logs
}

func show(r Result) string {
	return fmt.Sprintf("count %d, ranges %v, partial %v, %v, value %x", r.Count, r.Ranges, r.Partial, r.Approximation, md5.Sum(r.Value))
}

func upTo(n int) (out []int) {
	for i := range n {
		out = append(out, i)
	}
	return out
}

func history(t *testing.T, b *broker, set Settings, rng *rand.Rand) {
	const workers = 3
	all := upTo(len(b.logs))
	sharing := Alone
	ws := make([]*splitter, workers)
	for i := range ws {
		ws[i] = newSplitter(t, b, set, sharing, nil)
	}
	ws[0].take(all)
	merger := newMergingWorker(t, b, set)
	owners := make([]int, len(all)) // of partitions; -1: on the way
	own := func(i int) (ids []int) {
		for id, owner := range owners {
			if owner == i {
				ids = append(ids, id)
			}
		}
		return ids
	}
	restart := func(i int) { ws[i] = newSplitter(t, b, set, sharing, own(i)) }
	move := func(id, to int) {
		if from := owners[id]; from >= 0 {
			_, c := resume(t, b.held[id])
			passed := ws[from].parts[id].Passed(c.Final)
			ws[from].agent.Revoke(int32(id))
			delete(ws[from].parts, id)
			owners[id] = -1
			if len(ws[from].pending) > 0 || passed {
				restart(from)
			}
		}
		if to >= 0 {
			owners[id] = to
			ws[to].take([]int{id})
		}
	}
	work := func(i, n int) {
		for _, id := range own(i) {
			ws[i].read(id, rng.IntN(n))
		}
		ws[i].pending = append(ws[i].pending, ws[i].close(busy)...)
	}
	share := func(s Sharing) {
		if sharing = s; b.again && s != Alone {
			sharing = Shipping
		}
		for i := range ws {
			if b.again {
				restart(i)
			}
			ws[i].agent.Share(sharing)
		}
	}
	for range 150 {
		i := rng.IntN(workers)
		switch rng.IntN(14) {
		case 0, 1, 2, 3:
			work(i, 20)
		case 4, 5, 6:
			if ws[i].deliver(b.again && rng.IntN(5) == 0) {
				restart(i)
			}
		case 7:
			merger.read(rng.IntN(40))
		case 8:
			if lost := b.again && rng.IntN(5) == 0; rng.IntN(2) == 0 {
				if merger.deliver(lost); lost {
					merger = newMergingWorker(t, b, set)
				}
			}
		case 9:
			if rng.IntN(3) == 0 {
				restart(i)
			}
		case 10:
			if rng.IntN(3) == 0 {
				merger = newMergingWorker(t, b, set)
			}
		case 11:
			move(rng.IntN(len(all)), rng.IntN(workers+1)-1)
		case 12:
			if rng.IntN(3) == 0 {
				share(Split)
			}
		case 13:
			if rng.IntN(3) == 0 {
				if !b.again {
					share(Alone)
				}
				for _, id := range all {
					move(id, i)
				}
			}
		}
	}
	for _, id := range all {
		if owners[id] < 0 {
			move(id, rng.IntN(workers))
		}
	}
	if len(own(owners[0])) < len(all) {
		share(Split)
	}
	for range 6 {
		for i := range ws {
			for _, id := range own(i) {
				ws[i].read(id, math.MaxInt)
			}
			ws[i].pending = append(ws[i].pending, ws[i].close(busy)...)
			if ws[i].deliver(false) {
				restart(i)
			}
		}
		merger.read(math.MaxInt)
		merger.deliver(false)
	}
}
