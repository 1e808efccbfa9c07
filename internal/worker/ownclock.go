package worker

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// ownClock compares this machine's clock with others: that of the registry, and those
// that stamp the newest records. By ours it is judged what is ahead of time
// (max_future_skew), and windows are closed where nothing comes. If it is slow, every
// honest record is ahead. So while others agree that it is, nothing is judged:
// topics wait in the phase clock. It belongs to the loop.
type ownClock struct {
	w       *Worker
	sources map[string]*source // of the session
	wrong   bool               // topics wait for it
	ahead   bool               // a record that came is further ahead than its topic allows
	judged  time.Time
	urgent  chan bool // for who asks the registry: that it is wrong, or is not any more
}

const (
	clockTick  = time.Second
	askTime    = time.Minute     // how often the registry is asked
	askSoon    = 2 * time.Second // while topics wait for it
	recentTime = time.Minute     // for how long the newest record of a topic says what time it is
	clockNoise = time.Second     // by how much clocks differ that count as right
	fewTopics  = 3               // that agree, where no registry has a say
	liveRecord = 1 * time.Minute // a record that is further behind is of no live topic
)

// clockWord is what a topic says by its newest record.
type clockWord struct {
	ahead time.Duration // of this machine's clock
	skew  time.Duration // what the topic allows
}

// clockEvidence is what others say of this machine's clock.
type clockEvidence struct {
	registry, within time.Duration // how far the registry's is ahead, and how exact that is
	known            bool          // it says so
	topics           []clockWord   // of the last minute
}

// judge says by how much the clock is slow (negative: fast) as far as there is reason to
// say so, and whether it is so wrong that records must not be judged by it. One
// other clock that is wrong must not stop anything: the registry has to agree with most of
// the topics, or, if it does not know, three topics with each other.
func (e clockEvidence) judge() (slow time.Duration, wrong bool) {
	var ahead []time.Duration
	live, beyond := e.live(), 0
	skew := time.Duration(0)
	for _, t := range live {
		if t.ahead > clockNoise {
			ahead = append(ahead, t.ahead)
		}
		if t.ahead > t.skew {
			beyond++
			skew = max(skew, t.skew)
		}
	}
	most := 2*beyond > len(live)
	if e.known {
		if e.registry.Abs() <= clockNoise+e.within {
			return 0, false
		}
		return e.registry, most && e.registry > skew/2
	}
	if len(ahead) < fewTopics || 2*len(ahead) <= len(live) {
		return 0, false
	}
	return median(ahead), most && beyond >= fewTopics
}

