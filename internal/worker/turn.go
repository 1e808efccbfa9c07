package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// run turns the loop until ctx ends (nil), the end is reached (nil, with
// StopAtEnd), or the session fails.
func (s *session) run(ctx context.Context) error {
	defer func() {
		s.cancel()
		s.cl.CloseAllowingRebalance() // its callbacks start helpers too
		s.helpers.Wait()
	}()
	s.helpers.Go(s.watchTopics)
	if s.w.cfg.Worker.Delivery == config.ExactlyOnce {
		// Done while the group forms; the first transaction would do it itself.
		s.helpers.Go(func() { _, _, _ = s.cl.ProducerID(s.ctx) })
		if !s.w.sought.Load() {
			s.helpers.Go(s.orphansOnce)
		}
	}
	now := time.Now()
	s.lastCommit, s.lastRate, s.lastDelivery = now, now, now
	for wait := pollWait; ; {
		ended, next, err := s.locked(ctx, s.poll(ctx, wait))
		wait = next
		s.cl.AllowRebalance()
		if err != nil || ended {
			return err
		}
		if pause := pollPause - time.Since(s.lastPoll); pause > 0 && !s.lagging() {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
		s.lastPoll = time.Now()
	}
}

// locked is a turn that holds the mutex, also if it panics: the client cannot
// be closed otherwise, and the process would stay. wait is how long the next
// poll may wait.
func (s *session) locked(ctx context.Context, fs kgo.Fetches) (ended bool, wait time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ended, err = s.turn(ctx, fs)
	return ended, s.patience(), err
}

// patience is how long the next poll may wait for records: less if there is
// other work to do soon.
func (s *session) patience() time.Duration {
	d := pollWait
	if s.waiting {
		d = min(d, max(time.Millisecond, s.interval()-time.Since(s.lastDelivery)))
	}
	return d
}

// interval is the least time between two deliveries.
func (s *session) interval() time.Duration {
	if s.lagging() {
		return max(s.w.cfg.Worker.CommitInterval, catchUpInterval)
	}
	return s.w.cfg.Worker.CommitInterval
}

// turn is one turn of the loop.
func (s *session) turn(ctx context.Context, fs kgo.Fetches) (ended bool, err error) {
	now := time.Now()
	s.w.beat(now)
	if fs.IsClientClosed() || s.hard.Err() != nil {
		return true, s.hard.Err()
	}
	records := fs.NumRecords()
	s.receive(fs, now)
	s.release(now)
	s.drain()
	s.reshare(now)
	s.placeAgain(now)
	if s.failed != nil {
		return true, s.failed
	}
	s.forgetGone()
	s.process(now)
	if len(s.touched) > 0 { // a turn without news says nothing about the lag
		s.behind = 0
	}
	for _, src := range s.touched {
		s.behind += src.lag()
		s.advance(src)
	}
	s.finish(s.touched, now)
	for _, src := range s.touched {
		src.touched = false
		s.advance(src)
		s.pause(src)
		s.tellLate(src, now)
	}
	s.tellPaused()
	s.touched = s.touched[:0]
	stopping := ctx.Err() != nil
	s.limit = pace(s.limit, records, time.Since(now))
	all := s.w.ending != nil && s.allFinished(now)
	if err := s.commit(now, stopping || all); err != nil {
		return true, err
	}
	if now.Sub(s.lastIdle) >= s.idleTick() {
		s.lastIdle = now
		s.idle(now)
		s.wonder()
	}
	s.follow(now)
	s.purge(now)
	s.rates(now)
	if stopping || all {
		s.lastStatus = time.Time{} // the last word is not left out
	}
	s.report(now)
	if all && !stopping {
		return s.atEnd()
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
			s.outOfGroup(group.Err, now)
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
			s.lookSoon() // it may have been made again
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
		p.end = max(p.end, fp.HighWatermark)
		if len(fp.Records) == 0 {
			return
		}
		delete(src.fetchErrors, fp.Partition)
		p.arrived, p.caught, p.moved = now, time.Time{}, true
		p.batch = append(p.batch, fp.Records...)
		s.enqueue(p)
		src.touch(s)
	})
}

// enqueue has a partition's batch processed in this turn, unless it has to
// wait: for its schema or topic, for its aggregated topic, or for the other partitions
// of its topic. These know what is final; a record read before would get into
// a window that is out.
func (s *session) enqueue(p *part) {
	if !p.waits() && !p.queued && p.source.phase.reads() {
		p.queued = true
		s.ready = append(s.ready, p)
	}
}

func (src *source) touch(s *session) {
	if !src.touched {
		src.touched = true
		s.touched = append(s.touched, src)
	}
}

// forgetGone leaves sources out that were taken away, or started over, since
// something of them was to be looked at in this turn.
func (s *session) forgetGone() {
	s.ready = slices.DeleteFunc(s.ready, func(p *part) bool { return p.source.phase == phaseGone })
	s.touched = slices.DeleteFunc(s.touched, func(src *source) bool { return src.phase == phaseGone })
}

// process decodes the batches, each partition in one lane.
func (s *session) process(now time.Time) {
	records := 0
	for _, p := range s.ready {
		records += len(p.batch) * p.source.fields()
	}
	s.lanes.each(len(s.ready), records < smallTurn, func(_, i int) { s.ready[i].process(now, s.w.cfg.DeadLetterTopic) })
	for _, p := range s.ready {
		p.queued = false
		src := p.source
		for _, l := range p.letters {
			src.bytes += len(l.key) + len(l.value)
		}
		src.letters = append(src.letters, p.letters...)
		clear(p.letters)
		p.letters = p.letters[:0]
		if p.waiting != noSchema {
			s.request(p)
		}
	}
	clear(s.ready)
	s.ready = s.ready[:0]
}

// lagging reports whether there is more to read at once.
func (s *session) lagging() bool { return s.behind > lagLimit }
