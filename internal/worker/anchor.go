package worker

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// anchor is what the aggregated topic itself tells of a source topic, for
// partitions that the group has no offset for: because they are new, or
// because the offsets have expired or were deleted. In the second case the
// topic would be aggregated again from its start, and every window that can
// still be read would come out twice.
type anchor struct {
	final int64           // windows that end at or before are out, ns
	heads map[int32]int64 // by partition: behind the last record of the last windows
}

// anchorRecords is how many records at the end of an aggregated partition are
// looked at first; if they are markers only, more.
const anchorRecords = 64

// anchors reads the ends of the aggregated topics of those sources for which a
// partition has no committed offset. Sources without output have none. Under
// at_least_once output may be there before the first offsets are; it comes
// again then, as it may.
func (s *session) anchors(ctx context.Context, assigned map[string]map[int32]kgo.Offset) (map[string]anchor, error) {
	if s.w.cfg.Worker.Delivery != config.ExactlyOnce {
		return nil, nil
	}
	into := map[string]string{} // aggregated topic to source
	var names []string
	s.mu.Lock()
	for topic, parts := range assigned {
		for id := range parts {
			if f, ok := s.fetched[topic][id]; ok && f.offset >= 0 {
				continue
			}
			of := cmp.Or(s.w.sourceOf(topic, s.known), topic)
			if choice, ok := s.w.selector.Select(of); ok && into[choice.AggregatedTopic] == "" {
				into[choice.AggregatedTopic] = of
				names = append(names, choice.AggregatedTopic)
			}
			break
		}
	}
	s.mu.Unlock()
	if len(names) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	starts, err := s.w.adm.ListStartOffsets(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("list start offsets of aggregated topics: %w", err)
	}
	ends, err := s.w.adm.ListCommittedOffsets(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("list end offsets of aggregated topics: %w", err)
	}
	found := map[string]anchor{}
	for back := int64(anchorRecords); ; back *= 16 {
		from, to, more := map[string]map[int32]kgo.Offset{}, map[string]map[int32]int64{}, false
		for name, parts := range ends {
			if _, ok := found[into[name]]; ok {
				continue
			}
			for id, end := range parts {
				start, ok := starts.Lookup(name, id)
				if !ok || start.Err != nil || end.Err != nil || start.Offset >= end.Offset {
					continue // the topic is not there, or empty
				}
				at := max(start.Offset, end.Offset-back)
				more = more || at > start.Offset
				if from[name] == nil {
					from[name], to[name] = map[int32]kgo.Offset{}, map[int32]int64{}
				}
				from[name][id], to[name][id] = kgo.NewOffset().At(at), end.Offset
			}
		}
		if len(from) == 0 {
			return found, nil
		}
		if err := s.readAnchors(ctx, from, to, into, found); err != nil {
			return nil, fmt.Errorf("read the ends of aggregated topics: %w", err)
		}
		if !more {
			return found, nil
		}
	}
}

// readAnchors reads partitions of aggregated topics to their ends.
func (s *session) readAnchors(ctx context.Context, from map[string]map[int32]kgo.Offset, to map[string]map[int32]int64, into map[string]string, found map[string]anchor) error {
	cl, err := kgo.NewClient(append(append([]kgo.Opt{
		kgo.ConsumePartitions(from), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
	}, s.w.clientOpts...), s.w.opts.KafkaOpts...)...)
	if err != nil {
		return err
	}
	defer cl.Close()
	for len(to) > 0 {
		fs := cl.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return err
		}
		fs.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				note(found, into[r.Topic], r)
			}
			if r.Offset+1 >= to[r.Topic][r.Partition] {
				if delete(to[r.Topic], r.Partition); len(to[r.Topic]) == 0 {
					delete(to, r.Topic)
				}
			}
		})
	}
	return nil
}

// note takes what an aggregated record tells of its source topic. Records
// without our headers were written by another program.
func note(found map[string]anchor, topic string, r *kgo.Record) {
	var source, offsets string
	for _, h := range r.Headers {
		switch h.Key {
		case "source_topic":
			source = string(h.Value)
		case "source_offsets":
			offsets = string(h.Value)
		}
	}
	start, size, ok := agent.ParseKey(r.Key)
	if source != topic || !ok {
		return
	}
	a, ok := found[topic]
	if !ok {
		a = anchor{final: math.MinInt64, heads: map[int32]int64{}}
	}
	a.final = max(a.final, window.End(start, size))
	for _, part := range strings.Fields(offsets) {
		var id int32
		var first, last int64
		if _, err := fmt.Sscanf(part, "%d:%d-%d/", &id, &first, &last); err == nil && id >= 0 && first >= 0 && first <= last && last < math.MaxInt64 {
			a.heads[id] = max(a.heads[id], last+1)
		}
	}
	found[topic] = a
}

// partials is the checkpoint of the topic with the partials of the source. What
// lies in it was sent before the offsets were lost, and maybe merged: what
// belongs to a window that is out was in it, or was late then.
func (a anchor) partials(start, end int64) agent.Checkpoint {
	c := agent.Fresh(start)
	c.Final = a.final
	if end > start {
		c.Head, c.Count = end, -1
	}
	return c
}

// checkpoint is that of a partition of which nothing else is known, read from
// start on. Below the head, records are taken for those that were read before:
// only windows come of them. How many there were is not known.
func (a anchor) checkpoint(id int32, start int64) agent.Checkpoint {
	c := agent.Fresh(start)
	c.Final = a.final
	if head := a.heads[id]; head > start {
		c.Head, c.MaxTime, c.Count = head, math.MaxInt64, -1
	}
	return c
}
