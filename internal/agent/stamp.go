package agent

import (
	"fmt"
	"math"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/eventtime"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Stamping says where the event time of records comes from.
type Stamping struct {
	// ID tells it from others, in checkpoints and in frames; 0: Kafka's timestamp.
	ID     uint64
	Fields []string // that have it, in order of preference; for people
	// Strict: a record with a time in none of them is bad. Otherwise it has Kafka's.
	Strict bool
}

// NoTime is the timestamp of a record that has none which can be used.
const NoTime = window.Unset

// Stamps counts what became of the fields with the time. Records that are read
// again are not counted again.
type Stamps struct {
	PassedOver [eventtime.Reasons]int64 // fields, by the reason
	Fallback   int64                    // records with a time in none of them
	Apart      int64                    // records in which two of them disagree by more than a day
}

// Sub is what was counted since before.
func (s Stamps) Sub(before Stamps) Stamps {
	for i, n := range before.PassedOver {
		s.PassedOver[i] -= n
	}
	s.Fallback -= before.Fallback
	s.Apart -= before.Apart
	return s
}

// Plus is the sum.
func (s Stamps) Plus(more Stamps) Stamps {
	for i, n := range more.PassedOver {
		s.PassedOver[i] += n
	}
	s.Fallback += more.Fallback
	s.Apart += more.Apart
	return s
}

// apart is by how much two fields of a record may disagree, ns.
const apart = int64(24 * 3600e9)

// Time is the event time of the record that was added last, ns; NoTime if it has none.
func (p *Partition) Time() int64 { return p.time }

// timed decodes a record and finds its event time in it, ns. The error says why it is bad.
func (p *Partition) timed(offset, kafka, now int64, replay bool, plan *Plan, body []byte) (t int64, err error) {
	p.time = NoTime
	if err = plan.Decoder.Decode(body, &p.row); err != nil {
		return NoTime, err
	}
	return p.stamp(offset, kafka, now, replay)
}

// EarliestTime is the earliest of the times that a record has in its fields, whatever the
// clock says of them; ok is false if it has none there. The record is not taken.
func (p *Partition) EarliestTime(plan *Plan, body []byte) (earliest int64, ok bool) {
	if plan.Decoder.Decode(body, &p.row) != nil {
		return 0, false
	}
	for _, t := range p.row.Times {
		if t.Valid() && (!ok || int64(t) < earliest) {
			earliest, ok = int64(t), true
		}
	}
	return earliest, ok
}

// stamp is the event time of the record at offset, which was decoded. kafka is its
// timestamp, and now the clock.
//
// A field that is further ahead than MaxFutureSkew is passed over, which depends on
// the clock. So that the record has the same time when it is read again, the
// checkpoint notes which field it was taken from, as far as there is room; and what was
// passed over then is later than any time that was taken.
func (p *Partition) stamp(offset, kafka, now int64, replay bool) (int64, error) {
	times := p.row.Times
	if t := times[0]; !replay && len(times) == 1 && t.Valid() && int64(t) <= window.Forward(now, p.set.MaxFutureSkew) {
		return int64(t), nil // as nearly always
	}
	from, noted := 0, false
	if replay {
		from, noted = p.ahead.has(offset)
	}
	ahead := int64(math.MaxInt64)
	switch {
	case replay && p.resume.MaxTime < ahead:
		ahead = p.resume.MaxTime
	default:
		ahead = window.Forward(now, p.set.MaxFutureSkew)
	}
	skipped := false
	for i := from; i < len(times); i++ {
		t := times[i]
		switch {
		case !t.Valid():
		case int64(t) > ahead && !noted:
			t, skipped = eventtime.No(eventtime.Future), true
		default:
			if skipped && !replay {
				p.ahead = p.ahead.add(offset, i)
			}
			if len(times) > 1 && !replay {
				p.compare(times, ahead)
			}
			return int64(t), nil
		}
		if !replay {
			p.Counts.Stamps.PassedOver[t.Reason()]++
		}
	}
	if !replay {
		p.Counts.Stamps.Fallback++
		p.compare(times, ahead)
	}
	if !p.set.Stamping.Strict && kafka != NoTime {
		if skipped && !replay {
			p.ahead = p.ahead.add(offset, len(times))
		}
		return kafka, nil
	}
	if skipped && !replay {
		p.refused = p.refused.add(offset) // by the clock
	}
	return NoTime, p.noTime(times, kafka)
}

// compare counts a record in which fields disagree. Those later than ahead are counted
// as such.
func (p *Partition) compare(times []eventtime.Time, ahead int64) {
	low, high := int64(math.MaxInt64), int64(0)
	for _, t := range times {
		if t.Valid() && int64(t) <= ahead {
			low, high = min(low, int64(t)), max(high, int64(t))
		}
	}
	if high > 0 && high-low > apart {
		p.Counts.Stamps.Apart++
	}
}

// noTime says why a record is bad that has no time.
func (p *Partition) noTime(times []eventtime.Time, kafka int64) error {
	var why []string
	for i, t := range times {
		reason := eventtime.Future
		if !t.Valid() {
			reason = t.Reason()
		}
		why = append(why, fmt.Sprintf("%s is %s", p.set.Stamping.Fields[i], reason))
	}
	if kafka == NoTime && !p.set.Stamping.Strict {
		why = append(why, "and its timestamp in Kafka is none that can be used")
	}
	return fmt.Errorf("it has no time: %s", strings.Join(why, ", "))
}
