package survey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// OutputTopic is what is known of an aggregated topic that is there, or would be.
type OutputTopic struct {
	Created map[string]string // the settings that it would be created with; nil: it is there
	Limits  config.TopicLimits
	Known   bool // limits are
}

// outputTopics finds out what bounds the aggregated topics set, and has the
// brokers say whether they would create those that are missing. It is no failure
// if brokers do not tell; what they refuse is the topic's problem.
func (c looker) outputTopics(ctx context.Context, s *Survey) (map[*Agent]*OutputTopic, error) {
	out := make(map[*Agent]*OutputTopic)
	var there []string
	missing := make(map[*config.Aggregation][]*Agent)
	for _, a := range s.Agents {
		switch {
		case a.Plan == nil:
		case a.Exists:
			out[a] = &OutputTopic{}
			there = append(there, a.Output.Topic)
		default:
			missing[a.Choice.Aggregation] = append(missing[a.Choice.Aggregation], a)
		}
	}
	described, err := c.settings(ctx, there)
	if err != nil {
		return nil, err
	}
	for a, o := range out {
		if settings := described[a.Output.Topic]; settings != nil {
			o.Limits, o.Known = config.LimitsOf(settings), true
		}
	}
	if len(missing) == 0 {
		return out, nil
	}
	defaults, err := c.brokerDefaults(ctx)
	if err != nil {
		return nil, err
	}
	for aggregation, agents := range missing {
		if err := c.tryCreate(ctx, aggregation, agents, defaults, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// settings are those in effect of topics, as far as the brokers tell.
func (c looker) settings(ctx context.Context, topics []string) (map[string]map[string]string, error) {
	out := make(map[string]map[string]string)
	for chunk := range slices.Chunk(topics, 200) {
		found, err := c.Admin.DescribeTopicConfigs(ctx, chunk...)
		if err != nil {
			return nil, c.BrokerError(ctx, err)
		}
		for _, r := range found {
			if r.Err == nil {
				out[r.Name] = settingsOf(r.Configs)
			}
		}
	}
	return out, nil
}

func settingsOf(configs []kadm.Config) map[string]string {
	settings := make(map[string]string)
	for _, c := range configs {
		if c.Value != nil {
			settings[c.Key] = *c.Value
		}
	}
	return settings
}

// brokerDefaults are the settings that a topic has if none are given.
func (c looker) brokerDefaults(ctx context.Context) (map[string]string, error) {
	meta, err := c.Admin.BrokerMetadata(ctx)
	if err != nil {
		return nil, c.BrokerError(ctx, err)
	}
	if len(meta.Brokers) == 0 {
		return nil, nil
	}
	found, err := c.Admin.DescribeBrokerConfigs(ctx, meta.Brokers[0].NodeID)
	if err != nil || len(found) == 0 || found[0].Err != nil {
		return nil, nil //nolint:nilerr // who may not ask does without
	}
	broker := settingsOf(found[0].Configs)
	defaults := make(map[string]string)
	for topic, names := range map[string][]string{
		"max.message.bytes":               {"message.max.bytes"},
		"retention.ms":                    {"log.retention.ms"},
		"retention.bytes":                 {"log.retention.bytes"},
		"cleanup.policy":                  {"log.cleanup.policy"},
		"message.timestamp.before.max.ms": {"log.message.timestamp.before.max.ms", "log.message.timestamp.difference.max.ms"},
		"message.timestamp.after.max.ms":  {"log.message.timestamp.after.max.ms", "log.message.timestamp.difference.max.ms"},
	} {
		for _, name := range names {
			if value := broker[name]; value != "" {
				defaults[topic] = value
				break
			}
		}
	}
	if defaults["retention.ms"] == "" { // it may be given in longer units
		for name, unit := range map[string]time.Duration{"log.retention.minutes": time.Minute, "log.retention.hours": time.Hour} {
			var n int64
			if _, err := fmt.Sscan(broker[name], &n); err == nil && (name == "log.retention.minutes" || defaults["retention.ms"] == "") {
				defaults["retention.ms"] = fmt.Sprint(n * unit.Milliseconds())
			}
		}
	}
	return defaults, nil
}

// tryCreate has the brokers judge the creation of the aggregated topics of an
// aggregation. Nothing is created.
func (c looker) tryCreate(ctx context.Context, a *config.Aggregation, agents []*Agent, defaults map[string]string, out map[*Agent]*OutputTopic) error {
	created := a.TopicConfig()
	verdicts := kadm.CreateTopicResponses{}
	if c.Config.Worker.CreateTopics {
		var names []string
		for _, g := range agents {
			names = append(names, g.Output.Topic)
		}
		var err error
		if verdicts, err = c.validate(ctx, a.Partitions, created, names); err != nil {
			return err
		}
		for _, v := range verdicts { // as the worker does for brokers that do not know these
			if errors.Is(v.Err, kerr.InvalidConfig) {
				maps.DeleteFunc(created, func(name, _ string) bool {
					return slices.Contains(config.SinceKafka36(), name) && a.AggregatedTopicConfig[name] == ""
				})
				if verdicts, err = c.validate(ctx, a.Partitions, created, names); err != nil {
					return err
				}
				break
			}
		}
	}
	for _, g := range agents {
		o := &OutputTopic{Created: created}
		effective := maps.Clone(defaults)
		if effective == nil {
			effective = make(map[string]string)
		}
		v := verdicts[g.Output.Topic]
		for _, one := range v.Configs {
			if one.Value != nil {
				effective[one.Key] = *one.Value
			}
		}
		maps.Copy(effective, created)
		o.Limits, o.Known = config.LimitsOf(effective), len(defaults)+len(v.Configs) > 0
		if v.Err != nil && !errors.Is(v.Err, kerr.TopicAlreadyExists) {
			sentence := cmp.Or(v.ErrMessage, v.Err.Error())
			g.Problem = fmt.Sprintf("topic %s would not be created: %s", g.Output.Topic, sentence)
		}
		out[g] = o
	}
	return nil
}

func (c looker) validate(ctx context.Context, partitions int, settings map[string]string, names []string) (kadm.CreateTopicResponses, error) {
	pointers := make(map[string]*string)
	for name, value := range settings {
		pointers[name] = &value
	}
	verdicts, err := c.Admin.ValidateCreateTopics(ctx, int32(partitions), -1, pointers, names...)
	if err != nil {
		return nil, c.BrokerError(ctx, err)
	}
	return verdicts, nil
}

// backlog is the time stamp of the oldest record that the group would read, by
// topic, where it has not read anything of some partition.
func (c looker) backlog(ctx context.Context, topics []string) (map[string]time.Time, error) {
	out := make(map[string]time.Time)
	if len(topics) == 0 {
		return out, nil
	}
	oldest, err := c.Admin.ListOffsetsAfterMilli(ctx, 0, topics...)
	if shards := new(kadm.ShardErrors); err != nil && !errors.As(err, &shards) {
		return nil, c.BrokerError(ctx, err)
	}
	committed, err := c.Admin.FetchOffsets(ctx, c.Config.Worker.Group)
	if err != nil { // there is no such group yet
		committed = nil
	}
	oldest.Each(func(o kadm.ListedOffset) {
		if o.Err != nil || o.Timestamp < 0 {
			return
		}
		if at, ok := committed.Lookup(o.Topic, o.Partition); ok && at.At >= 0 {
			return
		}
		stamp := time.UnixMilli(o.Timestamp).UTC()
		if known, ok := out[o.Topic]; !ok || stamp.Before(known) {
			out[o.Topic] = stamp
		}
	})
	return out, nil
}
