package worker

import (
	"context"
	"sync"
	"sync/atomic"
)

// helpers are the goroutines of a session beside its loop. They find something
// out, or wait for something, and give the loop a function to run with what
// they found; they touch nothing of what the loop owns.
type helpers struct {
	ctx     context.Context // ends with the session
	all     sync.WaitGroup
	events  chan func() // what they have the loop do
	waiting atomic.Int32
	cancel  atomic.Pointer[context.CancelFunc] // of the poll that the loop is in, or was in
}

func newHelpers(ctx context.Context) *helpers {
	return &helpers{ctx: ctx, events: make(chan func())}
}

// Go starts one.
func (h *helpers) Go(f func()) { h.all.Go(f) }

// wait returns when all have ended.
func (h *helpers) wait() { h.all.Wait() }

// notify has the loop do something in its next iteration, without waiting for
// the end of a poll: it is how a helper gives the loop what it has found out.
// It is false if the session ended first.
func (h *helpers) notify(event func()) bool {
	h.waiting.Add(1)
	defer h.waiting.Add(-1)
	if cancel := h.cancel.Load(); cancel != nil {
		(*cancel)()
	}
	select {
	case h.events <- event:
		return true
	case <-h.ctx.Done():
		return false
	}
}

// interrupt has a helper with news end a poll that is about to begin.
func (h *helpers) interrupt(cancel context.CancelFunc) {
	h.cancel.Store(&cancel)
	if h.waiting.Load() > 0 {
		cancel()
	}
}

// drain does what helpers have asked for. The loop calls it.
func (h *helpers) drain() {
	for {
		select {
		case event := <-h.events:
			event()
		default:
			return
		}
	}
}
