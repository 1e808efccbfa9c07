package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// ending is what a worker with StopAtEnd knows of the end.
type ending struct {
	partitions map[string]map[int32]end
}

// end of a partition when the worker was started.
type end struct {
	offset int64
	empty  bool // it held nothing
}

// noteEnds notes where to stop.
func (w *Worker) noteEnds(ctx context.Context, topics found) error {
	e := &ending{map[string]map[int32]end{}}
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
			if e.partitions[o.Topic] == nil {
				e.partitions[o.Topic] = map[int32]end{}
			}
			start, _ := starts.Lookup(o.Topic, o.Partition)
			e.partitions[o.Topic][o.Partition] = end{o.Offset, start.Offset >= o.Offset}
		})
	}
	w.ending = e
	return nil
}

// stopOffset is where to stop in a partition: its end at the start, or, if it
// was not there then, its end when it was assigned.
func (w *Worker) stopOffset(topic string, id int32, now int64) int64 {
	if end, ok := w.ending.partitions[topic][id]; ok {
		return end.offset
	}
	return now
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
	for topic := range s.w.ending.partitions {
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
		for id, end := range s.w.ending.partitions[topic] {
			o, ok := committed.Lookup(topic, id)
			if !end.empty && (!ok || o.Err != nil || o.At < end.offset) {
				return false
			}
		}
	}
	return true
}
