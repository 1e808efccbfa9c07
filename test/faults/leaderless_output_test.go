//go:build e2e

package faults

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

// The topic that has no leader is one that results are written to.
func (l *leaders) output() {
	q := l.beside("output")
	must(l.t, kafka.CreateTopic(l.t.Context(), l.cl, q.topic, nil, 1))
	must(l.t, kafka.CreateTopic(l.t.Context(), l.cl, q.topic+"-aggregated", nil, 2))
	w := l.start()
	l.fillAll(0, 5)
	q.fill(0, 0, 5)
	l.goOn("before", 3, w)
	q.reach(3, patience, w)
	l.away()
	q.fill(0, 5, 10)
	w.status("its records are read", func(s status) bool { return q.position(s, 0) == 100 || s.Sessions > 1 })
	l.fillGood(5, 10)
	l.goOn("beside a result that cannot be written", 8, w)
	s := w.status("a problem", func(s status) bool { return q.of(s).Problem() != "" })
	l.t.Logf("%d sessions; problem: %s", s.Sessions, q.of(s).Problem())
	l.back()
	q.reach(8, time.Minute, w)
	w.end()
	l.complete()
	q.compare(q.rows())
}

// The topic that has no leader is the one for dead letters. A source with a bad
// record waits for it; those without go on.
func (l *leaders) letters() {
	l.cfg.DeadLetterTopic += "-there"
	must(l.t, kafka.CreateTopic(l.t.Context(), l.cl, l.cfg.DeadLetterTopic, nil, 2))
	q := l.beside("poisoned")
	must(l.t, kafka.CreateTopic(l.t.Context(), l.cl, q.topic, nil, 1))
	must(l.t, kafka.CreateTopic(l.t.Context(), l.cl, q.topic+"-aggregated", nil, 1))
	w := l.start()
	l.fillAll(0, 5)
	q.fill(0, 0, 5)
	l.goOn("before", 3, w)
	q.reach(3, patience, w)
	l.away()
	poison := &kgo.Record{Topic: q.topic, Timestamp: l.base.Add(5 * time.Second), Value: []byte{1}}
	must(l.t, l.cl.ProduceSync(l.t.Context(), poison).FirstErr())
	q.fill(0, 5, 10)
	l.fillGood(5, 10)
	l.goOn("beside a letter that cannot be written", 8, w)
	s := w.status("a problem", func(s status) bool { return q.of(s).Problem() != "" })
	l.t.Logf("%d sessions; problem: %s", s.Sessions, q.of(s).Problem())
	l.fillGood(10, 15)
	l.goOn("and again", 13, w)
	l.back()
	q.reach(8, time.Minute, w)
	w.end()
	l.complete()
	q.compare(q.rows())
	q.letters(1)
}
