package assignment

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const mib = 1 << 20

// group is a group while topics are shared out again and again.
type group struct {
	seats      []*seat
	partitions map[string]int32
	loads      map[string]map[int32]float64
	most       int
}

func newGroup(members int) *group {
	g := &group{partitions: map[string]int32{}, loads: map[string]map[int32]float64{}}
	for i := range members {
		g.join(fmt.Sprint("m", i))
	}
	return g
}

func (g *group) join(name string) {
	g.seats = append(g.seats, &seat{name: name, owns: map[string][]int32{}})
}

func (g *group) topic(name string, partitions int32, load float64) {
	g.partitions[name], g.loads[name] = partitions, map[int32]float64{}
	for id := range partitions {
		g.loads[name][id] = load / float64(partitions)
	}
}

// balance shares the topics out and says how many partitions have moved.
func (g *group) balance() (shared []string, moved int) {
	for _, s := range g.seats {
		s.load, s.has, s.wants = 0, nil, map[string]bool{}
		for t := range g.partitions {
			s.wants[t] = true
		}
	}
	units, shared := divide(g.seats, g.partitions, g.loads, func(string) int { return g.most }, func(string) bool { return true })
	owns := map[*seat]map[string][]int32{}
	for _, s := range g.seats {
		owns[s] = map[string][]int32{}
	}
	for _, u := range share(g.seats, units) {
		if u.seat == nil {
			continue
		}
		owns[u.seat][u.topic] = append(owns[u.seat][u.topic], u.parts...)
		moved += len(u.parts) - u.seat.ownsOf(u)
	}
	for s, o := range owns {
		s.owns = o
	}
	return shared, moved
}

func (g *group) loadsOf() (out []float64) {
	for _, s := range g.seats {
		sum := 0.0
		for t, parts := range s.owns {
			for _, id := range parts {
				sum += g.loads[t][id]
			}
		}
		out = append(out, sum)
	}
	return out
}

// Of 400 topics 5 carry 80 % of the bytes; three workers still have shares
// that differ by less than 15 %, and none has all partitions 0.
func TestUnevenTopics(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		g := newGroup(3)
		for i := range 400 {
			load := 20 * mib / 395.0
			if i < 5 {
				load = 16 * mib
			}
			g.topic(fmt.Sprintf("t%03d", i), 1+rng.Int32N(8), load*(0.7+0.6*rng.Float64()))
		}
		if shared, _ := g.balance(); len(shared) > 0 {
			t.Errorf("seed %d: %v are split, though no topic is above 32 MiB/s", seed, shared)
		}
		loads := g.loadsOf()
		if low, high := slices.Min(loads), slices.Max(loads); high > 1.15*low {
			t.Errorf("seed %d: shares %.0f", seed, loads)
		}
		for _, s := range g.seats {
			zeros := 0
			for _, parts := range s.owns {
				if slices.Contains(parts, 0) {
					zeros++
				}
			}
			if zeros == 400 {
				t.Errorf("seed %d: %s has %d of 400 partitions 0", seed, s.name, zeros)
			}
		}
		if _, moved := g.balance(); moved > 0 {
			t.Errorf("seed %d: %d partitions move without a reason", seed, moved)
		}
	}
}

// A new member gets about its share, and nothing moves between the others.
func TestJoinMovesLittle(t *testing.T) {
	g := newGroup(3)
	for i := range 60 {
		g.topic(fmt.Sprintf("t%02d", i), 2, mib)
	}
	g.balance()
	g.join("n")
	if _, moved := g.balance(); moved > 2*60/4+4 {
		t.Errorf("%d of 120 partitions move", moved)
	}
	g.seats = slices.Delete(g.seats, 1, 2)
	if _, moved := g.balance(); moved > 2*60/4+10 {
		t.Errorf("%d of 120 partitions move when a member with a quarter leaves", moved)
	}
}

func TestHotTopicIsSplit(t *testing.T) {
	g := newGroup(3)
	g.topic("hot", 8, 100*mib)
	g.topic("other", 2, 10*mib)
	shared, _ := g.balance()
	if !reflect.DeepEqual(shared, []string{"hot"}) {
		t.Fatalf("split: %v", shared)
	}
	for _, s := range g.seats {
		if n := len(s.owns["hot"]); n < 2 || n > 3 {
			t.Errorf("%s has %d partitions", s.name, n)
		}
	}
	if _, moved := g.balance(); moved > 0 {
		t.Errorf("%d partitions move without a reason", moved)
	}
	g.topic("hot", 8, 30*mib) // still hot enough for what is split already
	if shared, moved := g.balance(); len(shared) != 1 || moved > 0 {
		t.Errorf("split: %v, %d move", shared, moved)
	}
	g.topic("hot", 8, 15*mib)
	if shared, _ := g.balance(); len(shared) != 0 {
		t.Errorf("split: %v", shared)
	}
	g.most = 2
	if shared, _ := g.balance(); len(shared) != 2 {
		t.Errorf("split: %v, want both topics", shared)
	}
	for _, s := range g.seats {
		if len(s.owns["hot"]) == 8 {
			t.Errorf("%s has all", s.name)
		}
	}
	g.seats = g.seats[:1]
	if shared, _ := g.balance(); len(shared) != 0 || len(g.seats[0].owns["hot"]) != 8 {
		t.Errorf("one member: split %v, owns %v", shared, g.seats[0].owns)
	}
}

