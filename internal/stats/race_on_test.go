//go:build race

package stats

// raceDetector is true under go test -race, which makes sync.Pool (in
// math/big) drop what it should keep, and everything ten times slower.
const raceDetector = true
