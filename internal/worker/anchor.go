package worker

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
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
	topic [16]byte        // id of the source topic that these were computed from, zero if it is not known
}

// anchorRecords is how many records at the end of an aggregated partition are
// looked at first; if they are markers only, more.
const anchorRecords = 64

// gatherAnchors reads the ends of the aggregated topics of those topics for which
// a partition has no committed offset. Topics without output have none. Under
// at_least_once output may be there before the first offsets are; it comes
// again then, as it may, and nobody asks.
func (s *session) gatherAnchors(ctx context.Context, topics []string, questions map[string]question, out map[string]*facts) {
	ctx, cancel := context.WithTimeout(ctx, 2*leadersTimeout)
	defer cancel()
	into := map[string]string{} // aggregated topic to source topic
	var names []string
	for _, topic := range topics {
		q := questions[topic]
		for _, name := range q.into {
			if into[name] == "" {
				into[name] = q.source
				names = append(names, name)
			}
		}
	}
	found, errs := s.anchors(ctx, names, into)
	for _, topic := range topics {
		q := questions[topic]
		if a, ok := found[q.source]; ok {
			out[topic].anchor = &a
		}
		for _, name := range q.into {
			if err := errs[name]; err != nil {
				out[topic].err = fmt.Errorf("no offset is committed, and what is out cannot be read from %s: %w", name, err)
			}
		}
	}
}

// anchors are those of source topics, and what went wrong with aggregated ones.
func (s *session) anchors(ctx context.Context, names []string, into map[string]string) (found map[string]anchor, errs map[string]error) {
	found, errs = map[string]anchor{}, map[string]error{}
	fail := func(err error) {
		for _, name := range names {
			if errs[name] == nil {
				errs[name] = err
			}
		}
	}
	details, err := s.w.adm.ListTopics(ctx, names...)
	if err != nil {
		fail(err)
		return found, errs
	}
	for name, d := range details {
		if errors.Is(d.Err, kerr.UnknownTopicOrPartition) {
			delete(details, name) // there is no output
		} else if d.Err != nil {
			errs[name] = d.Err
		}
	}
	ends := s.w.bounds(ctx, details, committedRecords)
	for back := int64(anchorRecords); ; back *= 16 {
		from, to, more := map[string]map[int32]kgo.Offset{}, map[string]map[int32]int64{}, false
		for name, parts := range ends {
			if _, ok := found[into[name]]; ok || errs[name] != nil {
				continue
			}
			for id, b := range parts {
				if b.err != nil {
					errs[name] = fmt.Errorf("partition %d: %w", id, b.err)
					delete(from, name)
					delete(to, name)
					break
				}
				if b.start >= b.end {
					continue // it is empty
				}
				at := max(b.start, b.end-back)
				more = more || at > b.start
				if from[name] == nil {
					from[name], to[name] = map[int32]kgo.Offset{}, map[int32]int64{}
				}
				from[name][id], to[name][id] = kgo.NewOffset().At(at), b.end
			}
		}
		if len(from) == 0 {
			return found, errs
		}
		if err := s.readAnchors(ctx, from, to, into, found); err != nil {
			for name := range to { // what is left was not read to its end
				errs[name] = err
				delete(found, into[name])
			}
			if ctx.Err() != nil {
				return found, errs
			}
		}
		if !more {
			return found, errs
		}
	}
}

// readAnchors reads partitions of aggregated topics to their ends, and takes from
// to what it has read.
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
	var id [16]byte
	for _, h := range r.Headers {
		switch h.Key {
		case "source_topic":
			source = string(h.Value)
		case "source_topic_id":
			_, _ = base64.RawURLEncoding.Decode(id[:], h.Value[:min(len(h.Value), 22)])
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
		a.final = math.MinInt64
	}
	end := window.End(start, size)
	switch {
	case !ok || other(id, a.topic) && end >= a.final: // offsets of a topic that was made again say nothing of the one before
		a.topic, a.heads = id, map[int32]int64{}
	case other(id, a.topic):
		return
	case a.topic == noTopicID: // an earlier version did not say which topic it was
		a.topic = id
	}
	a.final = max(a.final, end)
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
