package worker

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// nsPerMs is how many ns a ms has.
const nsPerMs = int64(time.Millisecond)

// noTimestamp is Kafka's timestamp of a record that has none, in ms.
const noTimestamp = -1

var (
	errNoTimestamp = errors.New("the record has no timestamp (-1)")
	errTooOld      = errors.New("is before the year 1678, the earliest that a window can have")
)

// eventTime is the timestamp of a record in ns, which is its event time where that is not in
// a field. One that is too late for ns in
// 64 bits (after the year 2261, as of a producer that gives microseconds) is
// the latest time there is, which is ahead of any clock. An error says why the
// record is bad.
func eventTime(r *kgo.Record) (ns int64, err error) {
	ns = r.Timestamp.UnixNano()
	if ns%nsPerMs == 0 && ns != noTimestamp*nsPerMs {
		return ns, nil
	}
	switch ms := timestamp(r); {
	case ms == noTimestamp:
		return ns, errNoTimestamp
	case ms < 0:
		return math.MinInt64, fmt.Errorf("timestamp %d ms %w", ms, errTooOld)
	}
	return math.MaxInt64, nil
}

// newestTime is the event time of a record that was not processed yet, ns, for the sake of
// this machine's clock. If it may be in several places, the earliest counts: one that is
// honest is enough to tell that the others are not. So it is not known of a record whose time
// is in fields as long as its schema is not.
func (p *part) newestTime(r *kgo.Record, now time.Time) (ns int64, ok bool) {
	ns, err := eventTime(r)
	if p.windows == nil || !p.source.job.timed() {
		return ns, err == nil
	}
	f, bad := p.source.framing.Read(r.Headers, r.Value)
	if bad != nil || f.Doubtful || f.Compressed {
		return 0, false
	}
	plan, bad := p.plan(f.Ref, now)
	if plan == nil || bad != nil {
		return 0, false
	}
	t, known := p.windows.EarliestTime(plan, f.Body)
	switch {
	case !known:
		return ns, err == nil
	case err != nil:
		return t, true
	}
	return min(t, ns), true
}

// timestamp is the timestamp of a record in ms, as the broker has it. The
// client multiplies it by a million, modulo 2^64. What is left of a product
// that does not fit is not a whole number of ms, and of the factor the lower
// 58 bits can be told: a million is 15625 × 2^6, and odd numbers can be
// divided by modulo a power of two. So timestamps up to 4.5 million years from
// 1970 come out right; larger ones do not, nor can one in 15625 of them be told
// from one that fits.
func timestamp(r *kgo.Record) (ms int64) {
	ns := r.Timestamp.UnixNano()
	if ns%nsPerMs == 0 {
		return ns / nsPerMs
	}
	const inverse = 0x10fb65668c26139 // of 15625 modulo 2^58
	return int64(uint64(ns)>>6*inverse<<6) >> 6
}

// aheadOf says how far ahead of the clock a timestamp is, and what may be the reason.
func aheadOf(ms int64, skew time.Duration, now time.Time) string {
	s := fmt.Sprintf("timestamp %s is more than %s ahead of the clock", time.UnixMilli(ms).UTC().Format(time.RFC3339Nano), skew)
	if d := now.Sub(time.UnixMicro(ms)); d.Abs() < 20*365*24*time.Hour {
		s += fmt.Sprintf(" (%d ms: are these microseconds?)", ms)
	}
	return s
}

// newestTimes are those of records that have one, the last first.
func (p *part) newestTimes(records []*kgo.Record, now time.Time) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for _, r := range slices.Backward(records) {
			if t, ok := p.newestTime(r, now); ok && !yield(t) {
				return
			}
		}
	}
}
