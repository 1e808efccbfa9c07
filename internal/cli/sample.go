package cli

import (
	"context"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// lastSchemaIDs are the schema ids of the newest records of the topics, for
// topics whose schemas are not registered under the topic's name.
func (c *connection) lastSchemaIDs(ctx context.Context, topics []string) (map[string]int, error) {
	ids := make(map[string]int)
	if len(topics) == 0 {
		return ids, nil
	}
	err := c.LastRecords(ctx, topics, func(r *kgo.Record) bool {
		id, _, err := registry.ParseHeader(r.Value)
		if err == nil {
			ids[r.Topic] = id
		}
		return err == nil
	})
	return ids, err
}

// samples finds the greatest lengths of the arrays in the last few records of each
// topic that has arrays, by slot of each aggregated schema. Those of topics without
// a readable record are left out of the result.
func (c *connection) samples(ctx context.Context, agents []*agent) (map[*agent][]int, error) {
	lengths := make(map[*agent][]int)
	byTopic := make(map[string][]*agent)
	for _, a := range agents {
		if a.used != nil && a.hasArrays() {
			byTopic[a.topic] = append(byTopic[a.topic], a)
		}
	}
	topics := slices.Sorted(maps.Keys(byTopic))
	if len(topics) == 0 {
		return lengths, nil
	}
	err := c.LastRecords(ctx, topics, func(r *kgo.Record) bool {
		for _, a := range byTopic[r.Topic] {
			found, err := c.arrayLengths(ctx, a, r)
			if err != nil {
				return false
			}
			if known := lengths[a]; known != nil {
				for i := range found {
					found[i] = max(found[i], known[i])
				}
			}
			lengths[a] = found
		}
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
