package worker

import (
	"errors"
	"time"
)

// commit delivers what is pending, and now and then commits the offsets of
// partitions that move without output. With flush it does both at once.
func (s *session) commit(now time.Time, flush bool) error {
	// What there is to ship goes out with the rest, or by itself in time.
	inTime := flush || now.Sub(s.lastDelivery) >= s.interval()
	due := s.pendingRecords > 0 && (inTime || s.pendingBytes >= pendingEnough)
	var with []*source
	s.waiting = false
	for _, src := range s.sources {
		rows, bytes := src.agent.Unshipped()
		due = due || s.ships(src) && (now.Sub(src.shipped) >= claimEvery || rows > 0 && (inTime || bytes >= unshippedEnough))
		s.waiting = s.waiting || rows > 0
		if (len(src.pending) > 0 || s.ships(src)) && !s.waits(src) {
			with = append(with, src)
		}
	}
	if due && len(with) > 0 {
		if err := s.deliver(with); err != nil {
			if brokenAbort && !flush {
				return nil
			}
			return err
		}
		s.lastDelivery = time.Now()
	}
	daily := now.Sub(s.w.lastDaily) >= dailyCommit
	quiet := s.quiet(now, flush || now.Sub(s.lastCommit) >= quietCommit)
	if len(quiet) == 0 {
		return nil
	}
	o := s.low(quiet, !daily)
	if err := s.commitOffsets(o); err != nil {
		// Nothing was put out by it, so nothing is in doubt: it is tried again.
		if flush || errors.Is(err, errRemoved) || errors.Is(err, errBehind) {
			return err
		}
		s.w.log.Warn("committing offsets failed", "err", err)
		return nil
	}
	if daily {
		s.w.lastDaily = now
	}
	if len(o) > 0 {
		s.w.plainCommits.Add(1)
	}
	s.settle(o)
	return nil
}

// quiet are the sources whose offsets are due to be committed without output:
// now and then all of them, and those that merge as soon as time has gone on,
// since workers that ship follow what is committed here.
func (s *session) quiet(now time.Time, all bool) (out []*source) {
	if all {
		s.lastCommit = now
	}
	for _, src := range s.sources {
		if rows, _ := src.agent.Unshipped(); len(src.pending) > 0 || rows > 0 {
			continue
		}
		ahead := src.merges != "" && src.agent.Final() > src.merged && now.Sub(src.shipped) >= claimEvery
		if ahead {
			src.merged, src.shipped = src.agent.Final(), now
		}
		if all || ahead {
			out = append(out, src)
		}
	}
	return out
}
