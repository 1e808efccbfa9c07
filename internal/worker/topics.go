package worker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/lsst-sqre/kafka-aggregator/internal/assignment"
	"github.com/lsst-sqre/kafka-aggregator/internal/brokers"
)

// found is what a look at the cluster's topics gave: the source topics, and
// those with the partials of one.
type found map[string]topicView

// topicView is a topic as the brokers describe it.
type topicView struct {
	id         [16]byte // zero if the brokers give none
	partitions int
	leaderless []int32 // partitions without a leader
	merges     string  // of a topic with partials: the source topic
	err        error   // the brokers know the topic, but do not describe it now
}

// discover lists the source topics.
func (w *Worker) discover(ctx context.Context) (found, error) {
	ctx, cancel := context.WithTimeout(ctx, brokers.AdminTimeout)
	defer cancel()
	all, err := w.brokers.Describe(ctx)
	if err != nil {
		return nil, err
	}
	w.warnOfNames(all)
	f := found{}
	for topic, d := range all {
		c, ok := w.selector.Select(topic)
		if !ok {
			continue
		}
		f[topic] = viewOf(d, "")
		if p, ok := all[c.PartialsTopic]; ok && p.Err == nil && len(p.Partitions) > 0 {
			f[c.PartialsTopic] = viewOf(p, topic)
		}
	}
	return f, nil
}

func viewOf(d kadm.TopicDetail, merges string) topicView {
	v := topicView{id: d.ID, partitions: len(d.Partitions), merges: merges, err: d.Err}
	if v.err == nil && v.partitions == 0 {
		v.err = kerr.UnknownTopicOrPartition
	}
	for _, p := range d.Partitions.Sorted() {
		if p.Leader < 0 || p.Err != nil {
			v.leaderless = append(v.leaderless, p.Partition)
		}
	}
	return v
}

// topics are those that can be consumed, by name.
func (f found) topics() (names []string) {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if f[name].err == nil {
			names = append(names, name)
		}
	}
	return names
}

// watchTopics looks for new topics and partitions until the session ends.
func (s *session) watchTopics() {
	for {
		refresh := time.After(s.w.cfg.Worker.TopicRefresh)
		select { // no more often, whatever the reasons
		case <-time.After(min(time.Second, s.w.cfg.Worker.TopicRefresh)):
		case <-s.ctx.Done():
			return
		}
		select {
		case <-refresh:
		case <-s.stale:
		case <-s.ctx.Done():
			return
		}
		asked := time.Now()
		f, err := s.w.discover(s.ctx)
		if err != nil {
			if s.ctx.Err() == nil {
				s.w.log.Warn("looking for new topics failed", "err", err)
			}
			continue
		}
		described := f.topics()
		if !s.notify(func() { s.update(f); s.takeTopics(described, asked, time.Now()) }) {
			return
		}
	}
}

// lookSoon has the topics looked at before it is time.
func (s *session) lookSoon() {
	select {
	case s.stale <- struct{}{}:
	default:
	}
}

// update takes a look at the cluster's topics into the loop.
func (s *session) update(f found) {
	var added, gone, again []string
	grown := false
	for topic, now := range f {
		before, known := s.known[topic]
		switch {
		case now.err != nil:
			if known { // what was known of it holds until the brokers say more
				f[topic] = before
			} else {
				delete(f, topic) // it is new when they do
			}
			continue
		case !known:
			added = append(added, topic)
		case other(before.id, now.id):
			again = append(again, topic)
			continue
		case before.partitions != now.partitions:
			grown = true
		}
		src := s.sources[topic]
		if src == nil {
			continue
		}
		src.tellLeaderless(now.leaderless)
		if src.merges != "" {
			continue
		}
		s.setPartitions(src, now.partitions)
		src.news = true
	}
	for topic := range s.known {
		if _, ok := f[topic]; !ok {
			gone = append(gone, topic)
		}
	}
	s.known, s.newTopics = f, true
	for _, src := range s.sources {
		s.advance(src)
	}
	if len(added) > 0 {
		slices.Sort(added)
		s.w.log.Info("new source topics", "topics", added)
		s.cl.AddConsumeTopics(added...)
	}
	if grown { // the leader of the group assigns what its client knows
		s.cl.ForceMetadataRefresh()
	}
	if len(gone) > 0 {
		slices.Sort(gone)
		s.w.log.Warn("source topics are gone", "topics", gone)
		s.forget(gone)
	}
	if len(again) > 0 {
		// The client reads a topic by its id, and does not follow a name to
		// another topic by itself.
		slices.Sort(again)
		s.w.log.Warn("source topics were deleted and made again", "topics", again)
		s.forget(again)
		s.cl.AddConsumeTopics(again...)
	}
	if !grown && len(added)+len(gone)+len(again) == 0 { // else there will be another assignment
		s.judgeAssignment()
	}
}

