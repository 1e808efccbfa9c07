package example

import (
	"fmt"
	"time"
)

// WrongClock is the clock of one of the instruments that share a topic: it stamps
// an even share of the records of each partition, all of them by as much too late or
// too early. The zero value stamps none.
type WrongClock struct {
	Ahead time.Duration // < 0: behind
	Share float64       // of the records, 0 to 1
}

// Validate says what is wrong with it, if anything.
func (c WrongClock) Validate() error {
	if !(c.Share >= 0 && c.Share <= 1) {
		return fmt.Errorf("a wrong clock stamps a share of %v of the records: must be 0 to 1", c.Share)
	}
	return nil
}

// stamps reports whether record k of a partition, the first is 0, is one of its own.
func (c WrongClock) stamps(k int64) bool {
	upTo := func(k int64) int64 { return int64(c.Share*float64(k) + 0.5) }
	return upTo(k+1) > upTo(k)
}
