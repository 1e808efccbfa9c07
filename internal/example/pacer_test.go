package example

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestPaceKeepsItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var calls []time.Duration
		pace(t.Context(), 250, 1000, func(k int64) {
			if k != int64(len(calls)) {
				t.Fatalf("call %d is the %d-th", k, len(calls))
			}
			calls = append(calls, time.Since(began))
		})
		if len(calls) != 1000 {
			t.Fatalf("%d calls", len(calls))
		}
		for k, at := range calls {
			if due := time.Duration(k) * 4 * time.Millisecond; at < due || at > due+2*shortestSleep {
				t.Fatalf("call %d at %v, due at %v", k, at, due)
			}
		}
	})
}

// After a stall of 100 ms it catches up; a debt of 10 s it gives up but for
// the last second.
func TestPaceCatchesUpWithinBounds(t *testing.T) {
	for _, c := range []struct{ stall, took time.Duration }{
		{100 * time.Millisecond, 5 * time.Second},
		{10 * time.Second, 14 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			pace(t.Context(), 1000, 5000, func(k int64) {
				if k == 1000 {
					time.Sleep(c.stall)
				}
			})
			if took := time.Since(began); took < c.took-2*time.Second/100 || took > c.took+time.Second/100 {
				t.Errorf("a stall of %v: took %v, want %v", c.stall, took, c.took)
			}
		})
	}
}

func TestPaceEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		calls := 0
		pace(ctx, 100, -1, func(int64) { calls++ })
		if calls < 99 || calls > 101 {
			t.Errorf("%d calls in a second at 100 a second", calls)
		}
	})
}
