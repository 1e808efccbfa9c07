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
		c, ok := w.selection.selector.Select(topic)
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
		case <-s.topics.stale:
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
		if !s.helpers.notify(func() { s.update(f); s.takeTopics(described, asked, time.Now()) }) {
			return
		}
	}
}

// catalog is what a session knows of the topics that there are.
type catalog struct {
	cluster  uint64 // hash of the id of the cluster that they are in
	known    found
	changed  bool          // sources have not followed yet
	stale    chan struct{} // there is reason to look at them
	outdated assignment.Outdated
}

// lookSoon has the topics looked at before it is time.
func (c *catalog) lookSoon() {
	select {
	case c.stale <- struct{}{}:
	default:
	}
}

// hasPartials reports whether the topic for the partials of a source is known here.
func (c *catalog) hasPartials(src *source) bool {
	_, ok := c.known[src.partials]
	return ok
}

// ships reports whether a source has a merging worker to keep informed.
func (c *catalog) ships(src *source) bool { return src.agent.Ships() && c.hasPartials(src) }

// lacksPartials reports whether a source has something to ship, or did ship, and its
// topic for partials is not known here yet.
func (c *catalog) lacksPartials(src *source) bool { return src.agent.Ships() && !c.hasPartials(src) }

// update takes a look at the cluster's topics into the loop.
func (s *session) update(f found) {
	var added, gone, again []string
	grown := false
	for topic, now := range f {
		before, known := s.topics.known[topic]
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
		s.shares.setPartitions(src, now.partitions)
		src.news = true
	}
	for topic := range s.topics.known {
		if _, ok := f[topic]; !ok {
			gone = append(gone, topic)
		}
	}
	s.topics.known, s.topics.changed = f, true
	for _, src := range s.sources {
		s.phases.advance(src)
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
	a := s.shares.assigned.Load()
	if a == nil {
		return
	}
	fits := !a.Known || a.Basis == assignment.BasisOf(func(yield func(string, int) bool) {
		for topic, v := range s.topics.known {
			if !yield(topic, v.partitions) {
				return
			}
		}
	})
	why := "it was made for other topics or partitions than there are now"
	for _, topic := range slices.Sorted(maps.Keys(s.sources)) {
		src := s.sources[topic]
		if fits && src.split.partlyCommitted != nil && len(src.placement.unplaced) == 0 && !src.informed() {
			fits, why = false, fmt.Sprintf("topic %s is shared out, and it is not known of all its partitions what is final", topic)
		}
	}
	if fits && !a.Knows(string(s.w.cfg.Fingerprint())) { // it was given what was assigned before
		fits, why = false, "the leader of the group does not know of this worker's configuration"
	}
	if !fits && s.topics.outdated.Asked() == 0 {
		s.topics.lookSoon()
	}
	if s.topics.outdated.Look(fits) {
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
