package web

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// states of status.Status.
var states = [...]string{"starting", "running", "retrying", "stopping", "stopped", "failed"}

// The metrics of the worker as a whole. What is added here needs a row in
// docs/metrics.md.
var workerMetrics = []metric[status.Status]{
	gauge("info", "1, with what identifies this worker.", []string{"version", "group", "id", "delivery"},
		func(s *status.Status, emit func(float64, ...string)) { emit(1, s.Version, s.Group, s.ID, s.Delivery) }),
	gauge("state", "1 for the state the worker is in, 0 for the others.", []string{"state"},
		func(s *status.Status, emit func(float64, ...string)) {
			for _, state := range states {
				emit(truth(s.State == state), state)
			}
		}),
	workerGauge("ready", "1 if the worker does its work, 0 if it waits for something.",
		func(s *status.Status) float64 { return truth(s.Ready) }),
	gauge("notice", "1 for each thing about the worker that people should know of and that holds nothing up; /api/status says what. 0 with about none if there is nothing.", []string{"about"},
		func(s *status.Status, emit func(float64, ...string)) {
			for _, n := range s.Notices {
				emit(1, n.Cause)
			}
			if len(s.Notices) == 0 {
				emit(0, "none")
			}
		}),
	gauge("clock_ahead_seconds", "How far other clocks are ahead of this machine's: that of the registry, and that of the newest records of topics.", []string{"of"},
		func(s *status.Status, emit func(float64, ...string)) {
			for _, c := range s.Clocks {
				emit(c.Ahead, c.Of)
			}
		}),
	workerGauge("start_time_seconds", "When the worker started, in seconds since 1970.",
		func(s *status.Status) float64 { return unixSeconds(s.Started) }),
	workerGauge("loop_age_seconds", "Time since the worker's loop last turned.",
		func(s *status.Status) float64 { return s.LoopAge }),
	workerCounter("commits_total", "Transactions (exactly_once) or offset commits (at_least_once) that brought aggregated records.",
		func(s *status.Status) int64 { return s.Commits }),
	workerCounter("plain_commits_total", "Offset commits without aggregated records.",
		func(s *status.Status) int64 { return s.PlainCommits }),
	workerCounter("aborts_total", "Transactions that did not commit; their work was done again.",
		func(s *status.Status) int64 { return s.Aborts }),
	workerCounter("sessions_total", "Group sessions begun; each after the first is a restart from committed state.",
		func(s *status.Status) int64 { return s.Sessions }),
}

var histograms = []histogram{
	{prometheus.NewDesc(prefix+"commit_duration_seconds", "Time from the first record of a transaction to its commit.", nil, nil),
		func(s *status.Status) status.Histogram { return s.CommitDuration }},
	{prometheus.NewDesc(prefix+"result_latency_seconds",
		"Time from the end of a window plus the grace to its committed record, of windows that live traffic has closed.", nil, nil),
		func(s *status.Status) status.Histogram { return s.ResultLatency }},
}

func workerGauge(name, help string, of func(*status.Status) float64) metric[status.Status] {
	return gauge(name, help, nil, func(s *status.Status, emit func(float64, ...string)) { emit(of(s)) })
}

func workerCounter(name, help string, of func(*status.Status) int64) metric[status.Status] {
	return counter(name, help, nil, func(s *status.Status, emit func(float64, ...string)) { emit(float64(of(s))) })
}
