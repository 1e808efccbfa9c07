package worker

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/brokers"
	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
	"github.com/lsst-sqre/kafka-aggregator/internal/recovery"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// An assigned partition is placed when it is known where it is read from: its
// offsets and checkpoint, its leader's word on what there is, the topic's id, and
// what of its windows is out. As long as that is not so it has no state here, and
// the client does not fetch it; its topic's windows wait, since a partition is
// missing, and other topics go on. It is asked for again until it is known.

// placing finds out where assigned partitions are read from, and makes their state.
// Callbacks of the group and the loop use it, under the mutex of the session.
type placing struct {
	w       *Worker
	cl      *kgo.Client
	helpers *helpers
	topics  *catalog
	shares  *shares
	phases  *phases
	sources map[string]*source // of the session

	committed map[string]map[int32]recovery.Committed // what the group's coordinator holds for them
	asking    bool                                    // for the rest
}

// unplaced is a partition from its assignment until it is placed, or taken away.
type unplaced struct {
	err error // why it is not known where it is read from
}

// place places partitions of a source that are not, as far as the facts go, which
// were found out when they were assigned or later: what was committed before may
// be old. It gives the offsets at which they are read. It is the only place where
// a position is chosen: the client itself never resets one.
func (p *placing) place(src *source, ids []int32, f *brokers.Facts, shared *map[string]bool, now time.Time) (placed map[int32]int64) {
	placed = map[int32]int64{}
	defer func() {
		p.tellUnplaced(src, now)
		p.phases.advance(src)
	}()
	if f == nil {
		f = &brokers.Facts{Err: errors.New("nothing is known of its topic")}
	}
	if f.Err != nil {
		for _, id := range ids {
			src.placement.unplaced[id].err = f.Err
		}
		return placed
	}
	if src.merges == "" && other(p.topics.known[src.topic].id, f.ID) {
		p.topics.lookSoon() // what is here of others of its partitions is another topic's
		for _, id := range ids {
			src.placement.unplaced[id].err = errMadeAgain
		}
		return placed
	}
	src.topicID = f.ID
	src.setOut(f.Frontier)
	if src.merges == "" {
		src.split.partlyCommitted = nil
		if f.PartlyCommitted {
			src.split.partlyCommitted = shared
		}
		p.shares.setPartitions(src, f.Partitions)
		never := func(id int32) bool { f, ok := p.committed[src.topic][id]; return ok && f.Offset < 0 }
		if f.Frontier != nil && !src.split.mayHaveShipped && slices.ContainsFunc(ids, never) {
			src.split.mayHaveShipped = true
			if len(src.parts) > 0 {
				p.topics.changed = true
			} else {
				src.split.sharing = p.shares.sharing(src)
				src.agent.Share(src.split.sharing)
			}
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		b, there := f.Bounds[id]
		held, known := p.committed[src.topic][id]
		switch {
		case !there:
			b.Err = errors.New("it is not there yet")
		case !known:
			b.Err = brokers.ErrSilent
		}
		if b.Err != nil {
			src.placement.unplaced[id].err = b.Err
			continue
		}
		at, err := p.resume(src, id, held, f)
		if err != nil {
			src.placement.unplaced[id].err = err
			continue
		}
		delete(p.committed[src.topic], id)
		delete(src.placement.unplaced, id)
		delete(src.fetchErrors, id)
		made := newPart(src, id, at.Offset, at.Checkpoint)
		made.tail.end, made.since, made.tail.arrived, made.last.offset, made.last.final = b.End, now, now, at.Offset, at.Checkpoint.Final
		made.last.fresh = held.Offset < 0
		made.last.moved = made.last.fresh // so that it is known what is final
		if until := made.PartialUpTo(); until != window.Unset {
			src.log.Warn("windows begin before the committed offset, which was made for others, or for a topic that is gone: they have the header partial", "partition", id, "beginning_up_to", time.Unix(0, until).UTC())
		}
		made.Lose(at.Lost)
		if made.Position() >= b.End {
			made.tail.caught = now
		}
		src.parts[id] = made
		if invariants.Enabled {
			p.w.remember(made)
		}
		placed[id] = at.Offset
		if p.w.ending != nil && src.merges == "" {
			src.stop[id] = p.w.stopOffset(src.topic, id, b.End)
		}
	}
	src.news, p.topics.changed = true, true
	return placed
}

// setOut has the agent know the newest windows that the aggregated topics have.
// What was written without a commit, at least once, comes again.
func (src *source) setOut(f *recovery.Frontier) {
	if f == nil {
		return
	}
	for i, o := range src.outputs {
		if w, ok := f.Newest[o.Topic]; ok && w.End <= f.Final {
			src.agent.SetOut(i, w.Start)
		}
	}
}

// resume finds where a partition is read from, and says what a person should hear of.
func (p *placing) resume(src *source, id int32, held recovery.Committed, f *brokers.Facts) (recovery.Start, error) {
	known := &recovery.Facts{
		Partition: id, Start: f.Bounds[id].Start, End: f.Bounds[id].End, Committed: held,
		TopicID: f.ID, Merges: src.merges != "", SourceID: src.mergesID, Frontier: f.Frontier,
		Cluster: p.topics.cluster, Group: p.w.cfg.Worker.Group, Anew: src.agent.Anew,
		Stamping: src.job.set.Stamping.ID,
	}
	if brokenID {
		known.TopicID, known.SourceID = noTopicID, noTopicID
	}
	at, err := recovery.Resume(known)
	for _, n := range at.Notices {
		level := slog.LevelWarn
		if n.Severe {
			level = slog.LevelError
		}
		src.log.Log(p.helpers.ctx, level, n.Text, append([]any{"partition", id, "aggregated_topic", src.into()}, n.About...)...)
	}
	if c := &at.Checkpoint; brokenReplay && err == nil {
		c.Head, c.Count, c.Hash = at.Offset, 0, 0
	}
	return at, err
}

const (
	firstAsk = 500 * time.Millisecond
	lastAsk  = 30 * time.Second
)

// tellUnplaced notes which partitions have no position, and when to ask again.
func (p *placing) tellUnplaced(src *source, now time.Time) {
	if len(src.placement.unplaced) == 0 {
		src.problems.clear(causePosition)
		src.placement.askWait = 0
		return
	}
	src.placement.askWait = min(max(firstAsk, 2*src.placement.askWait), lastAsk)
	src.placement.askAt = now.Add(src.placement.askWait)
	var texts []string
	for i, id := range slices.Sorted(maps.Keys(src.placement.unplaced)) {
		if i == 3 {
			texts = append(texts, fmt.Sprintf("and %d more", len(src.placement.unplaced)-i))
			break
		}
		texts = append(texts, fmt.Sprintf("partition %d cannot be read: %v", id, src.placement.unplaced[id].err))
	}
	text := strings.Join(texts, "; ")
	if src.problems[causePosition] != text {
		src.log.Warn("partitions cannot be read; the topic waits, the others go on", "partitions", len(src.placement.unplaced), "err", text)
	}
	src.problems.set(causePosition, text)
}

// question is what has to be found out of a topic before it is read; ok is false if
// it is not selected any more.
func (p *placing) question(topic string, shared map[string]bool) (q brokers.Question, ok bool) {
	q = brokers.Question{Source: cmp.Or(p.topics.known[topic].merges, topic), Shared: shared[topic]}
	c, ok := p.w.selection.selector.Select(q.Source)
	q.Into = c.AggregatedTopics
	return q, ok
}

// placeAgain asks again for what is not known of partitions.
func (p *placing) placeAgain(now time.Time) {
	if p.asking {
		return
	}
	shared := p.shares.now()
	questions, asked, waiting := map[string]brokers.Question{}, map[string]*source{}, map[string]map[int32]*unplaced{}
	partitions := map[string][]int32{}
	for topic, src := range p.sources {
		if len(src.placement.unplaced) == 0 || now.Before(src.placement.askAt) {
			continue
		}
		if q, ok := p.question(topic, *shared); ok {
			q.Fresh = true // it may be
			questions[topic], asked[topic], waiting[topic] = q, src, maps.Clone(src.placement.unplaced)
			partitions[topic] = slices.Sorted(maps.Keys(src.placement.unplaced))
		}
	}
	if len(questions) == 0 {
		return
	}
	p.asking = true
	p.helpers.Go(func() {
		offsets, err := p.w.brokers.Committed(p.helpers.ctx, partitions)
		facts := p.w.brokers.Gather(p.helpers.ctx, questions)
		p.helpers.notify(func() {
			p.asking = false
			for topic, src := range asked {
				if src.phase == phaseGone { // taken away meanwhile
					continue
				}
				f := facts[topic]
				if err != nil && f.Err == nil {
					f.Err = err
				}
				p.takePlaces(src, waiting[topic], f, offsets[topic], shared)
			}
		})
	})
}

// takePlaces places partitions that were assigned before, and has the client
// fetch them from there.
func (p *placing) takePlaces(src *source, waiting map[int32]*unplaced, f *brokers.Facts, offsets map[int32]kadm.OffsetResponse, shared *map[string]bool) {
	if p.committed[src.topic] == nil {
		p.committed[src.topic] = map[int32]recovery.Committed{}
	}
	maps.DeleteFunc(waiting, func(id int32, u *unplaced) bool { return src.placement.unplaced[id] != u }) // taken away meanwhile, and maybe given back
	for id := range waiting {
		delete(p.committed[src.topic], id)
		if o, ok := offsets[id]; !ok { // nobody was asked
			waiting[id].err = brokers.ErrSilent
		} else if o.Err != nil {
			waiting[id].err = fmt.Errorf("get its committed offset: %w", o.Err)
		} else {
			p.committed[src.topic][id] = recovery.Committed{Offset: o.At, Metadata: o.Metadata}
			continue
		}
		delete(waiting, id)
	}
	placed := p.place(src, slices.Collect(maps.Keys(waiting)), f, shared, time.Now())
	if len(placed) == 0 {
		return
	}
	at := map[int32]kgo.EpochOffset{}
	for id, offset := range placed {
		at[id] = kgo.EpochOffset{Epoch: -1, Offset: offset}
	}
	p.cl.SetOffsets(map[string]map[int32]kgo.EpochOffset{src.topic: at})
	p.cl.ResumeFetchPartitions(map[string][]int32{src.topic: slices.Sorted(maps.Keys(placed))})
	src.log.Info("partitions can be read", "partitions", len(placed))
}

// startOver drops all that is known of a source whose positions are not to be
// trusted any more; its partitions are placed anew from what brokers hold.
func (s *session) startOver(src *source, why error, now time.Time) {
	src.log.Warn("reading the topic again from what is committed", "err", why)
	fresh := s.newSource(src.topic)
	if fresh == nil {
		return
	}
	for id := range src.parts {
		fresh.placement.unplaced[id] = &unplaced{why}
	}
	for id, u := range src.placement.unplaced {
		fresh.placement.unplaced[id] = u
	}
	s.shares.setPartitions(fresh, s.topics.known[src.topic].partitions)
	if now.Sub(src.placement.began) < time.Minute { // again
		fresh.placement.askWait = src.placement.askWait
	}
	fresh.placement.began = now
	s.drop(src)
	s.sources[src.topic] = fresh
	s.placing.tellUnplaced(fresh, now)
	s.phases.advance(fresh)
	s.cl.PauseFetchPartitions(map[string][]int32{src.topic: slices.Sorted(maps.Keys(fresh.placement.unplaced))})
}
