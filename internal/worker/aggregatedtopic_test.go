package worker_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// settings of a topic, as the broker has them.
func (b *bench) settings(topic string) map[string]string {
	b.t.Helper()
	found, err := b.adm.DescribeTopicConfigs(b.t.Context(), topic)
	must(b.t, err)
	out := map[string]string{}
	for _, r := range found {
		must(b.t, r.Err)
		for _, c := range r.Configs {
			if c.Source == kmsg.ConfigSourceDynamicTopicConfig {
				out[c.Key] = c.MaybeValue()
			}
		}
	}
	return out
}

// send4 writes one record in each of four windows, of which the first three become final.
func (b *bench) send4(topic string, id int) {
	for i := range 4 {
		b.send(topic, 0, float64(i)+0.5, b.record(id, map[string]any{"x": float64(i)}))
	}
	b.send(topic, 0, 10, b.record(id, map[string]any{"x": 0.0}))
}

// TestAggregatedTopicSettings: an aggregated topic keeps its records, whatever the
// cluster does with those of others, and has the settings that were asked for.
func TestAggregatedTopicSettings(t *testing.T) {
	b := newBench(t, sandbox.Options{})
	b.cfg.Aggregations[0].AggregatedTopicConfig["compression.type"] = "zstd"
	b.cfg.Aggregations[0].AggregatedTopicConfig["max.message.bytes"] = "5242880"
	b.topic("t", 1)
	b.send4("t", b.schema("t", xField))
	b.start()
	b.read("t-aggregated", 3)
	got := b.settings("t-aggregated")
	for name, want := range map[string]string{
		"retention.ms": "-1", "retention.bytes": "-1", "message.timestamp.type": "CreateTime", "compression.type": "zstd", "max.message.bytes": "5242880",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

// TestBrokersBefore36: settings that they do not know are left out.
func TestBrokersBefore36(t *testing.T) {
	b := newBench(t, sandbox.Options{})
	b.box.Cluster.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.box.Cluster.KeepControl()
		create := req.(*kmsg.CreateTopicsRequest)
		for _, c := range create.Topics[0].Configs {
			if strings.HasSuffix(c.Name, "r.max.ms") || strings.HasSuffix(c.Name, "e.max.ms") {
				resp := create.ResponseKind().(*kmsg.CreateTopicsResponse)
				one := kmsg.NewCreateTopicsResponseTopic()
				one.Topic, one.ErrorCode = create.Topics[0].Topic, kerr.InvalidConfig.Code
				resp.Topics = append(resp.Topics, one)
				return resp, nil, true
			}
		}
		return nil, nil, false
	})
	b.topic("t", 1)
	b.send4("t", b.schema("t", xField))
	b.start()
	b.read("t-aggregated", 3)
	if got := b.settings("t-aggregated"); got["retention.ms"] != "-1" || got["message.timestamp.after.max.ms"] != "" {
		t.Errorf("settings %v", got)
	}
}

// TestSettingThatTheBrokerRefuses: only its topic waits, with the broker's own sentence.
func TestSettingThatTheBrokerRefuses(t *testing.T) {
	b := newBench(t, sandbox.Options{})
	second := b.cfg.Aggregations[0]
	b.cfg.Aggregations[0].Topics.Include = []string{"^t1$"}
	b.cfg.Aggregations[0].AggregatedTopicConfig = map[string]string{"no.such.setting": "5"}
	second.Name = "second"
	b.cfg.Aggregations = append(b.cfg.Aggregations, second)
	b.box.Cluster.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.box.Cluster.KeepControl()
		create := req.(*kmsg.CreateTopicsRequest)
		if create.Topics[0].Topic != "t1-aggregated" {
			return nil, nil, false
		}
		resp := create.ResponseKind().(*kmsg.CreateTopicsResponse)
		one := kmsg.NewCreateTopicsResponseTopic()
		one.Topic, one.ErrorCode = "t1-aggregated", kerr.InvalidConfig.Code
		sentence := "Unknown topic config name: no.such.setting"
		one.ErrorMessage = &sentence
		resp.Topics = append(resp.Topics, one)
		return resp, nil, true
	})
	for _, topic := range []string{"t1", "t2"} {
		b.topic(topic, 1)
		b.send4(topic, b.schema(topic, xField))
	}
	r := b.start()
	b.read("t2-aggregated", 3)
	s := r.status("a problem of t1", func(s status.Status) bool { return strings.Contains(problem(s, "t1"), "no.such.setting") })
	if text := problem(s, "t1"); !strings.Contains(text, "create topic t1-aggregated: INVALID_CONFIG") {
		t.Errorf("problem %q", text)
	}
}

