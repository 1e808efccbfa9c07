package worker

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// adminTimeout bounds a request about topics or offsets.
const adminTimeout = 15 * time.Second

func isTopicExists(err error) bool { return errors.Is(err, kerr.TopicAlreadyExists) }

// found is what a look at the cluster's topics gave: the source topics and
// how many partitions each has.
type found map[string]int

// discover lists the source topics.
func (w *Worker) discover(ctx context.Context) (found, error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	all, err := w.adm.ListTopics(ctx)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	f := found{}
	for topic, d := range all {
		if d.Err != nil || len(d.Partitions) == 0 {
			continue
		}
		if c, ok := w.selector.Select(topic); ok {
			f[topic] = len(d.Partitions)
			if p := all[c.PartialsTopic]; p.Err == nil && len(p.Partitions) > 0 {
				f[c.PartialsTopic] = len(p.Partitions)
			}
		}
	}
	return f, nil
}

// bounds are the first and the next offset of each partition of the topics.
func (w *Worker) bounds(ctx context.Context, topics ...string) (starts, ends kadm.ListedOffsets, err error) {
	if starts, err = w.adm.ListStartOffsets(ctx, topics...); err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("list start offsets: %w", err)
	}
	if ends, err = w.adm.ListEndOffsets(ctx, topics...); err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("list end offsets: %w", err)
	}
	return starts, ends, nil
}

func (f found) topics() []string { return slices.Sorted(maps.Keys(f)) }

// watchTopics looks for new topics and partitions until the session ends.
func (s *session) watchTopics() {
	for {
		select {
		case <-time.After(s.w.cfg.Worker.TopicRefresh):
		case <-s.ctx.Done():
			return
		}
		f, err := s.w.discover(s.ctx)
		if err != nil {
			if s.ctx.Err() == nil {
				s.w.log.Warn("looking for new topics failed", "err", err)
			}
			continue
		}
		if !s.notify(func() { s.update(f) }) {
			return
		}
	}
}

// update takes a look at the cluster's topics into the loop.
func (s *session) update(f found) {
	var added, gone, parted []string
	grown := false
	for _, topic := range f.topics() {
		if _, ok := s.known[topic]; !ok {
			added = append(added, topic)
		} else if f[topic] != s.known[topic] {
			grown = true
		}
		if src := s.sources[topic]; src != nil && src.merges == "" {
			src.agent.SetPartitions(f[topic])
			src.news = true
			if src.informed() || (*s.shared.Load())[topic] && !src.uneven {
				src.parted = 0
			} else if src.parted++; src.parted > 1 && src.problems[causePosition] == "" {
				parted = append(parted, topic)
			}
		}
	}
	if len(parted) > 0 {
		// The leader of the group may not know of the other partitions: one
		// with an id of its own that was started again is given what was
		// assigned before, without being asked what there is now.
		s.w.log.Info("topics are not assigned as a whole; asking for a new assignment", "topics", parted)
		s.cl.ForceRebalance()
	}
	for topic := range s.known {
		if _, ok := f[topic]; !ok {
			gone = append(gone, topic)
		}
	}
	s.known, s.newTopics = f, true
	if len(added) > 0 {
		s.w.log.Info("new source topics", "topics", added)
		s.cl.AddConsumeTopics(added...)
	}
	if grown { // the leader of the group assigns what its client knows
		s.cl.ForceMetadataRefresh()
	}
	if len(gone) > 0 {
		slices.Sort(gone)
		s.w.log.Warn("source topics are gone", "topics", gone)
		s.cl.PurgeTopicsFromConsuming(gone...)
		for _, topic := range gone {
			if src := s.sources[topic]; src != nil {
				s.drop(src)
			}
		}
	}
}

// ends is what a look at the end offsets gave.
type ends struct {
	asked   time.Time // when the question was sent: at this moment the ends were at least so
	offsets kadm.ListedOffsets
}

// look asks for the end offsets of topics, away from the loop.
func (s *session) look(topics []string) {
	s.looking = true
	s.helpers.Go(func() {
		ctx, cancel := context.WithTimeout(s.ctx, adminTimeout)
		defer cancel()
		e := ends{asked: time.Now()}
		offsets, err := s.w.adm.ListEndOffsets(ctx, topics...)
		if err == nil {
			e.offsets = offsets
		}
		s.notify(func() { s.takeEnds(e) })
	})
}

// idleTick is how often partitions are looked at that may have gone silent.
func (s *session) idleTick() time.Duration {
	return min(time.Second, max(50*time.Millisecond, s.w.minIdle/10))
}

// idle looks for partitions that hold up windows and may have gone silent,
// and asks for their end offsets: what closes a window by the clock is the
// broker's word that there is nothing more to read, not the lack of news. Of a
// source without open windows, that only ships, the word is needed once for
// each claim.
func (s *session) idle(now time.Time) {
	if s.looking {
		return
	}
	var topics []string
	for _, src := range s.sources {
		if src.merges != "" || !src.readable() {
			continue
		}
		silent := false
		open := 0
		for _, p := range src.parts {
			silent = silent || len(p.batch) == 0 && now.Sub(p.arrived) >= time.Duration(src.job.set.IdleAfter)
			_, n := p.OpenRows()
			open += n
		}
		if silent && (open > 0 || src.agent.Ships() && now.Sub(src.looked) >= claimEvery-s.idleTick()) {
			src.news = src.news || brokenIdle
			src.looked = now
			topics = append(topics, src.topic)
		}
	}
	if len(topics) > 0 {
		slices.Sort(topics)
		s.look(topics)
	}
}

// takeEnds notes which partitions are read to their end.
func (s *session) takeEnds(e ends) {
	s.looking = false
	e.offsets.Each(func(o kadm.ListedOffset) {
		src := s.sources[o.Topic]
		if src == nil || o.Err != nil {
			return
		}
		p := src.parts[o.Partition]
		if p == nil {
			return
		}
		p.end = max(p.end, o.Offset)
		if p.Position() >= o.Offset && p.arrived.Before(e.asked) {
			p.caught = e.asked
			src.news = true
		}
	})
}

// clusterInfo asks for the cluster's id and the level of its transactions.
func (w *Worker) clusterInfo(ctx context.Context) (cluster uint64, txnVersion int16, err error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	meta, err := w.adm.BrokerMetadata(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("get the cluster's metadata: %w", err)
	}
	h := fnv.New64a()
	h.Write([]byte(meta.Cluster))
	resp, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, w.cl)
	if err != nil {
		return 0, 0, fmt.Errorf("get the brokers' features: %w", err)
	}
	for _, f := range resp.FinalizedFeatures {
		if f.Name == "transaction.version" {
			txnVersion = f.MaxVersionLevel
		}
	}
	return h.Sum64(), txnVersion, nil
}
