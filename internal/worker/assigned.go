package worker

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/brokers"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
	"github.com/lsst-sqre/kafka-aggregator/internal/recovery"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// onFetched keeps the metadata of committed offsets for onAdjust, which the
// client calls next and which gets the offsets only.
func (s *session) onFetched(_ context.Context, _ *kgo.Client, resp *kmsg.OffsetFetchResponse) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	keep := func(topic string, partition int32, offset int64, meta *string) {
		f := recovery.Committed{Offset: offset}
		if meta != nil {
			f.Metadata = *meta
		}
		if s.placing.committed[topic] == nil {
			s.placing.committed[topic] = map[int32]recovery.Committed{}
		}
		s.placing.committed[topic][partition] = f
	}
	for _, g := range resp.Groups {
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				keep(t.Topic, p.Partition, p.Offset, p.Metadata)
			}
		}
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			keep(t.Topic, p.Partition, p.Offset, p.Metadata)
		}
	}
	return nil
}

// onAdjust makes the state of newly assigned partitions and says where they are
// read from. Those of which that is not known yet are paused, at some offset,
// until it is: see place.go.
func (s *session) onAdjust(ctx context.Context, assigned map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	if len(assigned) == 0 {
		return assigned, nil
	}
	shared := s.shares.now()
	facts := s.w.brokers.Gather(ctx, s.questions(assigned, *shared))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.member.take(s.holds()); err != nil {
		s.fail(err)
	}
	// The client keeps a partition paused that it loses, also when it gets
	// the partition back.
	resumed, paused := map[string][]int32{}, map[string][]int32{}
	for topic, parts := range assigned {
		for id := range parts {
			resumed[topic] = append(resumed[topic], id)
		}
	}
	s.cl.ResumeFetchPartitions(resumed)
	now := time.Now()
	for topic, parts := range assigned {
		src := s.sources[topic]
		if src == nil {
			if src = s.newSource(topic); src == nil {
				delete(assigned, topic)
				continue
			}
			s.sources[topic] = src
		}
		for id := range parts {
			if src.merges != "" && id != 0 { // nothing is written there
				delete(parts, id)
			} else {
				src.placement.unplaced[id] = &unplaced{}
			}
		}
		placed := s.placing.place(src, slices.Collect(maps.Keys(parts)), facts[topic], shared, now)
		for id := range parts {
			offset, ok := placed[id]
			if !ok {
				offset = max(0, s.placing.committed[topic][id].Offset)
				paused[topic] = append(paused[topic], id)
			}
			parts[id] = kgo.NewOffset().At(offset)
		}
	}
	s.cl.PauseFetchPartitions(paused)
	return assigned, nil
}

// questions are what has to be found out of topics with newly assigned partitions.
func (s *session) questions(assigned map[string]map[int32]kgo.Offset, shared map[string]bool) map[string]brokers.Question {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]brokers.Question{}
	for topic, parts := range assigned {
		q, ok := s.placing.question(topic, shared)
		if !ok {
			continue
		}
		for id := range parts {
			f, ok := s.placing.committed[topic][id]
			q.Fresh = q.Fresh || !ok || f.Offset < 0
		}
		out[topic] = q
	}
	return out
}

// holds reports whether any partition is assigned.
func (s *session) holds() bool {
	for _, src := range s.sources {
		if len(src.parts)+len(src.placement.unplaced) > 0 {
			return true
		}
	}
	return false
}

// onGone drops partitions that are another member's from now on, or that the
// group has taken away.
func (s *session) onGone(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for topic, parts := range gone {
		src := s.sources[topic]
		if src == nil {
			continue
		}
		passed := false
		for _, id := range parts {
			if p := src.parts[id]; p != nil {
				passed = passed || p.Passed(p.last.final)
			}
			src.agent.Revoke(id)
			delete(src.parts, id)
			delete(src.placement.unplaced, id)
		}
		switch {
		case brokenRevoke && src.out.undelivered():
		case len(src.parts)+len(src.placement.unplaced) == 0:
			s.drop(src)
		case src.out.undelivered() || passed:
			// Windows of a part of the topic are computed and taken out of
			// its other partitions, but may not be delivered any more. Or slices have
			// become final of which no window is out yet: who has the partitions now
			// does not know that, and takes their records.
			s.startOver(src, errors.New("the topic was taken away in part"), time.Now())
		}
		if src.phase != phaseGone {
			s.phases.advance(src)
			src.news = true
		}
		delete(s.placing.committed, topic)
	}
}

// onLost drops partitions of a member that is out of the group.
func (s *session) onLost(ctx context.Context, cl *kgo.Client, lost map[string][]int32) {
	s.shares.assigned.Store(nil)
	s.onGone(ctx, cl, lost)
}

// drop forgets a source, with what is pending of it.
func (s *session) drop(src *source) {
	if len(src.out.windows) > 0 || s.w.cfg.Worker.Delivery != config.ExactlyOnce { // or what was written is not committed
		s.order.forget(src.agent.Topic)
	}
	delete(s.sources, src.topic)
	s.phases.enter(src, findsDropped)
}

// newSource makes the agent of a topic; nil if the topic is not selected.
func (s *session) newSource(topic string) *source {
	merges := s.topics.known[topic].merges
	of := cmp.Or(merges, topic)
	choice, ok := s.w.selection.selector.Select(of)
	if !ok {
		return nil
	}
	j := s.w.selection.jobs[choice.Aggregation]
	set := j.set
	set.Once = s.w.once()
	src := &source{
		identity: identity{topic: topic, merges: merges, mergesID: s.topics.known[merges].id, formers: map[uint32]bool{}},
		job:      j, outputs: j.Outputs(of, choice), partials: choice.PartialsTopic, log: s.w.log.With("topic", topic),
		agent: agent.New(of, set), parts: map[int32]*part{}, stop: map[int32]int64{},
		placement: placement{unplaced: map[int32]*unplaced{}},
		schemas:   schemas{byRef: map[framing.Ref]*schema{}, histories: make([]pipeline.History, len(choice.AggregatedTopics)), resolving: noSchema},
		split:     split{merged: window.Unset},
		problems:  problems{}, fetchErrors: map[int32]fetchError{},
	}
	if merges == "" {
		src.framing = j.Reader(topic)
	}
	if src.hold = s.w.sinks.holds[topic]; src.hold != nil {
		if src.hold.state == holdChecking { // by a session that has ended meanwhile
			src.hold.state = holdWaiting
		}
		src.problems.set(causeOutput, src.hold.text)
	}
	src.split.sharing = s.shares.sharing(src)
	src.agent.Share(src.split.sharing)
	return src
}

// newPart makes the state of a partition that is resumed at offset.
func newPart(src *source, id int32, offset int64, c agent.Checkpoint) *part {
	p := &part{source: src, id: id, waiting: noSchema, plans: map[framing.Ref]*agent.Plan{}, merges: map[int]*agent.MergePlan{}}
	if src.merges != "" {
		p.merger = src.agent.Merge(offset, c)
		p.merger.Topic = agent.TopicHash(src.mergesID)
		p.Feed = p.merger.Feed
	} else {
		p.windows = src.agent.Assign(id, offset, c)
		p.Feed = p.windows.Feed
	}
	return p
}
