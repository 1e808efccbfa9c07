package web

import (
	"maps"
	"slices"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// The metrics of each source topic that this worker has. What is added here
// needs a row in docs/metrics.md.
var topicMetrics = []metric[status.TopicStatus]{
	gauge("topic_info", "1, with what the topic is aggregated to.", []string{"topic", "aggregated_topic", "aggregation"},
		func(t *status.TopicStatus, emit func(float64, ...string)) {
			emit(1, t.Topic, t.AggregatedTopic, t.Aggregation)
			for i, o := range t.Outputs {
				if i > 0 {
					emit(1, t.Topic, o.Topic, t.Aggregation)
				}
			}
		}),
	topicCounter("records_total", "Source records read, those of open windows again after a restart.",
		func(t *status.TopicStatus) int64 { return t.Records }),
	topicCounter("bytes_total", "Bytes of the source records read, keys and values uncompressed.",
		func(t *status.TopicStatus) int64 { return t.Bytes }),
	topicCounter("windows_total", "Aggregated records committed, one for each window.",
		func(t *status.TopicStatus) int64 { return t.Windows }),
	topicCounter("empty_windows_total", "Of the aggregated records committed, those of windows without records.",
		func(t *status.TopicStatus) int64 { return t.EmptyWindows }),
	topicCounter("unfilled_windows_total", "Empty windows that have no aggregated record though emit_empty is set, as there were too many in a row.",
		func(t *status.TopicStatus) int64 { return t.UnfilledWindows }),
	counter("late_records_total", "Records that came after their window was final, which the order of records had closed, or the clock.",
		[]string{"topic", "by"}, func(t *status.TopicStatus, emit func(float64, ...string)) {
			emit(float64(t.Late-t.LateByClock), t.Topic, "order")
			emit(float64(t.LateByClock), t.Topic, "clock")
		}),
	topicCounter("future_records_total", "Records stamped further in the future than max_future_skew.",
		func(t *status.TopicStatus) int64 { return t.Future }),
	counter("time_fields_passed_over_total", "Fields of event_time that a record had no time in, by the reason; the next field was tried, or the fallback.",
		[]string{"topic", "reason"}, func(t *status.TopicStatus, emit func(float64, ...string)) {
			for _, reason := range slices.Sorted(maps.Keys(t.TimesPassedOver)) {
				emit(float64(t.TimesPassedOver[reason]), t.Topic, reason)
			}
		}),
	topicCounter("time_fallback_records_total", "Records with a time in none of the fields of event_time: they have Kafka's timestamp, or are dead-lettered.",
		func(t *status.TopicStatus) int64 { return t.TimeFallbacks }),
	topicCounter("times_apart_records_total", "Records in which two fields of event_time disagree by more than a day.",
		func(t *status.TopicStatus) int64 { return t.TimesApart }),
	topicCounter("dead_lettered_records_total", "Records that could not be used, those stamped in the future among them.",
		func(t *status.TopicStatus) int64 { return t.DeadLettered }),
	topicCounter("unsent_letters_total", "Of the records that were put aside, those whose dead letter or late record was refused by its topic in every form.",
		func(t *status.TopicStatus) int64 { return t.Unsent }),
	counter("other_branch_values_total", "Values of unions that are neither null nor a sample, by their branch.",
		[]string{"topic", "field", "branch"}, func(t *status.TopicStatus, emit func(float64, ...string)) {
			for _, b := range t.OtherBranches {
				emit(float64(b.Values), t.Topic, b.Field, b.Branch)
			}
		}),
	topicCounter("tombstones_total", "Records without a value.",
		func(t *status.TopicStatus) int64 { return t.Tombstones }),
	topicCounter("shipped_records_total", "Records sent on to the worker that merges a split topic.",
		func(t *status.TopicStatus) int64 { return t.Shipped }),
	topicCounter("lost_offsets_total", "Offsets that were deleted from the source topic before they were read.",
		func(t *status.TopicStatus) int64 { return t.Lost }),
	topicCounter("replay_mismatches_total", "Ranges that were read again and were not what they had been.",
		func(t *status.TopicStatus) int64 { return t.Mismatches }),
	topicCounter("rejected_schemas_total", "Aggregated schemas that the registry refused; the last good one stays in use.",
		func(t *status.TopicStatus) int64 { return t.Rejected }),
	topicGauge("unaccounted_records", "Records read that are in no window, open or final, and are not late, dead-lettered, a tombstone or shipped. Always 0.",
		func(t *status.TopicStatus) float64 { return float64(unaccounted(t)) }),
	topicGauge("lag_records", "Offsets between the positions of the worker and the ends of the source partitions.",
		func(t *status.TopicStatus) float64 { return float64(lag(t)) }),
	gauge("watermark_timestamp_seconds", "All windows that end at this time or before are out, in seconds since 1970. Absent before the first record.",
		[]string{"topic"}, func(t *status.TopicStatus, emit func(float64, ...string)) {
			if !t.Watermark.IsZero() {
				emit(unixSeconds(t.Watermark), t.Topic)
			}
		}),
	gauge("watermark_delay_seconds", "How far the watermark is behind the clock. Absent before the first record.",
		[]string{"topic"}, func(t *status.TopicStatus, emit func(float64, ...string)) {
			if !t.Watermark.IsZero() {
				emit(t.WatermarkDelay, t.Topic)
			}
		}),
	topicGauge("open_windows", "Windows with records that are not final yet.",
		func(t *status.TopicStatus) float64 { return float64(t.OpenWindows) }),
	topicGauge("window_size_seconds", "Size of the windows.",
		func(t *status.TopicStatus) float64 { return t.WindowSize }),
	gauge("phase", "1 for the phase that the topic is in: where it stands, and what may be done of it.",
		[]string{"topic", "phase"}, func(t *status.TopicStatus, emit func(float64, ...string)) { emit(1, t.Topic, t.Phase) }),
	gauge("problem", "1 for each thing that holds the topic up, by its cause; /api/status says what. 0 with the cause none if nothing does.",
		[]string{"topic", "cause"}, func(t *status.TopicStatus, emit func(float64, ...string)) {
			for _, p := range t.Problems {
				emit(1, t.Topic, p.Cause)
			}
			if len(t.Problems) == 0 {
				emit(0, t.Topic, "none")
			}
		}),
	topicGauge("partitions", "Source partitions that this worker reads.",
		func(t *status.TopicStatus) float64 { return float64(len(t.Partitions)) }),
	topicGauge("split", "1 if records are shipped, as the topic is split over several workers or was before.",
		func(t *status.TopicStatus) float64 { return truth(t.PartialsTopic != "") }),
	topicGauge("idle_partitions", "Source partitions that are read to their end and silent.",
		func(t *status.TopicStatus) float64 {
			return countPartitions(t, func(p status.PartitionStatus) bool { return p.Idle })
		}),
	topicGauge("source_clocks", "Clocks that stamp the records of a partition and disagree; of the partition that has most, 1 if none has several.",
		func(t *status.TopicStatus) float64 {
			n := 1
			for _, p := range t.Partitions {
				n = max(n, len(p.Clocks))
			}
			return float64(n)
		}),
	topicGauge("source_clocks_apart_seconds", "How far the clocks of one partition are apart, the most of all partitions.",
		func(t *status.TopicStatus) float64 {
			most := 0.0
			for i := range t.Partitions {
				most = max(most, t.Partitions[i].Apart())
			}
			return most
		}),
	gauge("paused_partitions", "Source partitions that are not read, by each reason for it. 0 with the reason none if all are.",
		[]string{"topic", "reason"}, func(t *status.TopicStatus, emit func(float64, ...string)) {
			n := map[string]int{}
			for _, p := range t.Partitions {
				for _, reason := range p.PausedBy {
					n[reason]++
				}
			}
			for _, reason := range slices.Sorted(maps.Keys(n)) {
				emit(float64(n[reason]), t.Topic, reason)
			}
			if len(n) == 0 {
				emit(0, t.Topic, "none")
			}
		}),
	topicGauge("load_bytes_per_second", "Measured load, the weight of the topic when topics are shared out.",
		func(t *status.TopicStatus) float64 { return t.Weight }),
	topicGauge("fields", "Numeric fields that are aggregated.",
		func(t *status.TopicStatus) float64 { return float64(t.Fields) }),
	topicGauge("left_out_fields", "Fields of the source schema that are not aggregated; the plan command has the reasons.",
		func(t *status.TopicStatus) float64 { return float64(t.LeftOut) }),
	schemaGauge("source_schema_id", "Newest schema id met in the source topic. Absent before the first.",
		func(t *status.TopicStatus) *int { return t.SchemaID }),
	schemaGauge("aggregated_schema_id", "Newest schema id of aggregated records. Absent before the first.",
		func(t *status.TopicStatus) *int { return t.AggregatedSchema }),
}

// schemaGauge is a schema id, which may be any number from 0 on.
func schemaGauge(name, help string, of func(*status.TopicStatus) *int) metric[status.TopicStatus] {
	return gauge(name, help, []string{"topic"}, func(t *status.TopicStatus, emit func(float64, ...string)) {
		if id := of(t); id != nil {
			emit(float64(*id), t.Topic)
		}
	})
}

func topicGauge(name, help string, of func(*status.TopicStatus) float64) metric[status.TopicStatus] {
	return gauge(name, help, []string{"topic"},
		func(t *status.TopicStatus, emit func(float64, ...string)) { emit(of(t), t.Topic) })
}

func topicCounter(name, help string, of func(*status.TopicStatus) int64) metric[status.TopicStatus] {
	return counter(name, help, []string{"topic"},
		func(t *status.TopicStatus, emit func(float64, ...string)) { emit(float64(of(t)), t.Topic) })
}

func lag(t *status.TopicStatus) (sum int64) {
	for _, p := range t.Partitions {
		sum += p.Lag
	}
	return sum
}

// unaccounted sums what misses in, or is too much for, the conservation law
// of each partition; it must not cancel out between partitions.
func unaccounted(t *status.TopicStatus) (sum int64) {
	for _, p := range t.Partitions {
		d := p.Records - p.InWindows - p.Open - p.Late - p.DeadLettered - p.Tombstones - p.Shipped
		sum += max(d, -d)
	}
	return sum
}

func countPartitions(t *status.TopicStatus, is func(status.PartitionStatus) bool) (n float64) {
	for _, p := range t.Partitions {
		if is(p) {
			n++
		}
	}
	return n
}

func unixSeconds(t time.Time) float64 {
	return float64(t.Unix()) + float64(t.Nanosecond())/1e9
}
