package survey

import (
	"context"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
)

// ArrayLengths finds the greatest lengths of the arrays in the last few records of
// each topic that has arrays, by slot of each aggregated schema. Those of topics
// without a readable record are left out of the result.
func (s *Survey) ArrayLengths(ctx context.Context, of *cluster.Cluster) (map[*Agent][]int, error) {
	c := looker{of}
	lengths := make(map[*Agent][]int)
	byTopic := make(map[string][]*Agent)
	for _, a := range s.Agents {
		if a.Used != nil && a.hasArrays() {
			byTopic[a.Topic] = append(byTopic[a.Topic], a)
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

// unregistered stands for the id of a schema that would be registered.
const unregistered = -1

// arrayLengths decodes a record, whose schema may be older than the newest one,
// into the slots of the aggregated schema.
func (c looker) arrayLengths(ctx context.Context, a *Agent, r *kgo.Record) ([]int, error) {
	f, err := c.frame(ctx, a, r)
	if err != nil {
		return nil, err
	}
	in, err := c.input(ctx, a, f.Ref)
	if err != nil {
		return nil, err
	}
	known := a.Used
	if known.ID == 0 {
		known = known.Registered(unregistered)
	}
	decoder, err := a.Output.Plan(known.History(), in).Without().Decoder()
	if err != nil {
		return nil, err
	}
	var row codec.Row
	body := f.Body
	if f.Compressed {
		inflater := framing.NewInflater()
		defer inflater.Free()
		if body, err = inflater.Inflate(body); err != nil {
			return nil, err
		}
	}
	if err := decoder.Decode(body, &row); err != nil {
		return nil, err
	}
	lengths := make([]int, len(a.Used.Schema.Fields))
	for i := range lengths {
		lengths[i] = len(row.Arrays[i])
	}
	return lengths, nil
}
