package web

import (
	"math"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

var now = time.Date(2026, 3, 14, 15, 9, 26, 500e6, time.UTC)

// healthy is a worker with one topic that has everything.
func healthy() status.Status {
	return status.Status{
		Time: now, Started: now.Add(-26 * time.Hour), Version: "v1.2.3", State: "running", Ready: true,
		Group: "kafka-aggregator", ID: "worker-0", MemberID: "worker-0-uuid", Delivery: "exactly_once", LoopAge: 0.02,
		Notices: []status.Problem{{Cause: "clock", Text: "this machine's clock is 2s slow"}}, Clocks: []status.Clock{{Of: "registry", Ahead: 2}, {Of: "topics", Ahead: 1.9}},
		Commits: 86400, PlainCommits: 12, Aborts: 3, Sessions: 2,
		CommitDuration: status.Histogram{Bounds: []float64{0.01, 0.1, 1}, Counts: []uint64{10, 30, 0, 0}, Sum: 1.5},
		ResultLatency:  status.Histogram{Bounds: []float64{0.1, 0.5, 1}, Counts: []uint64{50, 49, 0, 1}, Sum: 20},
		Topics: []status.TopicStatus{{
			Topic: "example-000", AggregatedTopic: "example-000-aggregated", Aggregation: "examples", Phase: "partials",
			Outputs:  []status.OutputStatus{{Topic: "example-000-aggregated", WindowSize: 1, Advance: 1, AggregatedSchema: new(9)}, {Topic: "example-000-1m", WindowSize: 60, Advance: 10}},
			SchemaID: new(7), AggregatedSchema: new(9), Fields: 10, LeftOut: 2, Weight: 98765.4, WindowSize: 1,
			Watermark: now.Add(-1500 * time.Millisecond), WatermarkDelay: 1.5,
			OtherBranches: []status.OtherBranch{{Field: "x", Branch: "string", Values: 3}},
			TopicCounts: status.TopicCounts{Records: 1_234_567, Bytes: 123_456_789, Windows: 98_765, OpenWindows: 2, Late: 5, Future: 1, DeadLettered: 4, Tombstones: 6,
				TimesPassedOver: map[string]int64{"null": 3, "zero": 1}, TimeFallbacks: 2, TimesApart: 1},
			EventTime: "private_sndStamp",
			Lost:      8, Rejected: 1, Mismatches: 1,
			Partitions: []status.PartitionStatus{
				{Partition: 0, Position: 110, Committed: 100, End: 150, Lag: 40, Watermark: now.Add(-time.Second), Idle: true,
					Records: 100, InWindows: 80, Open: 10, Late: 5, DeadLettered: 2, Tombstones: 3},
				{Partition: 1, Position: 20, Committed: 11, End: 22, Lag: 2, Paused: true, PausedBy: []string{"partials", "ahead"},
					Records: 20, InWindows: 10, Open: 10},
			},
		}},
	}
}

// hostile is a worker whose numbers and names are all wrong.
func hostile() status.Status {
	const name = "a\r\nSet-Cookie: x=1\r\n\r\n<script>alert(1)</script>\xff\""
	bad := []float64{math.NaN(), math.Inf(1), math.Inf(-1)}
	st := status.Status{
		Time: now, Started: now, Version: name, State: name, Reason: name, Group: name, ID: name, MemberID: name,
		Delivery: name, LoopAge: math.NaN(), Notices: []status.Problem{{Cause: name, Text: name}}, Clocks: []status.Clock{{Of: name, Ahead: math.NaN()}},
		CommitDuration: status.Histogram{Bounds: []float64{1}, Counts: []uint64{1, 1}, Sum: math.NaN()},
	}
	for i, x := range bad {
		st.Topics = append(st.Topics, status.TopicStatus{
			Topic: name + string(rune('a'+i)), AggregatedTopic: name, Aggregation: name, Phase: name, Problems: []status.Problem{{Cause: name, Text: name}},
			Weight: x, WindowSize: x, WatermarkDelay: x, Watermark: time.Unix(1e15, 0), TopicCounts: status.TopicCounts{Late: -1},
			Partitions: []status.PartitionStatus{{Lag: math.MinInt64, Watermark: time.Unix(-1e15, 0)}},
		})
	}
	return st
}
