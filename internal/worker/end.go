package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// ending is what a worker with StopAtEnd knows of the end.
type ending struct {
	stopAt map[string]map[int32]int64 // end offsets at the start
	empty  map[string]map[int32]bool  // partitions that held nothing then
}

// noteEnds notes where to stop.
func (w *Worker) noteEnds(ctx context.Context, topics found) error {
	e := &ending{stopAt: map[string]map[int32]int64{}, empty: map[string]map[int32]bool{}}
	if len(topics) > 0 {
		starts, err := w.adm.ListStartOffsets(ctx, topics.topics()...)
		if err == nil {
			err = starts.Error()
		}
		if err != nil {
			return fmt.Errorf("list start offsets: %w", err)
		}
		ends, err := w.adm.ListEndOffsets(ctx, topics.topics()...)
		if err == nil {
			err = ends.Error()
		}
		if err != nil {
			return fmt.Errorf("list end offsets: %w", err)
		}
		ends.Each(func(o kadm.ListedOffset) {
			if e.stopAt[o.Topic] == nil {
				e.stopAt[o.Topic], e.empty[o.Topic] = map[int32]int64{}, map[int32]bool{}
			}
			e.stopAt[o.Topic][o.Partition] = o.Offset
			start, _ := starts.Lookup(o.Topic, o.Partition)
			e.empty[o.Topic][o.Partition] = start.Offset >= o.Offset
		})
	}
	w.ending = e
	return nil
}

// stopOffset is where to stop in a partition: its end at the start, or, if it
// was not there then, its end when it was assigned.
func (w *Worker) stopOffset(topic string, id int32, end int64) int64 {
	if stop, ok := w.ending.stopAt[topic][id]; ok {
		return stop
	}
	return end
}

// allFinished reports whether every partition has reached the offset to stop
// at: those of this worker, and, by what is committed, those that others have
// or that nobody has, because a member that is gone is not missed yet.
func (s *session) allFinished(now time.Time) bool {
	if s.assignments == 0 {
		return false
	}
	for _, src := range s.sources {
		switch {
		case src.merges != "":
			// What this worker has shipped is merged.
			if src.parts[0] != nil && src.parts[0].Position() < s.shippedTo[src.topic] {
				return false
			}
		case !src.finished() || src.agent.Open() > 0 || !src.agent.Settled():
			return false
		}
	}
	var elsewhere []string
	for topic := range s.w.ending.stopAt {
		if _, there := s.known[topic]; there && s.sources[topic] == nil && s.isSource(topic) {
			elsewhere = append(elsewhere, topic)
		}
	}
	return len(elsewhere) == 0 || s.finishedElsewhere(elsewhere, now)
}

// isSource reports whether a topic is a source topic, and not one of partials.
func (s *session) isSource(topic string) bool {
	_, ok := s.w.selector.Select(topic)
	return ok
}

// finishedElsewhere asks the group, now and then, whether topics of others are
// committed up to the end.
func (s *session) finishedElsewhere(topics []string, now time.Time) bool {
	if now.Sub(s.lastAsked) < time.Second/2 {
		return false
	}
	s.lastAsked = now
	ctx, cancel := context.WithTimeout(s.ctx, abortTimeout)
	defer cancel()
	committed, err := s.w.adm.FetchOffsetsForTopics(ctx, s.w.cfg.Worker.Group, topics...)
	if err != nil {
		return false
	}
	for _, topic := range topics {
		for id, stop := range s.w.ending.stopAt[topic] {
			o, ok := committed.Lookup(topic, id)
			if !s.w.ending.empty[topic][id] && (!ok || o.Err != nil || o.At < stop) {
				return false
			}
		}
	}
	return true
}
