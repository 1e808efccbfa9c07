package worker

import (
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
)

func TestHeadersOfAggregatedRecord(t *testing.T) {
	src := &source{identity: identity{topic: "t"}, outputs: []pipeline.Output{{Topic: "t-aggregated"}}}
	r := agent.Result{Ranges: []agent.Range{{Partition: 0, First: 3, Last: 9, Count: 7}, {Partition: 4, First: 0, Last: 0, Count: 1}}}
	for _, c := range []struct {
		partial bool
		id      [16]byte
		a       agent.Approximation
		want    string
	}{
		{false, noTopicID, agent.Approximation{Exact: []string{"a"}}, "source_topic=t;source_offsets=0:3-9/7 4:0-0/1;"},
		{true, [16]byte{1, 2, 255}, agent.Approximation{RankError: 0.0001, Fields: []string{"a"}}, "source_topic=t;source_offsets=0:3-9/7 4:0-0/1;source_topic_id=AQL_AAAAAAAAAAAAAAAAAA;partial=true;approximate=quantiles rank_error=0.0001 fields=all;"},
	} {
		r.Partial, r.Approximation = c.partial, c.a
		got := ""
		for _, h := range aggregatedRecord(src, c.id, &r).Headers {
			got += h.Key + "=" + string(h.Value) + ";"
		}
		if got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
