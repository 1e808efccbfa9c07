package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// run turns the loop until ctx ends (nil), the end is reached (nil, with
// StopAtEnd), or the session fails.
func (s *session) run(ctx context.Context) error {
	defer func() {
		s.cancel()
		s.cl.CloseAllowingRebalance() // its callbacks start helpers too
		s.helpers.wait()
	}()
	s.helpers.Go(s.watchTopics)
	s.helpers.Go(s.watchClock)
	if s.w.cfg.Worker.Delivery == config.ExactlyOnce {
		// Done while the group forms; the first transaction would do it itself.
		s.helpers.Go(func() { _, _, _ = s.cl.ProducerID(s.ctx) })
		if !s.w.sought.Load() {
			s.helpers.Go(s.abandoned.once)
		}
	}
	now := time.Now()
	s.delivery.cadence.committed, s.w.meter.measured, s.delivery.cadence.delivered = now, now, now
	for wait := pollWait; ; {
		ended, next, err := s.locked(ctx, s.poll(ctx, wait))
		wait = next
		s.cl.AllowRebalance()
		if err != nil || ended {
			return err
		}
		if pause := pollPause - time.Since(s.iteration.polled); pause > 0 && !s.iteration.lagging() {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
		s.iteration.polled = time.Now()
	}
}

// locked is an iteration that holds the mutex, also if it panics: the client cannot
// be closed otherwise, and the process would stay. wait is how long the next
// poll may wait.
func (s *session) locked(ctx context.Context, fs kgo.Fetches) (ended bool, wait time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ended, err = s.iterate(ctx, fs)
	return ended, s.patience(), err
}

// patience is how long the next poll may wait for records: less if there is
// other work to do soon.
func (s *session) patience() time.Duration {
	d := pollWait
	if s.delivery.cadence.waiting {
		d = min(d, max(time.Millisecond, s.delivery.interval()-time.Since(s.delivery.cadence.delivered)))
	}
	return d
}

// iterate is one iteration of the loop.
func (s *session) iterate(ctx context.Context, fs kgo.Fetches) (ended bool, err error) {
	now := time.Now()
	s.w.beat(now)
	if fs.IsClientClosed() || s.hard.Err() != nil {
		return true, s.hard.Err()
	}
	records := fs.NumRecords()
	s.receive(fs, now)
	s.delivery.release(now)
	s.drain()
	s.reshare(now)
	s.placing.placeAgain(now)
	if s.failed != nil {
		return true, s.failed
	}
	s.iteration.forgetGone()
	s.judgeClock(now)
	s.process(now)
	if len(s.iteration.touched) > 0 { // an iteration without news says nothing about the lag
		s.iteration.behind = 0
	}
	for _, src := range s.iteration.touched {
		s.iteration.behind += src.lag()
		s.phases.advance(src)
	}
	s.finish(s.iteration.touched, now)
	for _, src := range s.iteration.touched {
		src.touched = false
		s.phases.advance(src)
		s.pause(src)
		s.tellLate(src, now)
	}
	s.fetching.tell(s.cl)
	s.iteration.touched = s.iteration.touched[:0]
	stopping := ctx.Err() != nil
	s.iteration.limit = pace(s.iteration.limit, records, time.Since(now))
	all := s.w.ending != nil && s.allFinished(now)
	if err := s.delivery.commit(now, stopping || all); err != nil {
		return true, err
	}
	if now.Sub(s.ends.looked) >= s.ends.idleTick() {
		s.ends.looked = now
		s.ends.idle(now)
		s.lookForMadeAgain()
	}
	s.flow.follow(now)
	s.flow.purge(now)
	s.rates(now)
	if stopping || all {
		s.reported = time.Time{} // the last word is not left out
	}
	s.report(now)
	if all && !stopping {
		return s.delivery.atEnd()
	}
	return stopping, nil
}

// receive takes fetched records to their partitions.
func (s *session) receive(fs kgo.Fetches, now time.Time) {
	var group *kgo.ErrGroupSession
	fs.EachError(func(topic string, id int32, err error) {
		switch {
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, kgo.ErrClientClosed):
		case errors.Is(err, kerr.FencedInstanceID):
			s.fail(fmt.Errorf("another worker has the id %q: %w", s.w.cfg.Worker.ID, err))
		case errors.As(err, &group):
			s.member.outOfGroup(group.Err, now)
		case errors.Is(err, kerr.OffsetOutOfRange):
			if src := s.sources[topic]; src != nil && src.parts[id] != nil {
				s.startOver(src, fmt.Errorf("read partition %d: %w", id, err), now)
			}
		case errors.As(err, new(*kgo.ErrDataLoss)):
			if src := s.sources[topic]; src != nil {
				src.log.Warn("reading the topic again from what is committed", "partition", id, "err", err)
				s.forget([]string{topic})
				s.cl.AddConsumeTopics(topic)
			}
		case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID):
			s.topics.lookSoon() // it may have been made again
		default:
			s.unreadable(topic, id, err, now)
		}
	})
	fs.EachPartition(func(fp kgo.FetchTopicPartition) {
		src := s.sources[fp.Topic]
		if src == nil {
			return
		}
		p := src.parts[fp.Partition]
		if p == nil {
			return
		}
		p.tail.end = max(p.tail.end, fp.HighWatermark)
		if len(fp.Records) == 0 {
			return
		}
		delete(src.fetchErrors, fp.Partition)
		src.stampedOnArrival = arrived(fp.Records[len(fp.Records)-1])
		s.phases.clock.take(p, p.newestTimes(fp.Records, now), now)
		p.tail.arrived, p.tail.caught, p.last.moved = now, time.Time{}, true
		p.batch = append(p.batch, fp.Records...)
		s.enqueue(p)
		src.touch(s)
	})
}

