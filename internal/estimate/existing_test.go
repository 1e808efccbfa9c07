package estimate

import (
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
	"github.com/lsst-sqre/kafka-aggregator/internal/survey"
)

// TestExisting: a source topic counts once, with the elements of its arrays; one
// without a rate is counted apart, one with a problem is none.
func TestExisting(t *testing.T) {
	a := benchAggregation()
	agent := func(topic, into, problem string) *survey.Agent {
		return &survey.Agent{
			Topic: topic, Problem: problem, Choice: config.Choice{Aggregation: a, AggregatedTopics: []string{topic + "-1s", topic + "-1m"}},
			Output: pipeline.Output{Topic: into},
			Used:   &pipeline.Plan{Schema: &codec.Aggregated{Fields: []codec.Field{{}, {Array: true}}}},
		}
	}
	first, nothing := agent("a", "a-1s", ""), agent("e", "e-1s", "")
	nothing.Used = nil
	s := &survey.Survey{Agents: []*survey.Agent{
		first, agent("a", "a-1m", ""), agent("b", "b-1s", ""), agent("c", "c-1s", ""), agent("d", "d-1s", "no"), nothing,
	}}
	rates := map[string]cluster.Rate{"a": {PerSecond: 10, How: "said"}, "b": {PerSecond: 1000, How: "said"}, "d": {PerSecond: 1, How: "said"}, "e": {PerSecond: 1, How: "said"}}
	classes, unknown := Existing(s, rates, map[*survey.Agent][]int{first: {0, 7}})
	if unknown != 1 || len(classes) != 2 {
		t.Fatalf("%+v, %d without a rate", classes, unknown)
	}
	if b, a := classes[0], classes[1]; b.Rate != 1000 || b.Values != 1 || b.Topics != 1 || a.Rate != 10 || a.Values != 8 || a.Aggregation != b.Aggregation {
		t.Errorf("%+v", classes)
	}
}
