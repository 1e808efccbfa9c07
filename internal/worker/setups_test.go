package worker_test

import (
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// Workers of a group that have different configurations say so, which holds nothing
// up, until they agree again.
func TestWorkersWithDifferentConfigurations(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	b.schema("t0", xField)
	with := func(id string, operations ...string) func(*worker.Options) {
		return func(o *worker.Options) {
			c := *o.Config
			c.Aggregations = []config.Aggregation{c.Aggregations[0]}
			c.Worker.ID = id
			c.Aggregations[0].Operations = operations
			o.Config = &c
		}
	}
	says := func(texts ...string) func(status.Status) bool {
		return func(s status.Status) bool {
			if len(texts) == 0 {
				return s.Ready && len(s.Notices) == 0
			}
			if !s.Ready || len(s.Notices) != 1 || s.Notices[0].Cause != "configuration" {
				return false
			}
			for _, text := range texts {
				if !strings.Contains(s.Notices[0].Text, text) {
					return false
				}
			}
			return true
		}
	}
	first := b.start(with("first", "mean"))
	first.status("nothing to say", says())
	second := b.start(with("second", "mean"))
	second.status("nothing to say", says())
	third := b.start(with("third", "mean", "max"))
	first.status("the third is named", says("third (statistics)"))
	second.status("the third is named", says("third (statistics)"))
	third.status("the others are named", says("first", "second", "(statistics)"))
	third.end()
	third = b.start(with("third", "mean"))
	for _, w := range []*running{first, second, third} {
		w.status("nothing to say any more", says())
		w.end()
	}
}
