package worker

import (
	"context"

	"github.com/lsst-sqre/kafka-aggregator/internal/assignment"
	"github.com/lsst-sqre/kafka-aggregator/internal/brokers"
)

// backlog guesses the loads of topics that nobody has measured, by partition:
// after a start of the whole group, what lies before it tells most of what
// there is to do. It is nil if the brokers do not say.
func (s *session) backlog(topics []string) map[string]map[int32]float64 {
	ctx, cancel := context.WithTimeout(s.ctx, brokers.LeadersTimeout) // the whole group waits
	defer cancel()
	committed, err := s.w.brokers.Admin.FetchOffsets(ctx, s.w.cfg.Worker.Group)
	var all brokers.Bounds
	if err == nil {
		all, err = s.w.brokers.BoundsOf(ctx, brokers.AllRecords, topics...)
	}
	if err != nil {
		s.w.log.Warn("topics that nobody has measured count as equal: what lies in them is not known", "err", err)
		return nil
	}
	loads := map[string]map[int32]float64{}
	for topic, parts := range all {
		for id, b := range parts {
			at := b.Start
			if o, ok := committed.Lookup(topic, id); ok {
				at = max(at, o.At)
			}
			if b.Err != nil || b.End <= at {
				continue
			}
			if loads[topic] == nil {
				loads[topic] = map[int32]float64{}
			}
			loads[topic][id] = assignment.BacklogOfRecords(b.End - at)
		}
	}
	return loads
}

// partialsOf is the topic with the partials of a source topic.
func (s *session) partialsOf(topic string) string {
	c, _ := s.w.selection.selector.Select(topic)
	return c.PartialsTopic
}
