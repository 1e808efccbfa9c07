//go:build e2e

package faults

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A value of five zero bytes, which is the header of schema 0 and nothing
// else, stands among good records: of a topic that one worker reads, and of one
// that is split. It is a bad record like any other.
func TestF51SchemaIDZero(t *testing.T) {
	for name, most := range map[string]int{"one worker": 1, "split": 2} {
		t.Run(name, func(t *testing.T) {
			p := onKafka(t)
			p.cfg.Aggregations[0].MaxWorkers = most
			p.create(2)
			for partition := range int32(2) {
				p.fill(partition, 0, 2.1)
				zero := &kgo.Record{Topic: p.topic, Partition: partition, Timestamp: p.base.Add(2050e6), Key: []byte("zero"), Value: make([]byte, 5)}
				must(t, p.cl.ProduceSync(t.Context(), zero).FirstErr())
				p.fill(partition, 2.1, 8)
			}
			workers := []*running{p.start()}
			if most > 1 {
				p.cfg.Worker.ID = "b"
				workers = append(workers, p.start())
			}
			p.reach(6, patience, workers...)
			for _, w := range workers {
				w.status("ready", func(s status) bool { return s.Ready })
				w.end()
			}
			p.exactly()
			p.letters(2)
		})
	}
}

// letters wants so many records in the dead-letter topic, each once, with the
// place that it came from.
func (p *place) letters(want int) []*kgo.Record {
	p.t.Helper()
	all := p.read(p.cfg.DeadLetterTopic)
	seen := map[string]bool{}
	for _, r := range all {
		h := row{Record: r}
		where := h.header("topic") + "/" + h.header("partition") + "/" + h.header("offset")
		if seen[where] || h.header("error") == "" {
			p.t.Errorf("dead letter of %s: twice, or without a reason: %q", where, h.header("error"))
		}
		seen[where] = true
	}
	if len(all) != want {
		p.t.Errorf("%d dead letters, want %d", len(all), want)
	}
	return all
}
