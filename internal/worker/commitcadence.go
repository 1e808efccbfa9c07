package worker

import (
	"errors"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
)

// cadence is when what is pending was delivered, and offsets without output
// committed.
type cadence struct {
	waiting   bool // there are records to be delivered or shipped
	delivered time.Time
	committed time.Time
}

// commit delivers what is pending, and now and then commits the offsets of
// partitions that move without output. With flush it does both at once. A
// source whose topics have refused records is delivered by itself.
func (d *delivery) commit(now time.Time, flush bool) error {
	// What there is to ship goes out with the rest, or by itself in time.
	inTime := flush || now.Sub(d.cadence.delivered) >= d.interval()
	due, bytes := false, 0
	var with, alone []*source
	d.cadence.waiting = false
	for _, src := range d.sources {
		if !src.phase.delivers() && src.phase != phaseLetters {
			continue
		}
		rule := d.decideLetters(src, now)
		if invariants.Enabled {
			d.phases.verify(src)
		}
		if !src.phase.delivers() {
			continue
		}
		rows, memory := src.agent.Unshipped()
		due = due || inTime && (src.out.undelivered() || rows > 0) || d.topics.ships(src) && (now.Sub(src.split.shipped) >= claimEvery || memory >= unshippedEnough)
		bytes += src.out.bytes
		d.cadence.waiting = d.cadence.waiting || rows > 0 || src.out.undelivered()
		switch {
		case !src.out.undelivered() && !d.topics.ships(src):
		case src.hold != nil || rule == tryLetters:
			alone = append(alone, src)
		default:
			with = append(with, src)
		}
	}
	if due || bytes >= pendingEnough {
		for _, ss := range append([][]*source{with}, singly(alone)...) {
			if len(ss) == 1 && d.decideLetters(ss[0], time.Now()) == keepLetters {
				continue // those of another source were refused just now
			}
			if err := d.deliver(ss); err != nil {
				if brokenAbort && !flush {
					return nil
				}
				return err
			}
		}
		d.cadence.delivered, d.cadence.waiting = time.Now(), false
	}
	daily := now.Sub(d.w.lastDaily) >= dailyCommit
	quiet := d.quiet(now, flush || now.Sub(d.cadence.committed) >= quietCommit)
	if len(quiet) == 0 {
		return nil
	}
	o := d.low(quiet, !daily)
	if err := d.commitPlain(o); err != nil {
		// Nothing was put out by it, so nothing is in doubt: it is tried again.
		if flush || errors.Is(err, errRemoved) || errors.Is(err, errBehind) {
			return err
		}
		d.w.log.Warn("committing offsets failed", "err", err)
		return nil
	}
	if daily {
		d.w.lastDaily = now
	}
	if len(o) > 0 {
		d.w.counters.plainCommits.Add(1)
	}
	return nil
}

// quiet are the sources whose offsets are due to be committed without output:
// now and then all of them, and those that merge as soon as time has gone on,
// since workers that ship follow what is committed here.
func (d *delivery) quiet(now time.Time, all bool) (out []*source) {
	if all {
		d.cadence.committed = now
	}
	for _, src := range d.sources {
		if rows, _ := src.agent.Unshipped(); src.out.undelivered() || rows > 0 {
			continue
		}
		ahead := src.merges != "" && src.agent.Final() > src.split.merged && now.Sub(src.split.shipped) >= claimEvery
		if ahead {
			src.split.merged, src.split.shipped = src.agent.Final(), now
		}
		if all || ahead {
			out = append(out, src)
		}
	}
	return out
}

// singly is each source in a list of its own.
func singly(ss []*source) (out [][]*source) {
	for i := range ss {
		out = append(out, ss[i:i+1])
	}
	return out
}

// interval is the least time between two deliveries.
func (d *delivery) interval() time.Duration {
	if d.iteration.lagging() {
		return max(d.w.cfg.Worker.CommitInterval, catchUpInterval)
	}
	return d.w.cfg.Worker.CommitInterval
}
