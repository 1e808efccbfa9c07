package pipeline

import (
	"errors"
	"fmt"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
)

// ErrUnreadable: no records can be read with a source schema. That is an answer;
// nothing is waited for.
var ErrUnreadable = errors.New("records cannot be read with it")

// Input is what records of a schema have: those of a source topic, or its
// partials. It does not change.
type Input struct {
	Fields  []codec.Field
	LeftOut []codec.LeftOut
	// Times are the fields of event_time as the schema has them; none: Kafka's
	// timestamp is the time of the records.
	Times []codec.TimeField
	// Untimed is why nobody can tell what time the records have, before somebody
	// changes the configuration; nil if all is well.
	Untimed error

	writer    *codec.Schema // nil for partials
	selection codec.Selection
}

// Input finds the fields of a source schema that are taken. references are the
// texts of the schemas that it refers to. There may be none: of such a topic
// the number of records is aggregated, and nothing else. The error is
// ErrUnreadable.
func (s *Spec) Input(schema string, references ...string) (*Input, error) {
	in := &Input{selection: s.selection}
	var err error
	if in.writer, err = codec.ParseSchema(schema, references...); err == nil {
		in.Fields, in.LeftOut, err = codec.Project(in.writer, s.selection)
	}
	if err == nil && len(s.selection.Time.Fields) > 0 {
		if in.Times, err = codec.Times(in.writer, s.selection); errors.As(err, new(*codec.UnitError)) {
			in.Untimed, err = err, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return in, nil
}

// TimeFrom is the field that records of the schema have their time from, if it has one in
// them; "" is Kafka's timestamp.
func (in *Input) TimeFrom() string {
	for _, f := range in.Times {
		if f.Reason == "" {
			return f.Path
		}
	}
	return ""
}

// Clock reads the time of a record from its fields, ns; where it is from, or "" if it has
// none in them. What is too far ahead of a clock it does not know. It is nil if the time of
// the records is Kafka's, and is for one goroutine.
func (in *Input) Clock() (func(body []byte) (ns int64, field string), error) {
	if len(in.Times) == 0 || in.writer == nil {
		return nil, nil
	}
	sel := in.selection
	d, err := codec.NewDecoder(in.writer, sel, &codec.Aggregated{})
	if err != nil {
		return nil, err
	}
	var row codec.Row
	return func(body []byte) (int64, string) {
		if d.Decode(body, &row) != nil {
			return 0, ""
		}
		for i, t := range row.Times {
			if t.Valid() {
				return int64(t), in.Times[i].Path
			}
		}
		return 0, ""
	}, nil
}

// LikelyTimes are fields of the schema that are likely to have the time of the records.
func (in *Input) LikelyTimes() []string {
	if in.writer == nil {
		return nil
	}
	return codec.LikelyTimes(in.writer)
}

// Partials are what partials have that were made with the slots of a version of
// the aggregated schema.
func Partials(aggregated string) (*Input, error) {
	a, err := codec.ParseAggregated(aggregated)
	if err != nil {
		return nil, err
	}
	return &Input{Fields: a.Fields}, nil
}
