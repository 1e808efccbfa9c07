package worker

import (
	"testing"
	"time"
)

// A worker that decodes so many records per second gets to turns that are not
// long, and does not stay slow when it has its processor back.
func TestPace(t *testing.T) {
	const fetched = 2_000_000
	limit := 0
	turn := func(perSecond int) time.Duration {
		n := fetched
		if limit > 0 {
			n = min(n, limit)
		}
		busy := time.Duration(n) * time.Second / time.Duration(perSecond)
		limit = pace(limit, n, busy)
		return busy
	}
	if turn(5_000_000); limit != 0 {
		t.Errorf("limited to %d records though turns are short", limit)
	}
	for range 2 {
		turn(100_000)
	}
	for range 10 {
		if busy := turn(100_000); busy > longIteration || busy < longIteration/8 {
			t.Errorf("turns of %v", busy)
		}
	}
	for range 10 {
		turn(5_000_000)
	}
	if limit != 0 {
		t.Errorf("still limited to %d records", limit)
	}
	for range 20 { // hopeless, but never nothing
		turn(100)
	}
	if limit != fewest {
		t.Errorf("limited to %d records", limit)
	}
	if got := pace(5000, 10, time.Minute); got != 5000 {
		t.Errorf("limited to %d records by an iteration that was busy with something else", got)
	}
}
