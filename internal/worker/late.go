package worker

import (
	"time"
)

// lateLog is what was said of the late records of a topic.
type lateLog struct {
	last    time.Time // when something was said
	records int64     // late ones of the partitions here, of which that told
	clock   int64     // of these, those by the clock
	behind  int64     // how far the latest that was not told of is behind, ns
}

// tellLateEvery is the least time between two lines about a topic.
const tellLateEvery = time.Minute

// tellLate says that records are late: at the first of a topic, and then once a
// minute how many more there were. How much that is must not depend on anybody
// looking at a counter.
func (s *session) tellLate(src *source, now time.Time) {
	records, clock := int64(0), int64(0)
	for _, p := range src.parts {
		records += p.Counts.Late
		clock += p.Counts.LateByClock
		src.late.behind = max(src.late.behind, p.TakeBehind())
	}
	l := &src.late
	if records < l.records { // partitions were taken away
		l.records, l.clock = records, clock
	}
	if records == l.records || now.Sub(l.last) < tellLateEvery {
		return
	}
	more, byClock := records-l.records, max(0, clock-l.clock)
	hint := "records are further out of order than window.grace allows"
	switch {
	case byClock == more:
		hint = "their partition was silent for longer than window.idle_after, and its windows were closed by the clock"
	case byClock > 0:
		hint = "some are further out of order than window.grace allows; the windows of others were closed by the clock, after window.idle_after"
	}
	src.log.Warn("records are late; this is said once a minute", "records", more, "by_order", more-byClock, "by_clock", byClock, "up_to", time.Duration(l.behind).String(), "hint", hint)
	*l = lateLog{last: now, records: records, clock: clock}
}
