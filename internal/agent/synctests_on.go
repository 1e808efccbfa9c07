//go:build synctests

package agent

import "github.com/lsst-sqre/kafka-aggregator/internal/window"

// brokenClock has time go on by the clock without end, in windows that have no
// records as well. It is a rule that worker.Break takes out, to show that the
// simulation finds it; a constant of value false in builds without the tag.
var brokenClock bool

// BreakClock takes the rule out, or puts it back. Call it while no worker runs.
func BreakClock(broken bool) { brokenClock = broken }

// Order judges the records of a partition as they come, one after the other and by
// one reader, whom nothing interrupts: what is late by their order alone.
type Order struct {
	set    Settings
	clocks clocks
}

// NewOrder judges by the settings of an agent.
func NewOrder(set Settings) *Order { return &Order{set: set, clocks: since(window.Unset)} }

// Watermark is as Partition.Watermark.
func (o *Order) Watermark() int64 { return window.Back(o.clocks.believed, o.set.Grace) }

// Take takes the event time of the next record, which was accepted or is late by
// the order.
func (o *Order) Take(t int64) {
	if t >= window.Back(o.clocks.believed, o.set.MaxFutureSkew) {
		o.clocks.take(t, 1, &o.set)
	}
}
