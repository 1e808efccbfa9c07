package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// fetched is what the group's coordinator holds for a partition.
type fetched struct {
	offset int64 // -1: nothing
	meta   string
}

// onFetched keeps the metadata of committed offsets for onAdjust, which the
// client calls next and which gets the offsets only.
func (s *session) onFetched(_ context.Context, _ *kgo.Client, resp *kmsg.OffsetFetchResponse) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	keep := func(topic string, partition int32, offset int64, meta *string) {
		f := fetched{offset: offset}
		if meta != nil {
			f.meta = *meta
		}
		if s.fetched[topic] == nil {
			s.fetched[topic] = map[int32]fetched{}
		}
		s.fetched[topic][partition] = f
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

// onAdjust makes the state of newly assigned partitions and says where they
// are read from. It is the only place where a position is chosen: the client
// itself never resets one.
func (s *session) onAdjust(ctx context.Context, assigned map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	if len(assigned) == 0 {
		return assigned, nil
	}
	topics := make([]string, 0, len(assigned))
	for t := range assigned {
		topics = append(topics, t)
	}
	starts, ends, err := s.w.bounds(ctx, topics...)
	if err != nil {
		return nil, err
	}
	details, err := s.w.adm.ListTopics(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	anchors, err := s.anchors(ctx, assigned)
	if err != nil {
		return nil, err
	}
	shared := s.shared.Load()
	uneven, err := s.uneven(ctx, *shared, assigned)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	switch member, generation := s.cl.GroupMetadata(); {
	case !s.holds():
		s.member = member
		s.generations.forget(generation)
	case member != s.member && !brokenMember:
		s.fail(errRemoved)
	}
	// The client keeps a partition paused that it loses, also when it gets
	// the partition back.
	resumed := map[string][]int32{}
	for topic, parts := range assigned {
		for id := range parts {
			resumed[topic] = append(resumed[topic], id)
		}
	}
	s.cl.ResumeFetchPartitions(resumed)
	for topic, parts := range assigned {
		src := s.sources[topic]
		if src == nil {
			if src = s.newSource(topic); src == nil {
				delete(assigned, topic)
				continue
			}
			if src.hold = s.w.holds[topic]; src.hold != nil {
				src.problems.set(causeOutput, src.hold.text)
			}
			_, src.doubt = anchors[topic]
			src.sharing = s.sharing(src)
			src.agent.Share(src.sharing)
			s.sources[topic] = src
		} else if _, doubt := anchors[topic]; doubt && !src.doubt {
			src.doubt, s.newTopics = true, true
		}
		src.topicID = details[topic].ID
		if src.merges == "" {
			src.uneven, src.judged = uneven[topic], shared
			src.agent.SetPartitions(len(ends[topic]))
		}
		for id := range parts {
			if src.merges != "" && id != 0 { // nothing is written there
				delete(parts, id)
				continue
			}
			start, end := starts[topic][id].Offset, ends[topic][id].Offset
			old, committed := s.fetched[topic][id]
			offset, c, lost, err := s.resume(src, id, start, end, anchors)
			delete(s.fetched[topic], id)
			if err != nil {
				src.problems.set(causePosition, err.Error())
				src.log.Error("partition cannot be read", "partition", id, "err", err)
				delete(parts, id)
				continue
			}
			p := newPart(src, id, offset, c)
			p.end, p.since, p.arrived, p.offset = end, now, now, offset
			p.fresh = !committed || old.offset < 0
			p.moved = p.fresh // so that it is known what is final
			p.Lose(lost)
			if p.Position() >= end {
				p.caught = now
			}
			src.parts[id] = p
			if invariants.Enabled {
				s.remember(p)
			}
			parts[id] = kgo.NewOffset().At(offset)
			if s.w.ending != nil && src.merges == "" {
				src.stop[id] = s.w.stopOffset(topic, id, end)
			}
		}
		src.waits = s.waits(src)
		src.news, s.newTopics = true, true
		s.failIfTorn(src)
	}
	return assigned, nil
}

// holds reports whether any partition is assigned.
func (s *session) holds() bool {
	for _, src := range s.sources {
		if len(src.parts) > 0 {
			return true
		}
	}
	return false
}

// resume decides where a partition is read from, given what the group's
// coordinator holds and the partition's start and end offsets. lost is how
// many offsets were deleted before anybody read them.
func (s *session) resume(src *source, id int32, start, end int64, anchors map[string]anchor) (offset int64, c agent.Checkpoint, lost int64, err error) {
	f, ok := s.fetched[src.topic][id]
	if !ok || f.offset < 0 {
		a, ok := anchors[src.agent.Topic]
		switch {
		case !ok:
			return start, agent.Fresh(start), 0, nil
		case src.merges != "":
			return start, a.partials(start, end), 0, nil
		}
		if a.heads[id] > end {
			return 0, c, 0, fmt.Errorf("windows of %s have records up to offset %d of partition %d, which ends at %d: the log was cut off, or the topic was made again while the group's offsets were lost; set the offsets of group %s to go on", src.into, a.heads[id], id, end, s.w.cfg.Worker.Group)
		}
		src.log.Warn("the group has no offset for this partition; windows that are out stay out", "partition", id, "aggregated_topic", src.into, "out_up_to", time.Unix(0, a.final).UTC())
		return start, a.checkpoint(id, start), 0, nil
	}
	log := src.log.With("partition", id, "offset", f.offset)
	if f.offset > end {
		return 0, c, 0, fmt.Errorf("the committed offset %d of partition %d is beyond the end %d of the partition: the log was cut off, or the group's offsets were altered; reset the offsets of group %s to go on", f.offset, id, end, s.w.cfg.Worker.Group)
	}
	if f.meta == "" {
		log.Warn("committed offset has no checkpoint, it was set by another program; windows from here on come out again")
		low := max(f.offset, start)
		return low, agent.Fresh(low), low - f.offset, nil
	}
	c, err = agent.DecodeCheckpoint(f.meta)
	if err != nil {
		return 0, c, 0, fmt.Errorf("metadata of the committed offset %d of partition %d: %w; upgrade this worker, or reset the offsets of group %s", f.offset, id, err, s.w.cfg.Worker.Group)
	}
	var none [16]byte
	switch {
	case c.TopicID != src.topicID && c.TopicID != none && src.topicID != none && c.Cluster == s.cluster:
		log.Warn("the topic was deleted and made again; reading it from its start, windows that were out stay out")
		fresh := agent.Fresh(start)
		fresh.Final, fresh.Shipped = c.Final, c.Shipped
		return start, fresh, 0, nil
	case c.Cluster != s.cluster:
		log.Warn("the committed offset comes from another cluster; windows that were out stay out")
		low := max(f.offset, start)
		fresh := agent.Fresh(low)
		fresh.Final = c.Final
		return low, fresh, low - f.offset, nil
	}
	offset = f.offset
	if offset < start {
		lost = max(0, start-c.Head)
		log.Warn("records were deleted while this group was away", "log_start", start, "lost", lost)
		offset = start
	}
	if c.Head > end {
		log.Error("the log was cut off below what has been read", "head", c.Head, "end", end)
		c.Head = end
	}
	c.Head = max(c.Head, offset)
	if brokenReplay {
		c.Head, c.Count, c.Hash = offset, 0, 0
	}
	return offset, c, lost, nil
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
		for _, id := range parts {
			src.agent.Revoke(id)
			delete(src.parts, id)
		}
		switch {
		case brokenRevoke && src.undelivered():
		case len(src.parts) == 0:
			s.drop(src)
		case src.undelivered():
			// Windows of a part of the topic are computed and taken out of
			// its other partitions, but may not be delivered any more.
			s.fail(fmt.Errorf("topic %s was taken away in part", topic))
		}
		src.news = true
		s.failIfTorn(src)
		delete(s.fetched, topic)
	}
}

// failIfTorn ends the session if records were passed over that are not behind
// an end any more.
func (s *session) failIfTorn(src *source) {
	if src.torn() {
		s.fail(fmt.Errorf("topic %s, which was read to the end that --stop-at-end asked for, is shared out", src.topic))
	}
}

// drop forgets a source, with what is pending of it.
func (s *session) drop(src *source) {
	if len(src.pending) > 0 {
		s.verifyDropped(src.agent.Topic)
	}
	delete(s.sources, src.topic)
}

// newSource makes the agent of a topic; nil if the topic is not selected.
func (s *session) newSource(topic string) *source {
	merges := s.w.sourceOf(topic, s.known)
	of := cmp.Or(merges, topic)
	choice, ok := s.w.selector.Select(of)
	if !ok {
		return nil
	}
	j := s.w.jobs[choice.Aggregation]
	set := j.set
	set.Once = s.once()
	return &source{
		topic: topic, merges: merges, job: j, into: choice.AggregatedTopic, partials: choice.PartialsTopic, agent: agent.New(of, set),
		parts: map[int32]*part{}, schemas: map[int]*schema{}, resolving: noSchema, problems: problems{}, stop: map[int32]int64{},
		log: s.w.log.With("topic", topic), merged: window.Unset,
	}
}

// newPart makes the state of a partition that is resumed at offset.
func newPart(src *source, id int32, offset int64, c agent.Checkpoint) *part {
	p := &part{source: src, id: id, waiting: noSchema, plans: map[int]*agent.Plan{}, merges: map[int]*agent.MergePlan{}}
	if src.merges != "" {
		p.merger = src.agent.Merge(offset, c)
		p.Feed = p.merger.Feed
	} else {
		p.windows = src.agent.Assign(id, offset, c)
		p.Feed = p.windows.Feed
	}
	return p
}

// fatalFetch reports whether a fetch error means that the session's positions
// are not to be trusted any more.
func fatalFetch(err error) bool {
	var loss *kgo.ErrDataLoss
	return errors.Is(err, kerr.OffsetOutOfRange) || errors.Is(err, kerr.UnknownTopicID) ||
		errors.Is(err, kerr.InconsistentTopicID) || errors.As(err, &loss)
}
