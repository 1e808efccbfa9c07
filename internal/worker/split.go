package worker

import (
	"errors"
	"slices"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

const (
	// claimEvery is how often a worker that ships says how far it is in time,
	// also without news: whoever merges counts on it to know who is silent.
	claimEvery = time.Second
	// unshippedEnough is how much memory records may take before they are
	// shipped at once.
	unshippedEnough = 16 << 20
)

// sharing is how a source topic is shared now.
func (s *session) sharing(src *source) agent.Sharing {
	switch {
	case src.merges != "" || !s.topics.hasPartials(src):
		return agent.Alone
	case s.w.cfg.Worker.Delivery != config.ExactlyOnce, src.split.mayHaveShipped:
		return agent.Shipping
	case (*s.shares.now())[src.topic]:
		return agent.Split
	}
	return agent.Alone
}

// setPartitions tells a source how many partitions its topic has, by the
// brokers. One of them may not have heard of all yet, or what is assigned is of
// another topic or time: where partitions beyond are assigned here, or, of a topic
// that is shared out, all that there seem to be, there are others.
func (s *session) setPartitions(src *source, n int) {
	others := false
	if a := s.shares.assigned.Load(); a != nil {
		ids := a.Partitions[src.topic]
		others = (*s.shares.now())[src.topic] && len(ids) >= n ||
			slices.ContainsFunc(ids, func(id int32) bool { return int(id) >= n })
	}
	src.agent.SetPartitions(n, others)
}

// reshare has the sources follow a new assignment, or a topic for partials
// that has come; those that are to be shared get one.
func (s *session) reshare(now time.Time) {
	shared := s.shares.now()
	if shared == s.shares.seen && !s.topics.changed {
		return
	}
	if shared != s.shares.seen {
		s.member.outside = ""
	}
	s.shares.seen, s.topics.changed = shared, false
	for _, src := range s.sources {
		was := src.split.sharing
		is := s.sharing(src)
		if is != was && (is == agent.Shipping || was == agent.Shipping) {
			s.startOver(src, errors.New("its records are shipped from now on, or no more"), now)
			continue
		}
		src.split.sharing, src.news = is, true
		src.agent.Share(is)
		if v, ok := s.topics.known[src.topic]; ok && src.merges == "" {
			s.setPartitions(src, v.partitions)
		}
		if src.split.partlyCommitted != nil && src.split.partlyCommitted != shared && (*shared)[src.topic] {
			// The members have committed what they were given since this was
			// found: the leader shares out even topics only.
			src.split.partlyCommitted = nil
		}
		s.phases.advance(src)
		if ((*shared)[src.topic] || s.topics.lacksPartials(src)) && !s.topics.hasPartials(src) && !src.split.making {
			src.split.making = true
			s.helpers.Go(func() { s.makePartials(src) })
		}
	}
}

// makePartials makes the topic for the partials of a source, and has the loop
// look at the topics again.
func (s *session) makePartials(src *source) {
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, lastAsk) {
		err := s.w.brokers.EnsurePartials(s.ctx, src.partials)
		var f found
		if err == nil {
			f, err = s.w.discover(s.ctx)
		}
		if err == nil {
			if _, ok := f[src.partials]; ok {
				s.helpers.notify(func() {
					src.problems.clear(causePartials)
					s.update(f)
				})
				return
			}
		} else if s.ctx.Err() == nil {
			s.helpers.notify(func() { src.problems.set(causePartials, err.Error()) })
		}
		select {
		case <-time.After(wait):
		case <-s.ctx.Done():
			return
		}
	}
}
