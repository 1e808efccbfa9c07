package worker

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// ensureAggregated makes an aggregated topic unless it is there, and learns what
// bounds it sets to its records.
func (w *Worker) ensureAggregated(ctx context.Context, topic string, a *config.Aggregation) error {
	settings := make(map[string]*string)
	for name, value := range a.TopicConfig() {
		settings[name] = &value
	}
	err := w.brokers.Ensure(ctx, topic, a.Partitions, settings)
	if errors.Is(err, kerr.InvalidConfig) { // it may be that the brokers do not know of these
		for _, name := range config.SinceKafka36() {
			if a.AggregatedTopicConfig[name] == "" {
				delete(settings, name)
			}
		}
		err = w.brokers.Ensure(ctx, topic, a.Partitions, settings)
	}
	if err != nil {
		return err
	}
	w.sinks.outputs.learn(ctx, w.brokers.Admin, topic)
	return nil
}

// warnOfRetention says so of a window's record that its topic will not keep.
func (w *Worker) warnOfRetention(src *source, r *kgo.Record, now time.Time) {
	if l, warn := w.sinks.outputs.expires(r.Topic, r.Timestamp, now); warn {
		src.log.Warn("windows are older than the aggregated topic keeps them; brokers delete them soon after they came: raise its retention.ms",
			"aggregated_topic", r.Topic, "window_time", r.Timestamp.UTC().Format(time.RFC3339), "retention", config.FormatDuration(l.Retention))
	}
}
