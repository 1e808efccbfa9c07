package worker

import "time"

// An iteration takes all records that have been fetched, which keeps the fetching of
// the next ones going. Where a processor is scarce, that can take long, and for
// so long the whole group would wait for this worker in a rebalance. Then iterations
// take only as many records as they can in time.
const (
	longIteration = 500 * time.Millisecond
	// fewest and most are the records that an iteration is limited to; above, it
	// takes all.
	fewest = 1000
	most   = 1 << 20
)

// pace is how many records the next iteration may take, 0 for all, after one that
// was limited to so many, took so many, and was busy with them for so long.
func pace(limit, records int, busy time.Duration) int {
	switch {
	case busy > longIteration && records > fewest:
		return max(fewest, int(float64(records)*float64(longIteration/2)/float64(busy)))
	case limit > 0 && busy < longIteration*2/5 && records >= limit:
		if limit *= 2; limit > most {
			return 0
		}
	}
	return limit
}
