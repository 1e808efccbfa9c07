package worker

import (
	"fmt"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
)

// resume decides where a partition is read from, given what the group's
// coordinator holds and what is known of its topic. lost is how many offsets
// were deleted before anybody read them.
func (s *session) resume(src *source, id int32, f fetched, facts *facts) (offset int64, c agent.Checkpoint, lost int64, err error) {
	start, end := facts.bounds[id].start, facts.bounds[id].end
	if f.offset < 0 {
		a := facts.anchor
		switch {
		case a == nil:
			return start, agent.Fresh(start), 0, nil
		case src.merges != "" && other(a.topic, src.mergesID):
			// Nothing of the topic that is there now is out: what has been sent
			// was not merged.
			return start, src.agent.Anew(start, a.final), 0, nil
		case src.merges != "":
			return start, a.partials(start, end), 0, nil
		case other(a.topic, facts.id), a.heads[id] > end:
			// Kafka deletes the offsets of a topic with it. What the windows
			// that are out were computed from is not there any more, by the
			// topic's id or by what there is.
			src.log.Warn("the topic was deleted and made again, or cut off; reading it from its start, windows that were out stay out", "partition", id, "aggregated_topic", src.into(), "out_up_to", time.Unix(0, a.final).UTC())
			return start, src.agent.Anew(start, a.final), 0, nil
		}
		src.log.Warn("the group has no offset for this partition; windows that are out stay out", "partition", id, "aggregated_topic", src.into(), "out_up_to", time.Unix(0, a.final).UTC())
		return start, a.checkpoint(id, start), 0, nil
	}
	log := src.log.With("partition", id, "offset", f.offset)
	beyond := func() error {
		if f.offset <= end {
			return nil
		}
		return fmt.Errorf("the committed offset %d is beyond the end %d of the partition: the log was cut off, or the group's offsets were altered; reset the offsets of group %s to go on", f.offset, end, s.w.cfg.Worker.Group)
	}
	if f.meta == "" {
		if err := beyond(); err != nil {
			return 0, c, 0, err
		}
		log.Warn("committed offset has no checkpoint, it was set by another program; windows from here on come out again")
		low := max(f.offset, start)
		return low, agent.Fresh(low), low - f.offset, nil
	}
	c, err = agent.DecodeCheckpoint(f.meta)
	if err != nil {
		return 0, c, 0, fmt.Errorf("metadata of the committed offset %d: %w; upgrade this worker, or reset the offsets of group %s", f.offset, err, s.w.cfg.Worker.Group)
	}
	switch {
	case other(c.TopicID, facts.id) && c.Cluster == s.cluster:
		log.Warn("the topic was deleted and made again; reading it from its start, windows that were out stay out")
		fresh := src.agent.Anew(start, c.Final)
		fresh.Shipped = c.Shipped
		return start, fresh, 0, nil
	case beyond() != nil:
		return 0, c, 0, beyond()
	case c.Cluster != s.cluster:
		log.Warn("the committed offset comes from another cluster; windows that were out stay out")
		low := max(f.offset, start)
		return low, src.agent.Anew(low, c.Final), low - f.offset, nil
	}
	offset = f.offset
	if offset < start {
		lost = max(0, start-c.Head)
		log.Warn("records were deleted while this group was away", "log_start", start, "lost", lost)
		offset = start
	}
	if c.Head > end {
		log.Error("the log was cut off below what has been read", "head", c.Head, "end", end)
		c.Head = end
	}
	c.Head = max(c.Head, offset)
	if brokenReplay {
		c.Head, c.Count, c.Hash = offset, 0, 0
	}
	return offset, c, lost, nil
}