// enqueue has a partition's batch processed in this iteration, unless it has to
// wait: for its schema or topic, for its aggregated topic, or for the other partitions
// of its topic. These know what is final; a record read before would get into
// a window that is out.
func (s *session) enqueue(p *part) {
	if !p.waits() && !p.queued && p.source.phase.reads() {
		p.queued = true
		s.iteration.ready = append(s.iteration.ready, p)
	}
}

func (src *source) touch(s *session) {
	if !src.touched {
		src.touched = true
		s.iteration.touched = append(s.iteration.touched, src)
	}
}

// iteration is what one iteration of the loop works on, and what the last one found.
type iteration struct {
	ready   []*part // have records to process
	touched []*source
	tasks   []task
	closing []agent.Window
	behind  int64 // offsets that the touched sources were behind
	limit   int   // records that are polled at once, 0: all
	polled  time.Time
}

// lagging reports whether there is more to read at once.
func (it *iteration) lagging() bool { return it.behind > lagLimit }

// forgetGone leaves sources out that were taken away, or started over, since
// something of them was to be looked at in this iteration.
func (it *iteration) forgetGone() {
	it.ready = slices.DeleteFunc(it.ready, func(p *part) bool { return p.source.phase == phaseGone })
	it.touched = slices.DeleteFunc(it.touched, func(src *source) bool { return src.phase == phaseGone })
}

// process decodes the batches, each partition in one lane.
func (s *session) process(now time.Time) {
	records := 0
	for _, p := range s.iteration.ready {
		records += len(p.batch) * p.source.fields()
	}
	s.w.lanes.each(len(s.iteration.ready), records < smallWork, func(_, i int) { s.iteration.ready[i].process(now, s.w.cfg.DeadLetterTopic) })
	for _, p := range s.iteration.ready {
		p.queued = false
		src := p.source
		for _, l := range p.letters {
			src.out.bytes += len(l.key) + len(l.value)
		}
		src.out.letters = append(src.out.letters, p.letters...)
		clear(p.letters)
		p.letters = p.letters[:0]
		if p.waiting != noSchema {
			s.request(p)
		}
	}
	clear(s.iteration.ready)
	s.iteration.ready = s.iteration.ready[:0]
}

// drain does what helpers have asked for, and then looks at the sources that
// have news.
func (s *session) drain() {
	s.helpers.drain()
	for _, src := range s.sources {
		if !src.news {
			continue
		}
		src.news = false
		s.lookAt(src)
	}
}

// lookAt has a source looked at in this iteration, with the records that wait in it.
func (s *session) lookAt(src *source) {
	src.touch(s)
	for _, p := range src.parts {
		if len(p.batch) > 0 {
			s.enqueue(p)
		}
	}
}

// poll waits for records, no longer than wait or until there is other news.
func (s *session) poll(ctx context.Context, wait time.Duration) kgo.Fetches {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	s.helpers.interrupt(cancel)
	return s.cl.PollRecords(ctx, s.iteration.limit)
}
