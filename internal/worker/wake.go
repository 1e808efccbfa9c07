package worker

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// alarm lets a helper with news end the poll that the loop is in, or is about
// to begin.
type alarm struct {
	waiting atomic.Int32 // helpers with news
	cancel  atomic.Pointer[context.CancelFunc]
}

// notify has the loop do something in its next iteration, without waiting for
// the end of a poll: it is how a helper gives the loop what it has found out.
// It is false if the session ended first.
func (s *session) notify(event func()) bool {
	s.alarm.waiting.Add(1)
	defer s.alarm.waiting.Add(-1)
	if cancel := s.alarm.cancel.Load(); cancel != nil {
		(*cancel)()
	}
	select {
	case s.events <- event:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// drain does what helpers have asked for, and then looks at the sources that
// have news.
func (s *session) drain() {
	for {
		select {
		case event := <-s.events:
			event()
			continue
		default:
		}
		break
	}
	for _, src := range s.sources {
		if !src.news {
			continue
		}
		src.news = false
		src.touch(s)
		for _, p := range src.parts {
			if len(p.batch) > 0 {
				s.enqueue(p)
			}
		}
	}
}

// poll waits for records, no longer than wait or until there is other news.
func (s *session) poll(ctx context.Context, wait time.Duration) kgo.Fetches {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	s.alarm.cancel.Store(&cancel)
	if s.alarm.waiting.Load() > 0 {
		cancel()
	}
	return s.cl.PollRecords(ctx, s.limit)
}
