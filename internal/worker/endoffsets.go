package worker

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/brokers"
)

// endQuestions are the questions for end offsets that are under way.
type endQuestions struct {
	w       *Worker
	cl      *kgo.Client
	helpers *helpers
	topics  *catalog
	sources map[string]*source // of the session
	looking map[int32]bool     // by broker: it was asked
	looked  time.Time          // for partitions that may have gone silent
}

// look asks for the end offsets of sources, away from the loop. What the leader
// of some of their partitions says does not wait for the others.
func (e *endQuestions) look(sources []*source) {
	l := brokers.Leaders{}
	for _, src := range sources {
		for id := range src.parts {
			if leader, _, err := e.cl.PartitionLeader(src.topic, id); err == nil && leader >= 0 {
				l.Add(leader, src.topic, id)
			}
		}
	}
	for leader, topics := range l {
		if e.looking[leader] {
			continue // it has not answered the last question
		}
		e.looking[leader] = true
		asked := time.Now() // at this moment the ends were at least so
		e.helpers.Go(func() {
			ctx, cancel := context.WithTimeout(e.helpers.ctx, brokers.AdminTimeout)
			defer cancel()
			brokers.Leaders{leader: topics}.Ask(ctx, e.cl, brokers.LogEnd, brokers.AllRecords, func(answers []brokers.LeaderOffset) {
				e.helpers.notify(func() {
					delete(e.looking, leader)
					e.takeEnds(asked, answers)
				})
			})
		})
	}
}

// idleTick is how often partitions are looked at that may have gone silent.
func (e *endQuestions) idleTick() time.Duration {
	return min(time.Second, max(50*time.Millisecond, e.w.selection.minIdle/10))
}

// idle looks for partitions that hold up windows and may have gone silent,
// and asks for their end offsets: what closes a window by the clock is the
// broker's word that there is nothing more to read, not the lack of news. Of a
// source without open windows, that only ships, the word is needed once for
// each claim.
func (e *endQuestions) idle(now time.Time) {
	var ask []*source
	for _, src := range e.sources {
		if src.merges != "" || !src.phase.reads() {
			continue
		}
		silent := false
		open := 0
		for _, p := range src.parts {
			after := src.job.set.IdleAfter
			if p.windows != nil && p.windows.InDoubt() {
				after = min(after, agent.Patience)
			}
			silent = silent || len(p.batch) == 0 && now.Sub(p.tail.arrived) >= time.Duration(after)
			_, n := p.OpenRows()
			open += n
		}
		if silent && (open > 0 || src.agent.Ships() && now.Sub(src.looked) >= claimEvery-e.idleTick()) {
			src.news = src.news || brokenIdle
			src.looked = now
			ask = append(ask, src)
		}
	}
	e.look(ask)
}

// takeEnds notes which partitions are read to their end. The question for it was
// asked at a time.
func (e *endQuestions) takeEnds(asked time.Time, ends []brokers.LeaderOffset) {
	for _, x := range ends {
		src := e.sources[x.Topic]
		if src == nil || x.Err != nil {
			continue
		}
		p := src.parts[x.Partition]
		if p == nil {
			continue
		}
		p.tail.end = max(p.tail.end, x.Offset)
		switch at := p.Position(); {
		case at > x.Offset: // of another topic, which was made under its name, or its leader is new
			e.topics.lookSoon()
		case at == x.Offset && p.tail.arrived.Before(asked):
			p.tail.caught = asked
			src.news = true
		}
	}
}