func TestUserData(t *testing.T) {
	loads := map[string]map[int32]float64{"a": {0: 5, 7: 1 << 40}, "": {}, "b": {1: 0}}
	b := encodeLoads("setup", loads)
	if setup, got := decodeLoads(b); !reflect.DeepEqual(got, loads) || setup != "setup" {
		t.Errorf("%v became %v", loads, got)
	}
	for i := range b {
		decodeLoads(b[:i]) // what is cut is no trouble
	}
	setups := []Setup{{"A", 2, []string{"w1", "w2"}}, {"B", 1, []string{"w3"}}}
	want := Assigned{Shared: []string{"x", "yy"}, Setups: setups, Basis: 77, Known: true}
	shares := encodeShares([]string{"x", "yy"}, setups, 77)
	if got := decodeShares(shares); !reflect.DeepEqual(got, want) {
		t.Error(got)
	}
	if got := decodeShares([]byte{userDataVersion, 1, 'x'}); !slices.Equal(got.Shared, []string{"x"}) || got.Known {
		t.Error("of a leader that does not say what its assignment rests on:", got)
	}
	if got := decodeShares([]byte{1, 1, 'x'}); got.Shared != nil {
		t.Error("another version was read:", got)
	}
}

// Members that know nothing of setups read what is told of them as before.
func TestUserDataOfOlderMembers(t *testing.T) {
	var names []string
	r := userData(encodeShares([]string{"x"}, []Setup{{"A", 2, []string{"w1", "w2"}}, {"B", 1, nil}}, 77))
	for r.begin(); len(r) > 0; {
		names = append(names, r.name())
	}
	if len(names) != 4 || names[0] != "x" || names[3] != basisMark+"4d" { // the last one counts
		t.Errorf("%q", names)
	}
	for _, n := range names[1:3] {
		if _, err := strconv.ParseUint(strings.TrimPrefix(n, basisMark), 16, 64); err == nil || n[0] != '/' {
			t.Errorf("%q is taken for a topic, or for what the assignment rests on", n)
		}
	}
	r = encodeLoads("A", map[string]map[int32]float64{"a": {0: 5}})
	r.begin()
	if name, parts := r.name(), r.uint(9); name[0] != '/' || parts != 0 {
		t.Errorf("%q with %d partitions is taken for a topic that there is", name, parts)
	}
	if name := r.name(); name != "a" {
		t.Errorf("then comes %q", name)
	}
}

func TestSetups(t *testing.T) {
	if got := setupsOf(map[string]string{"w1": "A", "w2": "A", "old": ""}); !reflect.DeepEqual(got, []Setup{{"A", 2, []string{"w1", "w2"}}}) {
		t.Error("all are alike:", got)
	}
	for setup, knows := range map[string]bool{"A": true, "B": true, "C": false} {
		a := Assigned{Setups: []Setup{{Text: "A"}, {Text: "B"}}}
		if a.Knows(setup) != knows || !new(Assigned).Knows(setup) {
			t.Errorf("%s: known %v", setup, a.Knows(setup))
		}
	}
	got := setupsOf(map[string]string{"w3 x": "A", "w1": "B", "w2": "A", "old": ""})
	if want := []Setup{{"A", 2, []string{"w2", "w3_x"}}, {"B", 1, []string{"w1"}}}; !reflect.DeepEqual(got, want) {
		t.Error(got)
	}
	many := map[string]string{}
	for i := range 1000 {
		many[fmt.Sprintf("kafka-aggregator-%036d", i)] = fmt.Sprintf("%016d", i%10)
	}
	if b := encodeShares(nil, setupsOf(many), 1); len(b) > 1000 {
		t.Errorf("%d bytes go to each member", len(b))
	}
}

func TestBasis(t *testing.T) {
	of := func(m map[string]int) Basis { return BasisOf(maps.All(m)) }
	a := of(map[string]int{"a": 1, "b": 2})
	for _, m := range []map[string]int{nil, {"a": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 2, "c": 1}, {"a": 1, "b": 3}} {
		if of(m) == a {
			t.Errorf("%v is like a: 1, b: 2", m)
		}
	}
	if of(map[string]int{"b": 2, "a": 1}) != a {
		t.Error("order matters")
	}
}

func TestOutdated(t *testing.T) {
	var o Outdated
	var asks []int
	for i := range 40 {
		if o.Look(false) {
			asks = append(asks, i)
		}
	}
	if !slices.Equal(asks, []int{1, 5, 13, 29}) {
		t.Error("asked at looks", asks)
	}
	if o.Look(true); o != (Outdated{}) {
		t.Error(o)
	}
}

func FuzzUserData(f *testing.F) {
	f.Add(encodeLoads("s", map[string]map[int32]float64{"a": {0: 5}}))
	f.Add(encodeShares([]string{"a"}, []Setup{{"A", 1, []string{"w"}}}, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		decodeLoads(b)
		decodeShares(b)
	})
}
