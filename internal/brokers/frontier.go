package brokers

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/recovery"
)

// frontierRecords is how many records at the end of an aggregated partition are
// looked at first; if they are markers only, more.
const frontierRecords = 64

// gatherFrontiers reads the ends of the aggregated topics of those topics for which
// a partition has no committed offset. Topics without output have none. Under
// at_least_once output may be there before the first offsets are; it comes
// again then, as it may, and nobody asks.
func (b *Brokers) gatherFrontiers(ctx context.Context, topics []string, questions map[string]Question, out map[string]*Facts) {
	ctx, cancel := context.WithTimeout(ctx, 2*LeadersTimeout)
	defer cancel()
	into := map[string]string{} // aggregated topic to source topic
	var names []string
	for _, topic := range topics {
		q := questions[topic]
		for _, name := range q.Into {
			if into[name] == "" {
				into[name] = q.Source
				names = append(names, name)
			}
		}
	}
	found, errs := b.frontiers(ctx, names, into)
	for _, topic := range topics {
		q := questions[topic]
		if f, ok := found[q.Source]; ok {
			out[topic].Frontier = &f
		}
		for _, name := range q.Into {
			if err := errs[name]; err != nil {
				out[topic].Err = fmt.Errorf("no offset is committed, and what is out cannot be read from %s: %w", name, err)
			}
		}
	}
}

// frontiers are those of source topics, and what went wrong with aggregated ones.
func (b *Brokers) frontiers(ctx context.Context, names []string, into map[string]string) (found recovery.Frontiers, errs map[string]error) {
	found, errs = recovery.Frontiers{}, map[string]error{}
	fail := func(err error) {
		for _, name := range names {
			if errs[name] == nil {
				errs[name] = err
			}
		}
	}
	details, err := b.Admin.ListTopics(ctx, names...)
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
	ends := b.Bounds(ctx, details, CommittedRecords)
	for back := int64(frontierRecords); ; back *= 16 {
		from, to, more := map[string]map[int32]kgo.Offset{}, map[string]map[int32]int64{}, false
		for name, parts := range ends {
			if _, ok := found[into[name]]; ok || errs[name] != nil {
				continue
			}
			for id, x := range parts {
				if x.Err != nil {
					errs[name] = fmt.Errorf("partition %d: %w", id, x.Err)
					delete(from, name)
					delete(to, name)
					break
				}
				if x.Start >= x.End {
					continue // it is empty
				}
				at := max(x.Start, x.End-back)
				more = more || at > x.Start
				if from[name] == nil {
					from[name], to[name] = map[int32]kgo.Offset{}, map[int32]int64{}
				}
				from[name][id], to[name][id] = kgo.NewOffset().At(at), x.End
			}
		}
		if len(from) == 0 {
			return found, errs
		}
		if err := b.readFrontiers(ctx, from, to, into, found); err != nil {
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

// readFrontiers reads partitions of aggregated topics to their ends, and takes from
// to what it has read.
func (b *Brokers) readFrontiers(ctx context.Context, from map[string]map[int32]kgo.Offset, to map[string]map[int32]int64, into map[string]string, found recovery.Frontiers) error {
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ConsumePartitions(from), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
	}, b.options.Client...)...)
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
				found.Note(into[r.Topic], r)
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
