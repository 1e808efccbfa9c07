package survey

import (
	"slices"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// Kind is what would become of records of an aggregated topic.
type Kind string

// What bounds of the aggregated topic do to its records.
const (
	TooLarge         Kind = "too large"          // refused, by max.message.bytes
	TooOld           Kind = "too old"            // the first of a backlog are refused, by message.timestamp.before.max.ms
	Expiring         Kind = "expiring"           // the first of a backlog are deleted soon after they came, by retention.ms
	TooFarAhead      Kind = "too far ahead"      // refused, by message.timestamp.after.max.ms
	StampedOnArrival Kind = "stamped on arrival" // windows lose their time, by message.timestamp.type
	ArrivalWindows   Kind = "windows of arrival" // and so have the windows' records, by that of the source topic
)

// Warning is what would go wrong with the windows of a topic, though the worker
// would do its job: a bound that the aggregated topic sets.
type Warning struct {
	Kind    Kind
	Topic   string // the aggregated topic
	Missing bool   // it would be created, with settings of the configuration
	Limits  config.TopicLimits

	Bytes       int           // of a record with key and headers, about; of TooLarge
	Oldest      time.Time     // stamp of the oldest record of the backlog; of TooOld and Expiring
	Ahead, Skew time.Duration // how far windows may lie ahead, and records by the configuration; of TooFarAhead

	Likely []string // fields that are likely to have the time; of ArrivalWindows, whose Topic is the source topic
}

// onArrival is a warning of a source topic whose broker stamps records when they arrive, if
// that is their time.
func (a *Agent) onArrival(l config.TopicLimits) []Warning {
	if !l.ArrivalTime || a.Plan == nil || a.Plan.TimeFrom() != "" || !a.First() || a.Choice.Aggregation.EventTime.Strict() {
		return nil
	}
	return []Warning{{Kind: ArrivalWindows, Topic: a.Topic, Limits: l, Likely: a.Plan.LikelyTimes()}}
}

// warnings are those of a topic. oldest is the time stamp of the oldest record of a
// backlog, zero if there is none.
func (a *Agent) warnings(o *OutputTopic, l Load, oldest, now time.Time) (out []Warning) {
	if o == nil || !o.Known {
		return nil
	}
	add := func(w Warning) {
		w.Topic, w.Missing, w.Limits = a.Output.Topic, o.Created != nil, o.Limits
		out = append(out, w)
	}
	if bytes := a.recordBytes(l); !o.Limits.Fits(bytes) {
		add(Warning{Kind: TooLarge, Bytes: bytes})
	}
	switch {
	case !oldest.IsZero() && o.Limits.Refused(oldest, now) && oldest.Before(now):
		add(Warning{Kind: TooOld, Oldest: oldest})
	case !oldest.IsZero() && o.Limits.Expired(oldest, now):
		add(Warning{Kind: Expiring, Oldest: oldest})
	}
	// The record of a window is stamped with its middle.
	skew := a.Choice.Aggregation.Window.MaxFutureSkew
	if ahead := skew + a.Output.Size/2; !o.Limits.ArrivalTime && o.Limits.After >= 0 && ahead > o.Limits.After {
		add(Warning{Kind: TooFarAhead, Ahead: ahead, Skew: skew})
	}
	if o.Limits.ArrivalTime {
		add(Warning{Kind: StampedOnArrival})
	}
	return out
}

// recordBytes is about how large a record of the aggregated topic is, with key
// and headers.
func (a *Agent) recordBytes(l Load) int {
	key := len(a.Topic) + len("||1700000000000|1000")
	headers := len("source_topic") + len("source_offsets") + len(a.Topic) + 64*a.Partitions
	return l.RecordSize + key + headers
}

// Clash is a group of topics whose names are too much alike.
type Clash struct {
	Topics []string
	Record string // the Avro name that their records would have in common; empty: they collide in Kafka's metrics, and only one can be created
}

// Clashes are those of aggregated topics, and of topics to be created with those
// that are there.
func (s *Survey) Clashes() (out []Clash) {
	var aggregated []string
	missing := make(map[string]bool)
	for _, a := range s.Agents {
		aggregated = append(aggregated, a.Output.Topic)
		if !a.Exists {
			missing[a.Output.Topic] = true
		}
	}
	for _, group := range config.TopicClashes(slices.Concat(s.there, aggregated)) {
		if slices.ContainsFunc(group, func(topic string) bool { return missing[topic] }) {
			out = append(out, Clash{Topics: group})
		}
	}
	for _, group := range config.RecordClashes(aggregated) {
		out = append(out, Clash{Topics: group, Record: codec.RecordName(group[0])})
	}
	return out
}
