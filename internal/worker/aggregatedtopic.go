package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// ensureAggregated makes an aggregated topic unless it is there, and learns what
// bounds it sets to its records.
func (w *Worker) ensureAggregated(ctx context.Context, topic string, a *config.Aggregation) error {
	settings := make(map[string]*string)
	for name, value := range a.TopicConfig() {
		settings[name] = &value
	}
	err := w.ensure(ctx, topic, a.Partitions, settings)
	if errors.Is(err, kerr.InvalidConfig) { // it may be that the brokers do not know of these
		for _, name := range config.SinceKafka36() {
			if a.AggregatedTopicConfig[name] == "" {
				delete(settings, name)
			}
		}
		err = w.ensure(ctx, topic, a.Partitions, settings)
	}
	if err != nil {
		return err
	}
	w.outputs.learn(ctx, w.adm, topic)
	return nil
}

// outputs are what is known of the aggregated topics. Resolvers learn it, the
// loop asks for it.
type outputs struct {
	mu     sync.Mutex
	limits map[string]config.TopicLimits
	told   map[string]bool // that windows are older than the topic's retention
}

// learn asks the brokers for the settings of a topic. Who may not ask knows of no
// bound, and finds out when something is refused.
func (o *outputs) learn(ctx context.Context, adm *kadm.Client, topic string) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	found, err := adm.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return
	}
	for _, r := range found {
		if r.Name != topic || r.Err != nil {
			continue
		}
		settings := make(map[string]string)
		for _, c := range r.Configs {
			settings[c.Key] = c.MaybeValue()
		}
		o.mu.Lock()
		if o.limits == nil {
			o.limits = make(map[string]config.TopicLimits)
		}
		o.limits[topic] = config.LimitsOf(settings)
		o.mu.Unlock()
	}
}

// expires reports, once for each topic, that it may delete a record at once.
func (o *outputs) expires(topic string, stamp, now time.Time) (config.TopicLimits, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	l, ok := o.limits[topic]
	if !ok || o.told[topic] || !l.Expired(stamp, now) {
		return l, false
	}
	if o.told == nil {
		o.told = make(map[string]bool)
	}
	o.told[topic] = true
	return l, true
}

// warnOfRetention says so of a window that its topic will not keep. The stamp is
// that of its record.
func (w *Worker) warnOfRetention(src *source, stamp, now time.Time) {
	if l, warn := w.outputs.expires(src.into, stamp, now); warn {
		src.log.Warn("windows are older than the aggregated topic keeps them; brokers delete them soon after they came: raise its retention.ms",
			"aggregated_topic", src.into, "window_time", stamp.UTC().Format(time.RFC3339), "retention", config.FormatDuration(l.Retention))
	}
}
