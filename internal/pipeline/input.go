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
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return in, nil
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
