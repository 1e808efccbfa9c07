//go:build e2e

package faults

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	statuses "github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

// beside is another source topic, which the same workers aggregate. A fault of
// the one must not harm the other.
func (p *place) beside(name string) *place {
	p.t.Helper()
	q := *p
	q.topic, q.sent = p.topic+"-"+name, map[int64][]float64{}
	var err error
	q.id, err = p.schemas.Register(p.t.Context(), q.topic+"-value", schemaText)
	must(p.t, err)
	include := &p.cfg.Aggregations[0].Topics.Include
	*include = append(*include, "^"+regexp.QuoteMeta(q.topic)+"$")
	return &q
}

// createOn creates the topic with partition i on the broker with the number
// on[i], and its aggregated topic on the first broker.
func (p *place) createOn(on ...int) {
	p.t.Helper()
	must(p.t, kafka.CreateTopic(p.t.Context(), p.cl, p.topic, nil, on...))
	must(p.t, kafka.CreateTopic(p.t.Context(), p.cl, p.topic+"-aggregated", nil, 1))
}

// set changes settings of a topic.
func (p *place) set(topic string, settings ...string) {
	p.t.Helper()
	var all []kadm.AlterConfig
	for i := 0; i < len(settings); i += 2 {
		all = append(all, kadm.AlterConfig{Op: kadm.SetConfig, Name: settings[i], Value: &settings[i+1]})
	}
	answers, err := p.adm.AlterTopicConfigs(p.t.Context(), all, topic)
	must(p.t, err)
	for _, a := range answers {
		must(p.t, a.Err)
	}
}

// exists reports whether there is a topic.
func (p *place) exists(topic string) bool {
	p.t.Helper()
	topics, err := p.adm.ListTopics(p.t.Context(), topic)
	must(p.t, err)
	return topics.Has(topic)
}

// reach waits until so many aggregated records of this topic are committed,
// and returns how long that took. If it takes longer than it may, the test is
// over: the topic does not go on. about is shown then.
func (p *place) reach(rows int, within time.Duration, about ...*running) time.Duration {
	p.t.Helper()
	n := 0
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if p.exists(p.topic + "-aggregated") {
			n = len(p.read(p.topic + "-aggregated"))
		}
		if n >= rows {
			return time.Since(begin)
		}
		if time.Since(begin) > within {
			var text strings.Builder
			for _, r := range about {
				fmt.Fprintf(&text, "; %s", brief(r.Status()))
			}
			p.t.Fatalf("%s: %d aggregated records after %v, want %d%s", p.topic, n, within, rows, &text)
		}
	}
}

// brief is what a status says of trouble.
func brief(s status) string {
	var text strings.Builder
	fmt.Fprintf(&text, "worker %s: %s, ready %v, reason %q, sessions %d, aborts %d", s.ID, s.State, s.Ready, s.Reason, s.Sessions, s.Aborts)
	for _, t := range s.Topics[:min(len(s.Topics), 6)] {
		fmt.Fprintf(&text, "; %s: %d records, %d windows, %d open, %d late, %d future, %d dead-lettered, problem %q", t.Topic, t.Records, t.Windows, t.OpenWindows, t.Late, t.Future, t.DeadLettered, t.Problem())
	}
	return text.String()
}

// of is what a status says of a topic, zero if nothing.
func (p *place) of(s status) statuses.TopicStatus {
	if i := slices.IndexFunc(s.Topics, func(t statuses.TopicStatus) bool { return t.Topic == p.topic }); i >= 0 {
		return s.Topics[i]
	}
	return statuses.TopicStatus{}
}

// position is the next offset to be read of a partition, -1 if there is none.
func (p *place) position(s status, partition int32) int64 {
	for _, one := range p.of(s).Partitions {
		if one.Partition == partition {
			return one.Position
		}
	}
	return -1
}

// names reports whether a text names a partition by its number.
func names(text string, partition int) bool {
	return regexp.MustCompile(fmt.Sprintf(`(^|[^0-9])%d([^0-9]|$)`, partition)).MatchString(text)
}
