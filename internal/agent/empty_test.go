package agent

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// rests are times at which all partitions of a topic have no records for a while.
type rests []struct{ at, long int64 }

func anyRests(rng *rand.Rand) (list rests) {
	for range rng.IntN(4) {
		list = append(list, struct{ at, long int64 }{1000*second + rng.Int64N(100*second), rng.Int64N(40 * second)})
	}
	return list
}

// later is when a record of time t comes if the topic rests before.
func (l rests) later(t int64) int64 {
	late := int64(0)
	for _, r := range l {
		if t >= r.at {
			late += r.long
		}
	}
	return t + late
}

// anyEmpty says of each output whether it has records of empty windows.
func anyEmpty(rng *rand.Rand, g window.Grid) []bool {
	if rng.IntN(3) == 0 {
		return nil
	}
	list := make([]bool, len(g.Shapes))
	for i := range list {
		list[i] = rng.IntN(3) > 0
	}
	return list
}

// withEmpty adds to counts of windows, by key, those of the empty ones.
func withEmpty(counts map[string]int64, set Settings) {
	for output, is := range set.Empty {
		if !is {
			continue
		}
		s := set.Grid.Shapes[output]
		var starts []int64
		for key := range counts {
			if start, size, ok := ParseKey([]byte(key)); ok && size == s.Size {
				starts = append(starts, start)
			}
		}
		slices.Sort(starts)
		for i := 1; i < len(starts); i++ {
			if (starts[i]-starts[i-1])/s.Advance-1 > MaxGap {
				continue
			}
			for start := starts[i-1] + s.Advance; start < starts[i]; start += s.Advance {
				counts[string(Key("t", "", start, s.Size))] = 0
			}
		}
	}
}

// The longest gap that is filled, and one that is a window longer.
func TestLongestGap(t *testing.T) {
	for gap, want := range map[int64]int{MaxGap: MaxGap, MaxGap + 1: 0} {
		r := newRig(t, Settings{Grid: window.TumblingGrid(second), MaxFutureSkew: second, Empty: []bool{true}}, 1)
		p := r.agent.Assign(0, 0, Fresh(0))
		for o, at := range []int64{0, 1 + gap, 2 + gap} {
			r.add(p, int64(o), at*second, 1)
		}
		empty, unfilled := 0, uint64(0)
		ws := r.agent.Close(r.agent.Watermark(busy, math.MaxInt64), nil)
		for _, w := range ws {
			if unfilled += w.Unfilled; w.Empty() {
				empty++
			}
		}
		if empty != want || len(ws) != want+2 || unfilled != uint64(gap)-uint64(want) {
			t.Errorf("of a gap of %d: %d empty of %d windows, %d not made; want %d empty", gap, empty, len(ws), unfilled, want)
		}
	}
}

// From one end of time to the other there are more windows than an int64 counts ns.
func TestGapOfAllTime(t *testing.T) {
	r := newRig(t, Settings{Grid: window.TumblingGrid(1), MaxFutureSkew: second, Empty: []bool{true}}, 1)
	p := r.agent.Assign(0, 0, Fresh(0))
	r.add(p, 0, math.MinInt64+10, 1)
	for _, w := range r.agent.Close(math.MinInt64+100, nil) {
		r.agent.Release(w)
	}
	r.addFor(p, 1, math.MaxInt64-10, math.MaxInt64, 1)
	ws := r.agent.Close(math.MaxInt64-2, nil)
	if len(ws) != 1 || ws[0].Unfilled != math.MaxUint64-21 {
		t.Errorf("got %+v", ws)
	}
}

