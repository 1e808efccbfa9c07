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

// tell gives the loop a piece of news, without waiting for the end of a poll.
// It is false if the session ended first.
func tell[T any](s *session, to chan<- T, news T) bool {
	s.alarm.waiting.Add(1)
	defer s.alarm.waiting.Add(-1)
	if cancel := s.alarm.cancel.Load(); cancel != nil {
		(*cancel)()
	}
	select {
	case to <- news:
		return true
	case <-s.ctx.Done():
		return false
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
