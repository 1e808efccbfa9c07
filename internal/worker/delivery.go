package worker

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// errAborted: a transaction was not committed. The state that it came from
// must be dropped.
var errAborted = errors.New("the transaction was not committed")

// deliver writes what is pending of the sources together with their offsets.
// After an error the session is over: whether a transaction took effect or
// not, the truth is with the brokers. That a topic refuses records is no such
// error: it is known that nothing took effect, so what waits for that topic
// stays where it is, and the rest is delivered without it.
func (s *session) deliver(ss []*source) error {
	start := time.Now()
	ss = slices.DeleteFunc(s.ship(ss, start), func(src *source) bool { return s.oversized(src, start) })
	for len(ss) > 0 {
		delivered, refused, err := s.attempt(ss)
		if err != nil || len(delivered) == 0 {
			s.w.counters.aborts.Add(1)
		}
		if err != nil {
			return err
		}
		now := time.Now()
		if len(delivered) > 0 {
			s.w.counters.commitDuration.observe(now.Sub(start))
			s.w.counters.commits.Add(1)
		}
		for _, src := range delivered {
			s.delivered(src, now)
		}
		ss = slices.DeleteFunc(slices.Clone(ss), func(src *source) bool {
			return slices.Contains(delivered, src) || !s.takeRefusals(src, refused, now)
		})
		start = now
	}
	return nil
}

// attempt writes and commits once. Those of the sources that are not among the
// delivered are as they were; some of their records were refused, or those of
// others in the same transaction.
func (s *session) attempt(ss []*source) (delivered []*source, refused refusals, err error) {
	for _, src := range ss {
		src.out.dropped.tell(s.w, src, false)
	}
	offsets := s.low(ss, false)
	if s.w.cfg.Worker.Delivery == config.ExactlyOnce && slices.ContainsFunc(ss, func(src *source) bool { return src.out.hasRecords() }) {
		if refused, err = s.committer.transact(ss, offsets); err != nil || len(refused) > 0 {
			if err != nil {
				s.rememberRefusals(ss, refused, err)
			}
			return nil, refused, err
		}
		s.settle(offsets)
		return ss, nil, nil
	}
	if refused, _, err = s.committer.produce(ss); err != nil {
		return nil, nil, err
	}
	for _, src := range ss {
		if refused.of(src) {
			s.w.total(src.topic).windows += int64(src.out.keep(refused)) // the rest is written
		} else {
			delivered = append(delivered, src)
		}
	}
	err = s.commitPlain(slices.DeleteFunc(offsets, func(o offset) bool { return refused.of(o.source) }))
	return delivered, refused, err
}

// rememberRefusals has the next session know from the start what was refused.
func (s *session) rememberRefusals(ss []*source, refused refusals, err error) {
	var of *offsetError
	for _, src := range ss {
		if refused.of(src) {
			s.takeRefusals(src, refused, time.Now())
		}
		if errors.As(err, &of) && of.topic == src.topic && ofPartition(of) {
			s.holdBack(src, src.topic, fmt.Errorf("the group's offsets are not taken: %w", of), 0, time.Now())
		}
	}
}

// delivered notes that all that was pending of a source is written, and its
// offsets are committed.
func (s *session) delivered(src *source, now time.Time) {
	for _, due := range src.out.due {
		s.w.counters.resultLatency.observe(max(0, now.Sub(due)))
	}
	total := s.w.total(src.topic)
	total.windows += int64(len(src.out.windows))
	total.unsent += src.out.unsent
	src.out.dropped.tell(s.w, src, true)
	for _, l := range src.out.letters {
		s.w.box(l.topic).taken()
	}
	src.out.clear()
	if src.agent.Complete() {
		src.split.partlyCommitted = nil
	}
	s.free(src)
	s.advance(src)
}

// settle notes that offsets are committed.
func (s *session) settle(offsets []offset) {
	for _, o := range offsets {
		s.w.total(o.source.topic).add(&o.Counts, &o.last.counts)
		o.last = commit{offset: o.low, counts: o.Counts}
		if o.verdicts != nil {
			o.verdicts.Committed(o.low)
		}
	}
}
