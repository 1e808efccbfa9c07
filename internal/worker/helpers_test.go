package worker

import (
	"context"
	"testing"
)

// What helpers have found out is done by whoever drains, and in no other goroutine.
func TestHelpersNotify(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	defer end()
	h := newHelpers(ctx)
	done := make(chan bool)
	n := 0 // without a lock: it belongs to this goroutine
	for range 3 {
		h.Go(func() { done <- h.notify(func() { n++ }) })
	}
	for heard := 0; heard < 3; {
		select {
		case ok := <-done:
			heard++
			if !ok {
				t.Error("news was not taken")
			}
		case event := <-h.events:
			event()
		}
	}
	if h.wait(); n != 3 {
		t.Errorf("%d of 3 events", n)
	}
	h.drain() // does not wait for any
}

// News ends the poll that the loop is in, and one that is about to begin.
func TestHelpersInterruptPolls(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	h := newHelpers(ctx)
	poll, cancel := context.WithCancel(ctx)
	defer cancel()
	h.interrupt(cancel)
	h.Go(func() { h.notify(func() {}) })
	<-poll.Done()
	next, cancel := context.WithCancel(ctx)
	defer cancel()
	h.interrupt(cancel) // the helper still waits
	<-next.Done()
	h.Go(func() {
		if h.notify(func() {}) { // nobody drains: it is the end that it hears of
			t.Error("news was taken by nobody")
		}
	})
	end()
	h.wait()
}

// Each assignment has a list of its own, also if it shares out the same topics: what
// was found under one does not hold under the next.
func TestShares(t *testing.T) {
	s := newShares(true, &catalog{})
	before := s.now()
	if len(*before) != 0 || s.seen != before {
		t.Errorf("%v before the first assignment", *before)
	}
	s.set([]string{"t"})
	first := s.now()
	s.set([]string{"t"})
	if second := s.now(); first == second || !(*first)["t"] || !(*second)["t"] || (*second)["u"] {
		t.Errorf("%v, then %v", *first, *second)
	}
}