// What is known of the newest windows goes by shape, so that it holds for the same
// windows in another configuration, and says nothing of others.
func TestNewestInAnotherConfiguration(t *testing.T) {
	one, two, hopping := window.Tumbling(second), window.Tumbling(2*second), window.Shape{Size: 2 * second, Advance: second}
	c := Fresh(0)
	c.Newest = []Newest{{one, 10 * second}, {hopping, 9 * second}}
	for _, x := range []struct {
		shapes []window.Shape
		want   []Newest
	}{
		{[]window.Shape{one, hopping}, c.Newest},
		{[]window.Shape{two, hopping}, c.Newest[1:]},
		{[]window.Shape{two}, nil},
	} {
		a := New("t", Settings{Grid: grid(x.shapes...)})
		a.SetPartitions(1, false)
		p := a.Assign(0, 0, c)
		if _, _, got := p.Low(); !reflect.DeepEqual(got.Newest, x.want) {
			t.Errorf("%+v: newest %+v, want %+v", x.shapes, got.Newest, x.want)
		}
	}
}

// A claim has what it is made of when it is read, with the newest windows or without.
func TestClaimOfNewest(t *testing.T) {
	for _, want := range []claim{
		{of: 2, watermark: 5, reached: 4, silent: 3, now: 5},
		{of: 2, watermark: 5, reached: 4, silent: 3, now: 7},
		{of: 2, watermark: 5, reached: 4, now: 5, newest: []Newest{{window.Tumbling(second), -3 * second}}},
		{of: 2, watermark: 5, reached: 4, now: 9, newest: []Newest{{window.Tumbling(second), 1}, {window.Shape{Size: 3, Advance: 2}, 7}}},
	} {
		var r reader
		if _, err := r.open(appendClaim(nil, header{partition: 1}, want)); err != nil {
			t.Fatal(err)
		}
		if got, err := r.claim(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v becomes %+v, %v", want, got, err)
		}
	}
}

// An empty window has no records that say which version of the schema is needed. It
// has that of the next window that has some: so it does not matter which versions
// were known, or used, when it was made.
func TestVersionOfEmptyWindow(t *testing.T) {
	r := newRig(t, Settings{Grid: window.TumblingGrid(second), MaxFutureSkew: second, Empty: []bool{true}}, 1)
	v := r.agent.Versions(0)[0]
	v.SchemaID, v.Encoder = 8, codec.NewEncoder(v.Schema, 8, []int{0}, 3)
	r.agent.AddVersion(0, v)
	p := r.agent.Assign(0, 0, Fresh(0))
	for o, at := range []int64{1, 3, 5, 6} {
		body := binary.LittleEndian.AppendUint64(nil, math.Float64bits(1))
		if _, err := p.Add(int64(o), 0, at*second, 10*second, &Plan{Decoder: r.decoder, Versions: []int{o % 2}}, body); err != nil {
			t.Fatal(err)
		}
	}
	var ids []byte
	for _, w := range r.close(busy) {
		ids = append(ids, w.Value[4])
	}
	if want := []byte{7, 8, 8, 7, 7}; !slices.Equal(ids, want) {
		t.Errorf("schemas %d, want %d", ids, want)
	}
}

// A sparse topic that catches up has many gaps. Its windows are made some at a time, and
// are the same.
func TestManyGapsOfOneTopic(t *testing.T) {
	set := Settings{Grid: window.TumblingGrid(second), MaxFutureSkew: second, Empty: []bool{true}}
	r := newRig(t, set, 1)
	p := r.agent.Assign(0, 0, Fresh(0))
	const records, gap = 40, 1000
	for o := range int64(records) {
		if v := r.addAt(p, o, o*(gap+1)*second, records*2*gap*second); v != Accepted {
			t.Fatal(v)
		}
	}
	windows, times := 0, 0
	for next := int64(0); ; times++ {
		ws := r.agent.Close(r.agent.CloseAll(), nil)
		if len(ws) == 0 {
			break
		}
		if len(ws) > Enough+MaxGap+1 {
			t.Errorf("%d windows at once", len(ws))
		}
		for _, w := range ws {
			if w.Start != next {
				t.Fatalf("window %d comes, want %d", w.Start, next)
			}
			next += second
			r.agent.Release(w)
		}
		windows += len(ws)
		p.Check()
	}
	if windows != (records-1)*(gap+1)+1 || times < 4 {
		t.Errorf("%d windows, %d times", windows, times)
	}
}
