package assignment

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// seat is a member while topics are shared out.
type seat struct {
	member *kmsg.JoinGroupResponseMember
	name   string          // breaks ties the same way on every run with static names
	wants  map[string]bool // topics that it subscribes to
	owns   map[string][]int32
	age    int32 // generation of what it says it owns
	load   float64
	has    map[string]bool // topics of which it was given a unit
}

// unit is what goes to one member: a topic, or a part of one that is shared
// out among several.
type unit struct {
	topic string
	parts []int32
	load  float64
	seat  *seat
}

const (
	// defaultLoad is what a topic counts that nobody has measured, and the
	// least that any topic counts: agents cost something even if nothing is
	// published.
	defaultLoad = 100.0
	// keepWithin is how far above its fair share a member may stay loaded
	// without giving topics away.
	keepWithin = 1.05
	// A topic is shared out if its load is above both of these, in bytes/s and
	// in fair shares of a member; one that is shared out already stays so as
	// long as it is above two thirds of them.
	hotLoad   = 32 << 20
	hotShares = 1.5
)

// Hot reports whether a load is so large that another assignment would share
// the topic out, or share it out among more members than with the load before.
func Hot(load, before float64) bool { return load >= max(hotLoad, hotShares*before) }

// divide makes the units, heaviest first. Partition i of a topic that is
// shared out among k members is in unit i mod k.
func divide(seats []*seat, partitions map[string]int32, loads map[string]map[int32]float64, most func(string) int, may func(string) bool) (units []*unit, shared []string) {
	of := func(t string) (sum float64) {
		for id := range partitions[t] {
			sum += loads[t][id]
		}
		return max(defaultLoad, sum)
	}
	total := 0.0
	for t := range partitions {
		total += of(t)
	}
	fair := total / float64(max(1, len(seats)))
	for _, t := range slices.Sorted(maps.Keys(partitions)) {
		members, owners := 0, 0
		for _, s := range seats {
			if s.wants[t] {
				members++
			}
			if len(s.owns[t]) > 0 {
				owners++
			}
		}
		k := min(pieces(most(t), of(t), fair, owners > 1), members, int(partitions[t]))
		if k > 1 && !may(t) {
			k = 1
		}
		for i := range int32(max(1, k)) {
			u := &unit{topic: t}
			for id := i; id < partitions[t]; id += int32(max(1, k)) {
				u.parts = append(u.parts, id)
				u.load += loads[t][id]
			}
			if u.load = max(defaultLoad, u.load); len(u.parts) > 0 {
				units = append(units, u)
			}
		}
		if k > 1 {
			shared = append(shared, t)
		}
	}
	slices.SortStableFunc(units, func(x, y *unit) int { return cmp.Compare(y.load, x.load) })
	return units, shared
}

// pieces is among how many members a topic is to be shared out.
func pieces(most int, load, fair float64, already bool) int {
	hot := load > hotLoad && load > hotShares*fair
	if already {
		hot = load > hotLoad*2/3 && load > hotShares*2/3*fair
	}
	switch {
	case most != 0:
		return most
	case hot:
		return int(math.Ceil(load / fair))
	}
	return 1
}

// share gives each unit to a seat.
func share(seats []*seat, units []*unit) []*unit {
	total := 0.0
	for _, u := range units {
		total += u.load
	}
	fair := total / float64(max(1, len(seats))) * keepWithin
	give := func(s *seat, u *unit) {
		s.load += u.load
		if s.has == nil {
			s.has = map[string]bool{}
		}
		s.has[u.topic] = true
		u.seat = s
	}
	var free []*unit
	for _, u := range units {
		var owner *seat
		owned := 0
		for _, s := range seats {
			n := s.ownsOf(u)
			if s.wants[u.topic] && !s.has[u.topic] && n > 0 && (owner == nil || s.age > owner.age || s.age == owner.age && n > owned) {
				owner, owned = s, n
			}
		}
		if owner != nil && (owner.load == 0 || owner.load+u.load <= fair) {
			give(owner, u)
		} else {
			free = append(free, u)
		}
	}
	for _, u := range free {
		var best *seat
		for _, s := range seats {
			if s.wants[u.topic] && !s.has[u.topic] && (best == nil || s.load < best.load || s.load == best.load && s.ownsOf(u) > best.ownsOf(u)) {
				best = s
			}
		}
		if best != nil {
			give(best, u)
		}
	}
	even(seats, units, fair)
	return units
}

// even moves units from the member with the most to the one with the least, as
// long as somebody is above the fair share and it helps: what is free goes to
// members that have kept what they had, and may be too much for any of them.
func even(seats []*seat, units []*unit, fair float64) {
	for range units {
		var from, to *seat
		for _, s := range seats {
			if from == nil || s.load > from.load {
				from = s
			}
			if to == nil || s.load < to.load {
				to = s
			}
		}
		if from == nil || from.load <= fair {
			return
		}
		var best *unit
		least := from.load
		for _, u := range units {
			if u.seat != from || !to.wants[u.topic] || to.has[u.topic] {
				continue
			}
			if most := max(from.load-u.load, to.load+u.load); most < least {
				best, least = u, most
			}
		}
		if best == nil {
			return
		}
		from.load -= best.load
		delete(from.has, best.topic)
		to.load += best.load
		if to.has == nil {
			to.has = map[string]bool{}
		}
		to.has[best.topic] = true
		best.seat = to
	}
}

// ownsOf is how many of a unit's partitions the member has.
func (s *seat) ownsOf(u *unit) (n int) {
	for _, id := range s.owns[u.topic] {
		if slices.Contains(u.parts, id) {
			n++
		}
	}
	return n
}
