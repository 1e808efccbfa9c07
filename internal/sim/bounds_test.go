//go:build synctests

package sim

import (
	"math"
	"time"
)

// A record is late if its window ends at or before the watermark of its own
// partition, which the order of offsets tells: the highest event time before
// it less the grace. But while a partition is read to its end and silent, the
// others of its topic go on without it, or the clock does if all are silent;
// then it may also be late because of what was final meanwhile. The upper bound
// takes account of all that could have happened, given when each record was
// sent and acknowledged: at some time between the two it came into the log.

// confirmed is for how long it may hold that a partition was found silent.
const confirmed = 3500 * time.Millisecond

// discovered is how long it may take until all workers know a new partition.
const discovered = 2 * time.Minute

const never = math.MinInt64 / 4

// bounds sets low and high of the records of a topic.
func (j *court) bounds(l *life, late map[*input]*letter) {
	t := l.topicPlan
	parts := make([][]*input, t.all())
	for _, in := range l.inputs {
		parts[in.partition] = append(parts[in.partition], in)
	}
	j.before(l)
	grace := j.plan.grace.Milliseconds()
	for id, part := range parts {
		highest, high := int64(never), l.closed // time of accepted records, at most
		order := j.order(l)
		before := j.begin // when the record before was in the log, at the earliest
		for _, in := range part {
			in.order = max(never, order.watermark)
			in.low = max(l.out, in.order)
			if highest != never {
				high = max(high, highest-grace)
			}
			others := func(at time.Time) {
				for other, p := range parts {
					if other != id {
						high = max(high, min(clock(p, grace, j.begin, at), j.closable(l, at)))
					}
				}
			}
			if in.acked.Sub(before) >= j.plan.idle {
				high = max(high, min(clock(part, grace, j.begin, in.acked), j.closable(l, in.acked)))
				others(in.acked.Add(confirmed))
			}
			// Nobody waits for a partition that nobody knows of yet.
			if known := j.begin.Add(t.grow + discovered); id >= t.partitions && in.sent.Before(known) {
				others(known)
			}
			in.high = high
			before = in.sent
			order.take(in, late[in] != nil, j.windowEnd(in.ms))
			if in.acceptable() || in.broken && !j.plan.fields { // also that of a broken one counts, if it has one
				highest = max(highest, in.ms)
			}
		}
	}
}

// before says what is final of a topic that was made again: what is out of
// the one before. That can be no more than was there.
func (j *court) before(l *life) {
	for _, b := range j.of(l.name) {
		if b == l {
			return
		}
		l.closed = j.closable(b, time.Unix(1<<40, 0))
		if !j.plan.repeats {
			l.out = j.lastOut(b)
		}
	}
}

// closable is where the last window ends that the clock can have closed by a
// time: a record of it was there.
func (j *court) closable(l *life, at time.Time) int64 {
	last := int64(never)
	for _, in := range l.inputs {
		if in.acceptable() && in.sent.Before(at) {
			for _, s := range j.plan.shapes() {
				last = max(last, s.ends(in.ms)[0])
			}
		}
	}
	return last
}

// clock is the most that a partition's watermark can have been at a time, with
// the clock's help.
func clock(part []*input, grace int64, begin, at time.Time) int64 {
	highest, most := int64(never), int64(never)
	last := begin
	for _, in := range part {
		if !in.sent.Before(at) {
			break
		}
		until := in.acked
		if until.After(at) {
			until = at
		}
		if highest != never {
			most = max(most, highest-grace+until.Sub(last).Milliseconds())
		}
		last = in.sent
		if in.acceptable() {
			highest = max(highest, in.ms)
		}
	}
	if highest != never {
		most = max(most, highest-grace+at.Sub(last).Milliseconds()+1)
	}
	return most
}
