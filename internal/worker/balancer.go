package worker

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// balancer assigns source topics to the members of the group. A topic is the
// unit: all its partitions go to one member, so that their windows are merged
// in one process. Members tell each other what their topics carry, in bytes
// per second, with every join, and the leader evens that out while it moves
// as few topics as it can.
type balancer struct {
	loads func() map[string]float64 // bytes/s of the topics that this member has
}

// The protocol's name has a version: all members must speak the same.
func (*balancer) ProtocolName() string { return "kafka-aggregator-topics-1" }
func (*balancer) IsCooperative() bool  { return true }

// defaultLoad is what a topic counts that nobody has measured, and the least
// that any topic counts: agents cost something even if nothing is published.
const defaultLoad = 100.0

func (b *balancer) JoinGroupMetadata(topics []string, owned map[string][]int32, generation int32) []byte {
	m := kmsg.NewConsumerMemberMetadata()
	m.Version = 3
	m.Topics = topics
	m.Generation = generation
	for _, t := range slices.Sorted(maps.Keys(owned)) {
		o := kmsg.NewConsumerMemberMetadataOwnedPartition()
		o.Topic, o.Partitions = t, owned[t]
		m.OwnedPartitions = append(m.OwnedPartitions, o)
	}
	m.UserData = encodeLoads(b.loads())
	return m.AppendTo(nil)
}

// encodeLoads: a version byte, then for each topic its name (uvarint length)
// and its load (uvarint bytes/s).
func encodeLoads(loads map[string]float64) []byte {
	b := []byte{1}
	for _, t := range slices.Sorted(maps.Keys(loads)) {
		b = binary.AppendUvarint(b, uint64(len(t)))
		b = append(b, t...)
		b = binary.AppendUvarint(b, uint64(max(0, loads[t])))
	}
	return b
}

// decodeLoads reads as much as is well-formed.
func decodeLoads(b []byte) map[string]float64 {
	loads := map[string]float64{}
	if len(b) == 0 || b[0] != 1 {
		return loads
	}
	for b = b[1:]; len(b) > 0; {
		n, k := binary.Uvarint(b)
		if k <= 0 || n > uint64(len(b)-k) {
			break
		}
		topic := string(b[k : k+int(n)])
		b = b[k+int(n):]
		v, k := binary.Uvarint(b)
		if k <= 0 {
			break
		}
		b = b[k:]
		loads[topic] = float64(v)
	}
	return loads
}

func (*balancer) ParseSyncAssignment(a []byte) (map[string][]int32, error) {
	return kgo.ParseConsumerSyncAssignment(a)
}

func (b *balancer) MemberBalancer(ms []kmsg.JoinGroupResponseMember) (kgo.GroupMemberBalancer, map[string]struct{}, error) {
	cb, err := kgo.NewConsumerBalancer(b, ms)
	return cb, cb.MemberTopics(), err
}

// seat is a member while topics are shared out.
type seat struct {
	member *kmsg.JoinGroupResponseMember
	name   string          // breaks ties the same way on every run with static names
	wants  map[string]bool // topics that it subscribes to
	owns   map[string]int  // topic -> partitions
	age    int32           // generation of what it says it owns
	load   float64
}

// keepWithin is how far above its fair share a member may stay loaded without
// giving topics away.
const keepWithin = 1.05

// Balance keeps a topic with its owner as long as the owner's load stays near
// its fair share, looking at the heaviest topics first; what is free goes,
// heaviest first, to the member with the least load.
func (b *balancer) Balance(cb *kgo.ConsumerBalancer, partitions map[string]int32) kgo.IntoSyncAssignment {
	loads := map[string]float64{}
	var seats []*seat
	cb.EachMember(func(m *kmsg.JoinGroupResponseMember, meta *kmsg.ConsumerMemberMetadata) {
		s := &seat{member: m, name: m.MemberID, wants: map[string]bool{}, owns: map[string]int{}, age: meta.Generation}
		if m.InstanceID != nil {
			s.name = *m.InstanceID
		}
		for _, t := range meta.Topics {
			s.wants[t] = true
		}
		for _, o := range meta.OwnedPartitions {
			s.owns[o.Topic] = len(o.Partitions)
		}
		for t, v := range decodeLoads(meta.UserData) {
			loads[t] = max(loads[t], v)
		}
		seats = append(seats, s)
	})
	slices.SortFunc(seats, func(x, y *seat) int { return cmp.Compare(x.name, y.name) })
	plan := cb.NewPlan()
	for topic, s := range share(seats, partitions, loads) {
		all := make([]int32, partitions[topic])
		for i := range all {
			all[i] = int32(i)
		}
		plan.AddPartitions(s.member, topic, all)
	}
	plan.AdjustCooperative(cb)
	return plan
}

// share gives each topic to a seat.
func share(seats []*seat, partitions map[string]int32, loads map[string]float64) map[string]*seat {
	load := func(t string) float64 { return max(defaultLoad, loads[t]) }
	topics := slices.DeleteFunc(slices.Sorted(maps.Keys(partitions)), func(t string) bool { return partitions[t] == 0 })
	total := 0.0
	for _, t := range topics {
		total += load(t)
	}
	fair := total / float64(max(1, len(seats))) * keepWithin
	slices.SortStableFunc(topics, func(x, y string) int { return cmp.Compare(load(y), load(x)) })

	out := map[string]*seat{}
	give := func(s *seat, t string) {
		s.load += load(t)
		out[t] = s
	}
	var free []string
	for _, t := range topics {
		var owner *seat
		for _, s := range seats {
			if s.wants[t] && s.owns[t] > 0 && (owner == nil || s.age > owner.age || s.age == owner.age && s.owns[t] > owner.owns[t]) {
				owner = s
			}
		}
		if owner != nil && (owner.load == 0 || owner.load+load(t) <= fair) {
			give(owner, t)
		} else {
			free = append(free, t)
		}
	}
	for _, t := range free {
		var best *seat
		for _, s := range seats {
			if s.wants[t] && (best == nil || s.load < best.load || s.load == best.load && s.owns[t] > best.owns[t]) {
				best = s
			}
		}
		if best != nil {
			give(best, t)
		}
	}
	return out
}