// problem is what the status says of a topic.
func problem(s status.Status, topic string) string {
	for _, ts := range s.Topics {
		if ts.Topic == topic {
			return fmt.Sprintf("%+v", ts)
		}
	}
	return ""
}

// TestRetentionThatIsTooShort: windows of a backlog in a topic that deletes them
// at once are told of, once, for that topic.
func TestRetentionThatIsTooShort(t *testing.T) {
	b := newBench(t, sandbox.Options{RetentionCheck: time.Hour})
	short, long := "60000", "7200000"
	for topic, ms := range map[string]*string{"t1-aggregated": &short, "t2-aggregated": &long} {
		r, err := b.adm.CreateTopic(t.Context(), 1, 1, map[string]*string{"retention.ms": ms}, topic)
		must(t, err)
		must(t, r.Err)
	}
	for _, topic := range []string{"t1", "t2", "t3"} {
		b.topic(topic, 1)
		b.send4(topic, b.schema(topic, xField)) // an hour ago
	}
	r := b.start()
	for _, topic := range []string{"t1", "t2", "t3"} {
		wantKeys(t, b.read(topic+"-aggregated", 3)[:3], "0:1", "1:1", "2:1")
	}
	r.end()
	const text = "windows are older than the aggregated topic keeps them"
	if log := r.logs.String(); strings.Count(log, text) != 1 || !strings.Contains(log, "aggregated_topic=t1-aggregated") || !strings.Contains(log, "retention=1m") {
		t.Errorf("log:\n%s", log)
	}
}

// TestNamesOfAggregatedTopics: what is wrong with the name of one is told of and
// held against its source alone.
func TestNamesOfAggregatedTopics(t *testing.T) {
	b := newBench(t, sandbox.Options{})
	b.cfg.Aggregations[0].Topics.Include = []string{".*"}
	b.cfg.Aggregations[0].Topics.Exclude = []string{"^p_q"}
	long := strings.Repeat("n", 249)
	for _, topic := range []string{long, "p.q", "c-x", "c_x", "good"} {
		b.topic(topic, 1)
		b.send4(topic, b.schema(topic, xField))
	}
	b.topic("p_q-aggregated", 1) // collides with p.q-aggregated
	r := b.start()
	for _, topic := range []string{"c-x", "c_x", "good"} {
		b.read(topic+"-aggregated", 3)
	}
	r.status("a problem of p.q", func(s status.Status) bool {
		return strings.Contains(problem(s, "p.q"), "create topic p.q-aggregated: INVALID_TOPIC_EXCEPTION")
	})
	topics, err := b.adm.ListTopics(t.Context())
	must(t, err)
	if topics.Has("p.q-aggregated") || topics.Has(long+"-aggregated") {
		t.Errorf("topics %v", topics.Names())
	}
	r.end()
	log := r.logs.String()
	for _, want := range []string{
		"topic=" + long + ` reason="its aggregated topic's name would have 260 letters, and Kafka takes 249; give aggregation examples a shorter aggregated_topic"`,
		`topics="[c-x-aggregated c_x-aggregated]" record=c_x_aggregated`,
	} {
		if strings.Count(log, want) != 1 {
			t.Errorf("%q is not there once in\n%s", want, log)
		}
	}
}
