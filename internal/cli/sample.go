package cli

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// lastRecords reads the last few records of each topic until use has been true
// for one of each, or 5 s have passed. It is called for whatever comes.
func (c *connection) lastRecords(ctx context.Context, topics []string, use func(*kgo.Record) bool) error {
	start, end, err := c.bounds(ctx, topics)
	if err != nil {
		return err
	}
	from := make(map[string]map[int32]kgo.Offset)
	end.Each(func(o kadm.ListedOffset) {
		first := start[o.Topic][o.Partition].Offset
		if o.Err == nil && o.Offset > first { // a few back: the last ones may be marks of transactions
			if from[o.Topic] == nil {
				from[o.Topic] = make(map[int32]kgo.Offset)
			}
			from[o.Topic][o.Partition] = kgo.NewOffset().At(max(first, o.Offset-5))
		}
	})
	if len(from) == 0 {
		return nil
	}
	c.kafka.AddConsumePartitions(from)
	defer c.kafka.PurgeTopicsFromConsuming(topics...)
	wait, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	done := make(map[string]bool)
	for len(done) < len(from) && wait.Err() == nil {
		c.kafka.PollFetches(wait).EachRecord(func(r *kgo.Record) {
			if use(r) {
				done[r.Topic] = true
			}
		})
	}
	return ctx.Err()
}

// lastSchemaIDs are the schema ids of the newest records of the topics, for
// topics whose schemas are not registered under the topic's name.
func (c *connection) lastSchemaIDs(ctx context.Context, topics []string) (map[string]int, error) {
	ids := make(map[string]int)
	if len(topics) == 0 {
		return ids, nil
	}
	err := c.lastRecords(ctx, topics, func(r *kgo.Record) bool {
		id, _, err := registry.ParseHeader(r.Value)
		if err == nil {
			ids[r.Topic] = id
		}
		return err == nil
	})
	return ids, err
}

// samples finds the greatest lengths of the arrays in the last few records of each
// topic that has arrays, by slot of its aggregated schema. Topics without a
// readable record are left out of the result.
func (c *connection) samples(ctx context.Context, agents []*agent) (map[string][]int, error) {
	lengths := make(map[string][]int)
	byTopic := make(map[string]*agent)
	var topics []string
	for _, a := range agents {
		if a.used != nil && a.hasArrays() {
			byTopic[a.topic] = a
			topics = append(topics, a.topic)
		}
	}
	if len(topics) == 0 {
		return lengths, nil
	}
	err := c.lastRecords(ctx, topics, func(r *kgo.Record) bool {
		found, err := c.arrayLengths(ctx, byTopic[r.Topic], r)
		if err != nil {
			return false
		}
		if known := lengths[r.Topic]; known != nil {
			for i := range found {
				found[i] = max(found[i], known[i])
			}
		}
		lengths[r.Topic] = found
		return true
	})
	return lengths, err
}

func (a *agent) hasArrays() bool {
	for _, f := range a.used.Schema.Fields {
		if f.Array {
			return true
		}
	}
	return false
}

// unregistered stands for the id of a schema that would be registered.
const unregistered = -1

// arrayLengths decodes a record, whose schema may be older than the newest one,
// into the slots of the aggregated schema.
func (c *connection) arrayLengths(ctx context.Context, a *agent, r *kgo.Record) ([]int, error) {
	id, body, err := registry.ParseHeader(r.Value)
	if err != nil {
		return nil, err
	}
	in, err := c.input(ctx, a, id)
	if err != nil {
		return nil, err
	}
	known := a.used
	if known.ID == 0 {
		known = known.Registered(unregistered)
	}
	decoder, err := a.output.Plan(known.History(), in).Without().Decoder()
	if err != nil {
		return nil, err
	}
	var row codec.Row
	if err := decoder.Decode(body, &row); err != nil {
		return nil, err
	}
	lengths := make([]int, len(a.used.Schema.Fields))
	for i := range lengths {
		lengths[i] = len(row.Arrays[i])
	}
	return lengths, nil
}
