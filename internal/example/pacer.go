package example

import (
	"context"
	"time"
)

const (
	shortestSleep = time.Millisecond
	// A machine that cannot keep the pace must not owe more and more: what it is
	// behind by more than this is given up.
	largestDebt = time.Second
)

// pace calls do(0), do(1), … at rate calls a second, evenly, until the context
// ends or limit calls were made (limit < 0: no limit). Calls that are due
// within a millisecond come together. After a delay it catches up.
func pace(ctx context.Context, rate float64, limit int64, do func(k int64)) {
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for k := int64(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		elapsed := time.Since(start)
		due := int64(elapsed.Seconds()*rate) + 1
		if limit >= 0 {
			due = min(due, limit)
		}
		for ; k < due; k++ {
			do(k)
			if k&1023 == 1023 && ctx.Err() != nil {
				return
			}
		}
		if k == limit {
			return
		}
		next := time.Duration(float64(k) / rate * float64(time.Second))
		if behind := time.Since(start) - next; behind > largestDebt {
			start = start.Add(behind - largestDebt)
		}
		timer.Reset(max(next-time.Since(start), shortestSleep))
	}
}
