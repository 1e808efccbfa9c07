package worker

import (
	"errors"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
)

const (
	// claimEvery is how often a worker that ships says how far it is in time,
	// also without news: whoever merges counts on it to know who is silent.
	claimEvery = time.Second
	// unshippedEnough is how much memory records may take before they are
	// shipped at once.
	unshippedEnough = 16 << 20
)

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
		is := s.shares.sharing(src)
		if is != was && (is == agent.Shipping || was == agent.Shipping) {
			s.startOver(src, errors.New("its records are shipped from now on, or no more"), now)
			continue
		}
		src.split.sharing, src.news = is, true
		src.agent.Share(is)
		if v, ok := s.topics.known[src.topic]; ok && src.merges == "" {
			s.shares.setPartitions(src, v.partitions)
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
