//go:build synctests

package agent

// brokenClock has time go on by the clock without end, in windows that have no
// records as well. It is a rule that worker.Break takes out, to show that the
// simulation finds it; a constant of value false in builds without the tag.
var brokenClock bool

// BreakClock takes the rule out, or puts it back. Call it while no worker runs.
func BreakClock(broken bool) { brokenClock = broken }
