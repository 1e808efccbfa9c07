package worker

import (
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/eventtime"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
)

// kafkaTime is what status and log call the time that is Kafka's timestamp.
const kafkaTime = "kafka"

// arrived reports whether the broker has stamped a record when it arrived, as with
// message.timestamp.type=LogAppendTime.
func arrived(r *kgo.Record) bool { return r.Attrs.TimestampType() == 1 }

// tellTime says which field the records of a source schema have their time from, where
// that may be in fields.
func (src *source) tellTime(ref framing.Ref, in *pipeline.Input) {
	if len(in.Times) == 0 {
		return
	}
	var why []string
	for _, f := range in.Times {
		if f.Reason != "" {
			why = append(why, fmt.Sprintf("%s: %s", f.Path, f.Reason))
		}
	}
	if from := in.TimeFrom(); from != "" {
		src.log.Info("event time", src.schemaID(ref), "field", from, "passed_over", strings.Join(why, "; "))
		return
	}
	becomes := "they have Kafka's timestamp"
	if src.job.EventTime.Strict() {
		becomes = "they are bad"
	}
	src.log.Warn("records of a schema have none of the fields of event_time; "+becomes, src.schemaID(ref), "why", strings.Join(why, "; "))
}

// tellArrival says, once for each topic, that its windows are of the time at which
// records arrived at the broker.
func (w *Worker) tellArrival(src *source) {
	n := src.schemas.newest
	if src.merges != "" || !src.stampedOnArrival || n == nil || n.timeFrom != kafkaTime || !w.said.arrival.first(src.topic) {
		return
	}
	about := []any{}
	if len(n.likely) > 0 {
		about = append(about, "likely_fields", strings.Join(n.likely, " "))
	}
	src.log.Warn("the broker stamps the records of the topic when they arrive (message.timestamp.type=LogAppendTime), so that its windows are of the time of arrival, not of the measurement; set event_time.field to the field that has that", about...)
}

// warnOfLeapSeconds says that there may be leap seconds which this program does not know of.
func (w *Worker) warnOfLeapSeconds(now time.Time) {
	if now.Unix() < eventtime.LeapSecondsUntil {
		return
	}
	for i := range w.cfg.Aggregations {
		if e := w.cfg.Aggregations[i].EventTime; e.Field != "" && e.Scale == "tai" {
			w.log.Warn("the table of leap seconds ends before today; TAI is taken to be ahead of UTC by as much as at its end: upgrade this program if there was a leap second since",
				"end", time.Unix(eventtime.LeapSecondsUntil, 0).UTC().Format(time.DateOnly))
			return
		}
	}
}

// passedOver is what the status has of fields without a time, by reason; nil for a topic whose
// records have Kafka's.
func (src *source) passedOver(s agent.Stamps) map[string]int64 {
	if !src.job.timed() || src.merges != "" {
		return nil
	}
	by := map[string]int64{}
	for reason, n := range s.PassedOver {
		by[eventtime.Reason(reason).String()] = n
	}
	return by
}
