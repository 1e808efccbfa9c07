package worker

import (
	"maps"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
)

// The expensive checks of a session. They are compiled in with the build tag
// invariants only: see the package of that name.

// once reports whether partials come once: with transactions, unless offsets
// were lost, or others write without, of which whoever merges may not know.
func (w *Worker) once() bool {
	return w.cfg.Worker.Delivery == config.ExactlyOnce && partialsOnce
}

// remember has a partition judged against what earlier sessions of this worker
// have judged.
func (w *Worker) remember(p *part) {
	if p.windows == nil {
		return
	}
	topic := w.verdicts[p.source.topic]
	if topic == nil {
		topic = map[int32]*agent.Verdicts{}
		w.verdicts[p.source.topic] = topic
	}
	if topic[p.id] == nil {
		topic[p.id] = &agent.Verdicts{}
	}
	p.verdicts = topic[p.id]
	p.windows.Remember(p.verdicts, p.source.topicID)
}

// verifyBatch checks that the records of a batch are the partition's, in
// order, and not given back.
func (p *part) verifyBatch() {
	last := int64(-1)
	for _, r := range p.batch {
		if r.Topic != p.source.topic || r.Partition != p.id || r.Offset <= last {
			invariants.Violated("%s/%d: a batch has a record of %q/%d at offset %d, behind offset %d (a record that was given back has no topic)", p.source.topic, p.id, r.Topic, r.Partition, r.Offset, last)
		}
		last = r.Offset
	}
}

// order is how far the windows of each output have come out in this session, with the
// build tag invariants.
type order struct{ last map[outputOf]int64 } // end of the last window

// verify checks that the windows of a topic come out in order, and none
// twice, from whichever agent of this session.
func (o *order) verify(of string, r *agent.Result, empty bool) {
	at := outputOf{of, r.Output}
	if last, ok := o.last[at]; ok && r.End <= last {
		invariants.Violated("%s: window %d to %d comes out behind one that ends at %d (%d records)", of, r.Start, r.End, last, r.Count)
	}
	o.last[at] = r.End
	n := int64(0)
	for _, x := range r.Ranges {
		if n += x.Count; x.Count <= 0 || x.Last-x.First+1 < x.Count {
			invariants.Violated("%s/%d window %d: %d records from offset %d to %d", of, x.Partition, r.Start, x.Count, x.First, x.Last)
		}
	}
	if n != r.Count || (len(r.Ranges) == 0) != empty {
		invariants.Violated("%s window %d: %d records, of partitions %d", of, r.Start, r.Count, n)
	}
}

// forget notes that windows of a topic were not delivered: they may come
// out again.
func (o *order) forget(of string) {
	maps.DeleteFunc(o.last, func(at outputOf, _ int64) bool { return at.source == of })
}

// outputOf is an output of a source topic, by its index.
type outputOf struct {
	source string
	output int
}

// verifyLow checks that a partition's committed offset does not go back.
func (p *part) verifyLow(low int64) {
	if low < p.last.offset || low > p.Position() {
		invariants.Violated("%s/%d: offset %d is to be committed after %d, position %d", p.source.topic, p.id, low, p.last.offset, p.Position())
	}
}

// spoil marks records that were given back.
func spoil(s []kgo.Record) {
	for i := range s {
		s[i] = kgo.Record{Offset: invariants.FreedInt}
	}
}

// unspoil checks that nobody wrote to records that were given back.
func unspoil(s []kgo.Record) {
	for i := range s {
		if r := &s[i]; r.Offset != invariants.FreedInt || r.Topic != "" || r.Value != nil {
			invariants.Violated("a record that was given back was written to: %q/%d offset %d", r.Topic, r.Partition, r.Offset)
		}
	}
	clear(s)
}
