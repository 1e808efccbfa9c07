package cli

import (
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// tailClocks read the time of source records from their fields, for each schema.
type tailClocks struct {
	t    *tail
	spec *pipeline.Spec
	by   map[framing.Ref]func(body []byte) (ns int64, field string) // nil: there is none
}

// newClocks are those of the aggregation that takes the topic; nil if its records have Kafka's
// timestamp, or none takes it.
func (t *tail) newClocks() (*tailClocks, error) {
	selector, err := config.NewSelector(t.Config.Config)
	if err != nil {
		return nil, err
	}
	choice, ok := selector.Select(t.topic)
	if !ok || choice.Aggregation.EventTime.Field == "" {
		return nil, nil
	}
	spec, err := pipeline.NewSpec(choice.Aggregation)
	return &tailClocks{t, spec, make(map[framing.Ref]func([]byte) (int64, string))}, err
}

// time is the event time of a record with that schema, and the field that it is from;
// the field is kafka if it has none there, and "" if that is not known.
func (c *tailClocks) time(ref framing.Ref, text *registry.Schema, body []byte) (event time.Time, from string) {
	if c == nil {
		return event, ""
	}
	clock, known := c.by[ref]
	if !known {
		if in, err := c.spec.Input(text.Text, text.References...); err == nil && in.Untimed == nil {
			clock, _ = in.Clock() // the schema was read, and says the unit
		}
		c.by[ref] = clock
	}
	if clock == nil {
		return event, ""
	}
	ns, field := clock(body)
	switch {
	case field == "" && c.spec.EventTime.Strict():
		return event, "" // it is a bad record
	case field == "":
		return event, kafkaTime
	}
	return time.Unix(0, ns).UTC(), field
}
