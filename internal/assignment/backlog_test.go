package assignment

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// Topics that nobody has measured count by what lies in them, and what is to
// be merged by what its source has.
func TestBacklogCountsWhereNobodyMeasured(t *testing.T) {
	var asked []string
	b := &Balancer{
		MaxWorkers: func(topic string) int { return map[string]int{"alone": 1}[topic] },
		Partials:   func(topic string) string { return "partials-" + topic },
		Backlog: func(topics []string) map[string]map[int32]float64 {
			asked = topics
			return map[string]map[int32]float64{"new": {0: 10, 1: 50}, "alone": {0: 7}}
		},
	}
	partitions := map[string]int32{"known": 1, "new": 2, "alone": 1, "empty": 1, "partials-new": 1, "partials-known": 1, "partials-alone": 1}
	loads := map[string]map[int32]float64{"known": {0: 1000}, "partials-known": {0: 900}}
	b.complete(partitions, loads)
	want := map[string]map[int32]float64{
		"known": {0: 1000}, "partials-known": {0: 900},
		"new": {0: 10, 1: 50}, "partials-new": {0: 60 * mergeWeight}, "alone": {0: 7},
	}
	if !reflect.DeepEqual(loads, want) {
		t.Errorf("got %v, want %v", loads, want)
	}
	if !slices.Equal(asked, []string{"alone", "empty", "new", "partials-alone"}) {
		t.Errorf("asked about %v", asked)
	}
	b.complete(map[string]int32{"known": 1}, loads)
	if len(asked) != 4 {
		t.Error("asked about what is known")
	}
}

// Heavy topics that come to members that keep what they have displace some of
// it: nobody stays far above the others.
func TestHeavyTopicsComeLater(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		g := newGroup(4)
		for i := range 64 {
			g.topic(fmt.Sprintf("t%02d", i), 1, mib*(0.5+rng.Float64()))
		}
		g.balance()
		g.topic("heavy", 1, 9*mib)
		if _, moved := g.balance(); moved > 14 {
			t.Errorf("seed %d: %d partitions move", seed, moved)
		}
		loads := g.loadsOf()
		if low, high := slices.Min(loads), slices.Max(loads); high > 1.2*low {
			t.Errorf("seed %d: shares %.0f", seed, loads)
		}
		if _, moved := g.balance(); moved > 0 {
			t.Errorf("seed %d: %d partitions move without a reason", seed, moved)
		}
	}
}
