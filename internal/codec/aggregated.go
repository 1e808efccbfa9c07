package codec

import (
	"fmt"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// Aggregated is the schema of an aggregated topic: a flat record of time,
// window_start, window_end, window_size and count, and then, for each field
// and operation (field by field), {operation}_{field}: ["null","double"] with
// default null, or array<double> with default [] where the statistic is
// taken element by element.
//
// An aggregated name is never equal to another one: names of operations hold
// no underscore except the one before a percentile's decimals (p99_9), and
// the name of a field does not start with a digit; so the operation can be
// told from the name, and none of them is "window". That a source has both x
// and mean_x does no harm: they become mean_x and mean_mean_x.
type Aggregated struct {
	Text            string // the schema as JSON; always the same for the same content
	Name, Namespace string // of the record, from the name of the aggregated topic
	SourceTopic     string
	Quantiles       stats.Method
	Fields          []Field // the index is the slot
	Operations      []stats.Operation

	slots map[shape]int
}

// shape is what tells fields of an aggregated schema apart. A path whose
// values change from numbers to arrays, or are pooled from now on, is a
// field of its own, with the next free name: x, then x_2.
type shape struct {
	path        string
	array, pool bool
}

func shapeOf(f Field) shape { return shape{f.Path, f.Array, f.Array && f.Pool} }

// Derive makes the schema of an aggregated topic. With base, the schema in
// use so far, it is a widening of it: the fields of base keep their slots and
// names, new ones follow; a field of integers that has become real is real
// from then on, and symbols of an enum that it lacks follow those that it has. The operations are exactly ops. So the result can read what
// base wrote and the reverse (BACKWARD, FORWARD and FULL compatibility).
func Derive(aggregatedTopic, sourceTopic string, base *Aggregated, fields []Field, ops []stats.Operation, q stats.Method) (*Aggregated, error) {
	a := &Aggregated{SourceTopic: sourceTopic, Quantiles: q, Operations: append([]stats.Operation(nil), ops...)}
	a.Namespace, a.Name = recordName(aggregatedTopic)
	names := newNamer()
	if base != nil {
		a.Fields = slices.Clone(base.Fields)
		for i := range a.Fields {
			names.used[a.Fields[i].Name] = true
		}
	}
	a.index()
	for _, f := range fields {
		if slot, ok := a.Slot(f); ok {
			if f.Kind == stats.Real {
				a.Fields[slot].Kind = stats.Real
			}
			a.Fields[slot].Symbols = union(a.Fields[slot].Symbols, f.Symbols)
			continue
		}
		f.Name = names.name(legalName(f.Name))
		a.slots[shapeOf(f)] = len(a.Fields)
		a.Fields = append(a.Fields, f)
	}
	if err := a.finish(); err != nil {
		return nil, fmt.Errorf("schema of %s: %w", aggregatedTopic, err)
	}
	return a, nil
}

// MaxAggregated bounds the text of an aggregated schema, in bytes. Registries
// that keep schemas in Kafka take far less, unless they are told otherwise.
const MaxAggregated = 16 << 20

// finish checks that no name is there twice and writes the text.
func (a *Aggregated) finish() error {
	least := 0
	for _, f := range a.Fields {
		least += len(a.Operations) * (len(f.Name) + len(`{"name":"","type":["null","double"],"default":null}`))
	}
	if least > MaxAggregated {
		return fmt.Errorf("%d fields with %d operations give more than %d MiB of text: use fewer operations, or exclude fields (fields.exclude)",
			len(a.Fields), len(a.Operations), MaxAggregated>>20)
	}
	for i, op := range a.Operations {
		if slices.Contains(a.Operations[:i], op) {
			return fmt.Errorf("operation %s is there twice", op)
		}
	}
	schema := a.schema()
	seen := make(map[string]bool, len(schema.Fields))
	for _, f := range schema.Fields {
		if seen[f.Name] {
			return fmt.Errorf("two fields would be called %s", f.Name)
		}
		seen[f.Name] = true
	}
	a.Text = schema.text()
	return nil
}

func (a *Aggregated) index() {
	a.slots = make(map[shape]int, len(a.Fields))
	for i, f := range a.Fields {
		a.slots[shapeOf(f)] = i
	}
}

// Slot finds the index in a.Fields of a source field, by its path and
// whether its values are numbers, arrays, or pooled arrays. It needs an
// Aggregated made by Derive or ParseAggregated.
func (a *Aggregated) Slot(f Field) (int, bool) {
	slot, ok := a.slots[shapeOf(f)]
	return slot, ok
}

// Covers reports whether a can be used as it is for the fields and
// operations: it has all of the fields (more do no harm), none of which has
// become real in the meantime, and exactly the operations, in this order.
func (a *Aggregated) Covers(fields []Field, ops []stats.Operation) bool {
	if !slices.Equal(a.Operations, ops) {
		return false
	}
	for _, f := range fields {
		slot, ok := a.Slot(f)
		if !ok || (f.Kind == stats.Real && a.Fields[slot].Kind == stats.Integer) {
			return false
		}
		if have := a.Fields[slot].Symbols; len(f.Symbols) > 0 && len(union(have, f.Symbols)) > len(have) {
			return false
		}
	}
	return true
}
