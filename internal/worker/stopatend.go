package worker

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/lsst-sqre/kafka-aggregator/internal/brokers"
)

// ending is what a worker with StopAtEnd knows of the end.
type ending struct {
	partitions map[string]map[int32]end
	asked      time.Time        // when the group was last asked whether others are at their ends
	partials   map[string]int64 // by topic with partials: up to where they have to be merged, once that is known
}

// end of a partition when the worker was started.
type end struct {
	offset int64
	empty  bool // it held nothing
}

// noteEnds notes where to stop.
func (w *Worker) noteEnds(ctx context.Context, topics found) error {
	e := &ending{partitions: map[string]map[int32]end{}, partials: map[string]int64{}}
	ctx, cancel := context.WithTimeout(ctx, brokers.AdminTimeout)
	defer cancel()
	all, err := w.brokers.BoundsOf(ctx, brokers.AllRecords, topics.topics()...)
	if err != nil {
		return err
	}
	for topic, parts := range all {
		e.partitions[topic] = map[int32]end{}
		for id, b := range parts {
			if b.Err == nil { // else the end is known when the partition can be read
				e.partitions[topic][id] = end{b.End, b.Start >= b.End}
			}
		}
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

// lookEvery is how often the group is asked whether others are at their ends.
const lookEvery = time.Second / 2

// allFinished reports whether all that was there at the start has been
// aggregated, by this worker or by others:
//
//  1. Topics of which this worker has all partitions are read to the end, and
//     their windows are computed or shipped.
//  2. Of all others, which other members have, or nobody has because a member
//     that is gone is not missed yet, the offsets are committed up to the end.
//  3. What had been shipped when that was so is merged, and its windows are out.
func (s *session) allFinished(now time.Time) bool {
	if s.shares.assigned.Load() == nil {
		return false
	}
	for _, src := range s.sources {
		if !src.over() {
			return false
		}
	}
	var elsewhere, partials []string
	for topic := range s.w.ending.partitions {
		c, ok := s.w.selection.selector.Select(topic)
		if _, there := s.topics.known[topic]; !there || !ok {
			continue
		}
		if src := s.sources[topic]; src == nil || !src.agent.Complete() {
			elsewhere = append(elsewhere, topic)
		}
		if _, there := s.topics.known[c.PartialsTopic]; there {
			partials = append(partials, c.PartialsTopic)
		}
	}
	switch {
	case len(elsewhere)+len(partials) == 0:
		return true
	case now.Sub(s.w.ending.asked) < lookEvery:
		return false
	}
	s.w.ending.asked = now
	ctx, cancel := context.WithTimeout(s.ctx, abortTimeout)
	defer cancel()
	committed, err := s.w.brokers.Admin.FetchOffsets(ctx, s.w.cfg.Worker.Group)
	if err != nil || !s.w.ending.read(elsewhere, committed) {
		return false
	}
	for _, topic := range partials {
		if !s.mergedToEnd(ctx, topic, committed) {
			return false
		}
	}
	return true
}

// over reports whether nothing that is here of a source has to be waited for. Of a topic
// that others have a part of, or that is merged, more is found out.
func (src *source) over() bool {
	switch {
	case src.givenUp():
		return true
	case src.hold != nil || src.phase == phaseLetters:
		return false
	}
	return src.phase == phaseDrained || src.merges != "" || !src.agent.Complete()
}

// read reports whether topics are committed up to the end.
func (e *ending) read(topics []string, committed kadm.OffsetResponses) bool {
	for _, topic := range topics {
		for id, end := range e.partitions[topic] {
			o, ok := committed.Lookup(topic, id)
			if !end.empty && (!ok || o.Err != nil || o.At < end.offset) {
				return false
			}
		}
	}
	return true
}

// mergedToEnd reports whether the windows of all partials are out that lay in a
// topic when its source was found to be read to the end. What has come since
// is of later records, or repeats.
func (s *session) mergedToEnd(ctx context.Context, topic string, committed kadm.OffsetResponses) bool {
	upTo, ok := s.w.ending.partials[topic]
	if !ok {
		all, err := s.w.brokers.BoundsOf(ctx, brokers.AllRecords, topic) // also of transactions that are not over yet
		b := all.Of(topic, 0)
		if err != nil || b.Err != nil {
			return false
		}
		if upTo = b.End; b.Start >= upTo {
			upTo = 0
		}
		s.w.ending.partials[topic] = upTo
	}
	if src := s.sources[topic]; src != nil && src.parts[0] != nil {
		low, _, _ := src.parts[0].Low() // what is pending goes out with the last commit
		return low >= upTo
	}
	o, ok := committed.Lookup(topic, 0)
	return upTo == 0 || ok && o.Err == nil && o.At >= upTo
}
