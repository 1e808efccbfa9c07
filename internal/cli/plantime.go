package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/survey"
)

// kafkaTime is what the time is called that is Kafka's timestamp.
const kafkaTime = "kafka"

// timeObject says where the records of the newest schema have their time from; nil if that is
// not known.
func timeObject(a *survey.Agent) any {
	if a.Plan == nil {
		return nil
	}
	passed := []object{}
	var typ, unit any
	for _, f := range a.Plan.Times {
		if f.Reason != "" {
			passed = append(passed, object{{"field", f.Path}, {"reason", f.Reason}})
		} else if typ == nil {
			typ, unit = f.Type, f.Unit
		}
	}
	var from any = cmp.Or(a.Plan.TimeFrom(), kafkaTime)
	if a.Plan.TimeFrom() == "" && a.Choice.Aggregation.EventTime.Strict() {
		from = nil
	}
	o := object{{"from", from}, {"type", typ}, {"unit", unit}}
	if e := a.Choice.Aggregation.EventTime; len(a.Plan.Times) > 0 {
		o = append(o, member{"scale", e.Scale}, member{"fallback", e.Fallback}, member{"without", passed})
	}
	return o
}

// timeText is timeObject for people; "" where the time is Kafka's since nothing else was
// asked for.
func timeText(a *survey.Agent) string {
	if a.Plan == nil || len(a.Plan.Times) == 0 {
		return ""
	}
	e := a.Choice.Aggregation.EventTime
	var from, without []string
	for _, f := range a.Plan.Times {
		if f.Reason != "" {
			without = append(without, fmt.Sprintf("%s: %s", f.Path, f.Reason))
			continue
		}
		how := f.Type
		if f.Unit != "" {
			how += " in " + f.Unit
		}
		from = append(from, fmt.Sprintf("%s (%s, %s)", f.Path, how, strings.ToUpper(e.Scale)))
	}
	switch {
	case e.Strict() && len(from) == 0:
		from = append(from, "in no field, so that every record would be bad")
	case e.Strict():
		from = append(from, "bad")
	default:
		from = append(from, "Kafka's timestamp")
	}
	text := strings.Join(from, ", else ")
	if len(without) > 0 {
		text += " (" + strings.Join(without, "; ") + ")"
	}
	return text
}