// live are the words of topics whose newest record is not of old data.
func (e clockEvidence) live() (out []clockWord) {
	for _, t := range e.topics {
		if t.ahead >= -liveRecord {
			out = append(out, t)
		}
	}
	return out
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

// clocks is what the status shows.
func (e clockEvidence) clocks() (out []status.Clock) {
	if e.known {
		out = append(out, status.Clock{Of: "registry", Ahead: e.registry.Seconds()})
	}
	var ahead []time.Duration
	for _, t := range e.live() {
		ahead = append(ahead, t.ahead)
	}
	if len(ahead) > 0 {
		out = append(out, status.Clock{Of: "topics", Ahead: median(ahead).Seconds()})
	}
	return out
}

// take takes the event times, in ns, of records of a partition that came. The last one counts,
// unless it is further ahead than the topic allows and another one is not: one
// honest clock is enough to tell that the others are wrong.
func (c *ownClock) take(p *part, times iter.Seq[int64], now time.Time) {
	least := newestRecord{}
	skew := p.source.job.Window.MaxFutureSkew
	for t := range times {
		if r := (newestRecord{t, now}); r.contradicts(least, now) {
			least = r
		}
		if least.ahead(now) <= skew {
			break
		}
	}
	if least.at.IsZero() {
		return
	}
	p.tail.newest.take(least, now)
	c.ahead = c.ahead || least.ahead(now) > skew
}

// takeNewest takes the records of a batch that has waited for its schema, if it took
// that to know their times.
func (s *session) takeNewest(p *part) {
	if p.source.job.timed() {
		now := time.Now()
		s.phases.clock.take(p, p.newestTimes(p.batch, now), now)
	}
}

// newestRecord is that of a partition, by its event time in ns and when it came.
type newestRecord struct {
	t  int64
	at time.Time
}

// ahead is how far the clock that has stamped the record is ahead of this machine's, if
// it goes on since: so it stays the same while topics wait, and the record gets old, and
// changes when this machine's clock is set. One from before 1970 is far behind.
func (r newestRecord) ahead(now time.Time) time.Duration {
	return time.Duration(max(r.t, 0)-now.UnixNano()) + now.Sub(r.at)
}

// contradicts reports whether the record counts in place of another one: if that is none, or of
// old data, or if it is live and less ahead.
func (r newestRecord) contradicts(other newestRecord, now time.Time) bool {
	d := r.ahead(now)
	return other.at.IsZero() || other.ahead(now) < -liveRecord || d >= -liveRecord && d < other.ahead(now)
}

// newestRecords are those of a partition that are least ahead: of the half minute that is not over
// yet, and of the one before. Those of old data tell nothing.
type newestRecords struct {
	since         time.Time // when the half minute began
	least, before newestRecord
}

func (n *newestRecords) take(r newestRecord, now time.Time) {
	if now.Sub(n.since) >= recentTime/2 {
		n.since, n.before, n.least = now, n.least, newestRecord{}
	}
	if r.contradicts(n.least, now) {
		n.least = r
	}
}

// word is what the topic says: the lowest of its partitions that are live, as one honest
// clock is enough to tell that the others are wrong. While topics wait, all that was said stays.
func (c *ownClock) word(src *source, now time.Time) (w clockWord, says bool) {
	w.skew = src.job.Window.MaxFutureSkew
	for _, p := range src.parts {
		for _, r := range []newestRecord{p.tail.newest.least, p.tail.newest.before} {
			if r.at.IsZero() || !c.wrong && now.Sub(r.at) >= recentTime {
				continue
			}
			if d := r.ahead(now); d >= -liveRecord && (!says || d < w.ahead) {
				w.ahead, says = d, true
			}
		}
	}
	return w, says
}

// evidence is what there is now.
func (c *ownClock) evidence(now time.Time) (e clockEvidence) {
	for _, r := range []*registry.Client{c.w.registries.sources, c.w.registries.aggregated} {
		if ahead, within, known := r.Ahead(); known && (!e.known || within < e.within) {
			e.registry, e.within, e.known = ahead, within, true
		}
	}
	for _, src := range c.sources {
		if w, says := c.word(src, now); says && src.merges == "" {
			e.topics = append(e.topics, w)
		}
	}
	return e
}

// judge looks at the evidence, before records are judged by the clock. It reports
// whether topics have to wait now, and did not, or the other way round.
func (c *ownClock) judge(now time.Time) (changed bool) {
	if !c.ahead && now.Sub(c.judged) < clockTick {
		return false
	}
	c.ahead, c.judged = false, now
	e := c.evidence(now)
	slow, wrong := e.judge()
	c.w.board.clock.Store(&e)
	text := ""
	switch {
	case slow > 0:
		text = fmt.Sprintf("this machine's clock is %s slow: set it, for example by NTP", rounded(slow))
	case slow < 0:
		text = fmt.Sprintf("this machine's clock is %s fast, or the registry's is slow: compare them", rounded(-slow))
	}
	said := c.w.board.notices.set(noticeClock, text)
	if changed = wrong != c.wrong; changed {
		c.wrong = wrong
		select { // the last word counts
		case <-c.urgent:
		default:
		}
		c.urgent <- wrong
	}
	switch {
	case changed && wrong:
		c.w.log.Error("this machine's clock is wrong: by it, records of most topics would be set aside as ahead of time; nothing is read until it is right", "slow_by", rounded(slow), "topics", len(e.topics), "registry_known", e.known)
	case changed:
		c.w.log.Info("this machine's clock is right again; topics are read on")
	case said && text != "" && c.w.said.rare("clock", now):
		c.w.log.Warn(text, "registry_ahead", rounded(e.registry), "registry_known", e.known)
	}
	return changed
}

// judgeClock has topics wait while this machine's clock is wrong.
func (s *session) judgeClock(now time.Time) {
	if !s.phases.clock.judge(now) {
		return
	}
	for _, src := range s.sources {
		s.phases.advance(src)
		s.lookAt(src)
	}
	s.iteration.ready = slices.DeleteFunc(s.iteration.ready, func(p *part) bool {
		p.queued = p.source.phase.reads()
		return !p.queued
	})
}

func rounded(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }

// watchClock asks the registries for the time.
func (s *session) watchClock() {
	wait := askTime
	for {
		ctx, cancel := context.WithTimeout(s.ctx, 5*time.Second)
		s.w.registries.sources.AskTime(ctx)
		if s.w.registries.aggregated != s.w.registries.sources {
			s.w.registries.aggregated.AskTime(ctx)
		}
		cancel()
		select {
		case <-time.After(wait):
		case wrong := <-s.phases.clock.urgent:
			wait = askTime
			if wrong {
				wait = askSoon
			}
		case <-s.ctx.Done():
			return
		}
	}
}
