// Package invariants turns on checks that are too dear for production: with
// the build tag invariants they run and panic where they do not hold; without
// it, Enabled is a constant false and the compiler leaves them out.
//
//	go test -tags invariants ./internal/...
//	go test -tags 'synctests invariants' ./internal/sim -runs 100
//
// What is cheap is not here but checked in every build: agent.Feed.Check.
package invariants

import (
	"fmt"
	"math"
)

// Violated panics with a text that names what does not hold, where, and the
// figures. A worker that panics commits nothing more.
func Violated(format string, args ...any) {
	panic("BUG: " + fmt.Sprintf(format, args...))
}

// freedBits is a NaN that no decoder makes: all that read a NaN store that of
// stats.NaN.
const freedBits = 0x7ff8_0000_0000_0f4e

// Freed fills memory that was given back, so that who still reads it is found;
// and that it is still there when the memory is lent again shows that nobody
// wrote to it meanwhile.
var Freed = math.Float64frombits(freedBits)

// FreedInt is Freed for offsets and times.
const FreedInt = math.MinInt64 + 0xf4e

// IsFreed tells Freed from other values.
func IsFreed(v float64) bool { return math.Float64bits(v) == freedBits }
