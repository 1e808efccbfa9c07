package worker

import (
	"context"
	"slices"
)

const (
	// guessBytes is about how long a record is, and guessTime within how many
	// seconds a backlog should be worked off: what makes a load of the number
	// of records that a topic which nobody has measured has before the group.
	guessBytes = 100
	guessTime  = 60
	// mergeWeight is about what the merging of a topic costs beside the reading
	// of its records.
	mergeWeight = 1.0 / 6
)

// backlog guesses the loads of topics that nobody has measured, by partition:
// after a start of the whole group, what lies before it tells most of what
// there is to do. It is nil if the brokers do not say.
func (s *session) backlog(topics []string) map[string]map[int32]float64 {
	ctx, cancel := context.WithTimeout(s.ctx, leadersTimeout) // the whole group waits
	defer cancel()
	committed, err := s.w.adm.FetchOffsets(ctx, s.w.cfg.Worker.Group)
	var all bounds
	if err == nil {
		all, err = s.w.boundsOf(ctx, allRecords, topics...)
	}
	if err != nil {
		s.w.log.Warn("topics that nobody has measured count as equal: what lies in them is not known", "err", err)
		return nil
	}
	loads := map[string]map[int32]float64{}
	for topic, parts := range all {
		for id, b := range parts {
			at := b.start
			if o, ok := committed.Lookup(topic, id); ok {
				at = max(at, o.At)
			}
			if b.err != nil || b.end <= at {
				continue
			}
			if loads[topic] == nil {
				loads[topic] = map[int32]float64{}
			}
			loads[topic][id] = float64(b.end-at) * guessBytes / guessTime
		}
	}
	return loads
}

// partialsOf is the topic with the partials of a source topic.
func (s *session) partialsOf(topic string) string {
	c, _ := s.w.selector.Select(topic)
	return c.PartialsTopic
}

// complete adds guesses for the topics of which no load is known.
func (b *balancer) complete(partitions map[string]int32, loads map[string]map[int32]float64) {
	merged := map[string]string{} // source by topic with partials
	for t := range partitions {
		if p := b.partials(t); partitions[p] > 0 && b.most(t) != 1 {
			merged[p] = t
		}
	}
	var unknown []string
	for t := range partitions {
		if _, known := loads[t]; !known && merged[t] == "" {
			unknown = append(unknown, t)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		for t, parts := range b.backlog(unknown) {
			loads[t] = parts
		}
	}
	for p, t := range merged {
		if _, known := loads[p]; !known {
			sum := 0.0
			for _, v := range loads[t] {
				sum += v
			}
			loads[p] = map[int32]float64{0: mergeWeight * sum}
		}
	}
}