// judgeAssignment asks for another assignment if the topics are not those that
// the last one rests on, or a topic must not be shared out as it is. The leader
// of the group learns of new partitions by itself while it is a member; but one
// with an id of its own that was started again is given what was assigned
// before, without being asked what there is now.
func (s *session) judgeAssignment() {
	a := s.assigned.Load()
	if a == nil {
		return
	}
	fits := !a.Known || a.Basis == assignment.BasisOf(func(yield func(string, int) bool) {
		for topic, v := range s.known {
			if !yield(topic, v.partitions) {
				return
			}
		}
	})
	why := "it was made for other topics or partitions than there are now"
	for _, topic := range slices.Sorted(maps.Keys(s.sources)) {
		src := s.sources[topic]
		if fits && src.partlyCommitted != nil && len(src.unplaced) == 0 && !src.informed() {
			fits, why = false, fmt.Sprintf("topic %s is shared out, and it is not known of all its partitions what is final", topic)
		}
	}
	if !fits && s.outdated.Asked() == 0 {
		s.lookSoon()
	}
	if s.outdated.Look(fits) {
		s.w.log.Info("asking the group for a new assignment", "why", why)
		s.cl.ForceRebalance()
	}
}

// forget drops topics with all that is known of them.
func (s *session) forget(topics []string) {
	s.cl.PurgeTopicsFromConsuming(topics...)
	for _, topic := range topics {
		if src := s.sources[topic]; src != nil {
			s.drop(src)
		}
	}
}

// tellLeaderless notes the partitions that nobody can be asked about.
func (src *source) tellLeaderless(ids []int32) {
	if len(ids) == 0 {
		src.problems.clear(causeLeader)
		return
	}
	src.problems.set(causeLeader, fmt.Sprintf("partitions %v have no leader: no broker that is there has them; the topic's windows wait", ids))
}

// look asks for the end offsets of sources, away from the loop. What the leader
// of some of their partitions says does not wait for the others.
func (s *session) look(sources []*source) {
	l := brokers.Leaders{}
	for _, src := range sources {
		for id := range src.parts {
			if leader, _, err := s.cl.PartitionLeader(src.topic, id); err == nil && leader >= 0 {
				l.Add(leader, src.topic, id)
			}
		}
	}
	for leader, topics := range l {
		if s.looking[leader] {
			continue // it has not answered the last question
		}
		s.looking[leader] = true
		asked := time.Now() // at this moment the ends were at least so
		s.helpers.Go(func() {
			ctx, cancel := context.WithTimeout(s.ctx, brokers.AdminTimeout)
			defer cancel()
			brokers.Leaders{leader: topics}.Ask(ctx, s.cl, brokers.LogEnd, brokers.AllRecords, func(answers []brokers.LeaderOffset) {
				s.notify(func() {
					delete(s.looking, leader)
					s.takeEnds(asked, answers)
				})
			})
		})
	}
}

// idleTick is how often partitions are looked at that may have gone silent.
func (s *session) idleTick() time.Duration {
	return min(time.Second, max(50*time.Millisecond, s.w.minIdle/10))
}

// idle looks for partitions that hold up windows and may have gone silent,
// and asks for their end offsets: what closes a window by the clock is the
// broker's word that there is nothing more to read, not the lack of news. Of a
// source without open windows, that only ships, the word is needed once for
// each claim.
func (s *session) idle(now time.Time) {
	var ask []*source
	for _, src := range s.sources {
		if src.merges != "" || !src.phase.reads() {
			continue
		}
		silent := false
		open := 0
		for _, p := range src.parts {
			silent = silent || len(p.batch) == 0 && now.Sub(p.arrived) >= time.Duration(src.job.set.IdleAfter)
			_, n := p.OpenRows()
			open += n
		}
		if silent && (open > 0 || src.agent.Ships() && now.Sub(src.looked) >= claimEvery-s.idleTick()) {
			src.news = src.news || brokenIdle
			src.looked = now
			ask = append(ask, src)
		}
	}
	s.look(ask)
}

// takeEnds notes which partitions are read to their end. The question for it was
// asked at a time.
func (s *session) takeEnds(asked time.Time, ends []brokers.LeaderOffset) {
	for _, e := range ends {
		src := s.sources[e.Topic]
		if src == nil || e.Err != nil {
			continue
		}
		p := src.parts[e.Partition]
		if p == nil {
			continue
		}
		p.end = max(p.end, e.Offset)
		switch at := p.Position(); {
		case at > e.Offset: // of another topic, which was made under its name, or its leader is new
			s.lookSoon()
		case at == e.Offset && p.arrived.Before(asked):
			p.caught = asked
			src.news = true
		}
	}
}
