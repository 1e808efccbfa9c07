//go:build race

package agent

// raceDetector is true under go test -race, which makes everything ten times
// slower.
const raceDetector = true
