package assignment

import (
	"cmp"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Balancer assigns source topics to the members of the group. A topic is the
// unit: all its partitions go to one member, so that their windows are merged
// in one process. Only the partitions of a topic that is too heavy for that
// are shared out among several members. Members tell each other what their
// partitions carry, in bytes per second, with every join, and the leader evens
// that out while it moves as little as it can.
type Balancer struct {
	// Setup is how this member is set up: a text without blanks that members with the
	// same configuration have in common.
	Setup string
	// Loads are those of the partitions that this member has, in bytes/s by topic
	// and partition.
	Loads func() map[string]map[int32]float64
	// MaxWorkers says among how many members a topic may be shared out: 1 if it must
	// not be, 0 if as many as its load demands.
	MaxWorkers func(topic string) int
	// CanSplit is asked before a topic is shared out.
	CanSplit func(topic string) bool
	// Partials names the topic with the partials of a source topic, "" for a
	// topic that is none.
	Partials func(topic string) string
	// Backlog guesses the loads of topics that nobody has measured.
	Backlog func(topics []string) map[string]map[int32]float64
	// OnAssignment is told every assignment of this member.
	OnAssignment func(Assigned)
	// OnMembers is told who is in the group, with every assignment that this
	// member makes: instance ids, "" for those that have none.
	OnMembers func(instances []string)
	// OnJoin is told the member's generation whenever it asks to join.
	OnJoin func(generation int32)
}

// ProtocolName has a version: all members must speak the same.
func (*Balancer) ProtocolName() string { return "kafka-aggregator-topics-2" }

// IsCooperative says that members keep what they have in a rebalance.
func (*Balancer) IsCooperative() bool { return true }

// JoinGroupMetadata is what this member tells the leader: what it has, and its loads.
func (b *Balancer) JoinGroupMetadata(topics []string, owned map[string][]int32, generation int32) []byte {
	m := kmsg.NewConsumerMemberMetadata()
	m.Version = 3
	m.Topics = topics
	m.Generation = generation
	for _, t := range slices.Sorted(maps.Keys(owned)) {
		o := kmsg.NewConsumerMemberMetadataOwnedPartition()
		o.Topic, o.Partitions = t, owned[t]
		m.OwnedPartitions = append(m.OwnedPartitions, o)
	}
	m.UserData = encodeLoads(b.Setup, b.Loads())
	b.OnJoin(generation)
	return m.AppendTo(nil)
}

// ParseSyncAssignment reads what the leader has assigned to this member, and
// which topics it has shared out.
func (b *Balancer) ParseSyncAssignment(a []byte) (map[string][]int32, error) {
	assigned, err := kgo.ParseConsumerSyncAssignment(a)
	if err != nil {
		return nil, err
	}
	var m kmsg.ConsumerMemberAssignment
	if err := m.ReadFrom(a); err == nil {
		a := decodeShares(m.UserData)
		a.Partitions = maps.Clone(assigned)
		b.OnAssignment(a)
	}
	return assigned, nil
}

// MemberBalancer reads what members have told the leader.
func (b *Balancer) MemberBalancer(ms []kmsg.JoinGroupResponseMember) (kgo.GroupMemberBalancer, map[string]struct{}, error) {
	cb, err := kgo.NewConsumerBalancer(b, ms)
	return cb, cb.MemberTopics(), err
}

// Assigned is what the leader of the group has assigned to this member.
type Assigned struct {
	Partitions map[string][]int32
	Shared     []string // topics that are shared out among several members
	Setups     []Setup  // how the members are set up, as far as the leader knows; none if it does not say
	Basis      Basis
	Known      bool // the leader says what it rests on
}

// plan is what the leader of the group assigns to all.
type plan struct {
	*kgo.BalancePlan
	shared []string
	setups []Setup
	basis  Basis
}

// IntoSyncAssignment adds to the assignment of each member what is shared out.
func (p plan) IntoSyncAssignment() []kmsg.SyncGroupRequestGroupAssignment {
	out := p.BalancePlan.IntoSyncAssignment()
	for i := range out {
		var m kmsg.ConsumerMemberAssignment
		if m.ReadFrom(out[i].MemberAssignment) == nil {
			m.UserData = encodeShares(p.shared, p.setups, p.basis)
			out[i].MemberAssignment = m.AppendTo(nil)
		}
	}
	return out
}

// Balance keeps a topic with its owner as long as the owner's load stays near
// its fair share, looking at the heaviest topics first; what is free goes,
// heaviest first, to the member with the least load.
func (b *Balancer) Balance(cb *kgo.ConsumerBalancer, partitions map[string]int32) kgo.IntoSyncAssignment {
	loads := map[string]map[int32]float64{}
	var seats []*seat
	var instances []string
	setups := map[string]string{} // by member
	cb.EachMember(func(m *kmsg.JoinGroupResponseMember, meta *kmsg.ConsumerMemberMetadata) {
		s := &seat{member: m, name: m.MemberID, wants: map[string]bool{}, owns: map[string][]int32{}, age: meta.Generation}
		if m.InstanceID == nil {
			instances = append(instances, "")
		} else {
			s.name = *m.InstanceID
			instances = append(instances, s.name)
		}
		for _, t := range meta.Topics {
			s.wants[t] = true
		}
		for _, o := range meta.OwnedPartitions {
			s.owns[o.Topic] = o.Partitions
		}
		setup, carries := decodeLoads(meta.UserData)
		setups[s.name] = setup
		for t, parts := range carries {
			if loads[t] == nil {
				loads[t] = map[int32]float64{}
			}
			for id, v := range parts { // of one that has just moved, both may tell
				loads[t][id] = max(loads[t][id], v)
			}
		}
		seats = append(seats, s)
	})
	b.OnMembers(instances)
	slices.SortFunc(seats, func(x, y *seat) int { return cmp.Compare(x.name, y.name) })
	b.complete(partitions, loads)
	units, shared := divide(seats, partitions, loads, b.MaxWorkers, b.CanSplit)
	p := plan{cb.NewPlan(), shared, setupsOf(setups), BasisOf(func(yield func(string, int) bool) {
		for topic, n := range partitions {
			if n > 0 && !yield(topic, int(n)) {
				return
			}
		}
	})}
	for _, u := range share(seats, units) {
		if u.seat != nil {
			p.AddPartitions(u.seat.member, u.topic, u.parts)
		}
	}
	p.AdjustCooperative(cb)
	return p
}
