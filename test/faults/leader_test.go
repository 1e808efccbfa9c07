//go:build e2e

package faults

import (
	"context"
	"strings"
	"testing"
	"time"

	statuses "github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

// leaders is a place with topics on the first broker, one on the second, and
// one that is on both. The second is killed: what is on it has no leader then.
type leaders struct {
	*place // the first of the good ones
	good   []*place
	bad    *place // on the second broker
	half   *place // partition 1 of it is there
}

func newLeaders(t *testing.T, cluster *kafka.Cluster, good int) *leaders {
	t.Helper()
	l := &leaders{place: onCluster(t, cluster)}
	l.createOn(1)
	l.good = []*place{l.place}
	for i := range good - 1 {
		g := l.beside("good-" + string(rune('a'+i)))
		g.createOn(1)
		l.good = append(l.good, g)
	}
	l.bad = l.beside("bad")
	l.bad.createOn(2)
	l.half = l.beside("half")
	l.half.createOn(1, 2)
	must(t, kafka.CreateTopic(t.Context(), l.cl, l.cfg.DeadLetterTopic, nil, 1))
	return l
}

// away kills the second broker and waits until its partitions have no leader.
func (l *leaders) away() {
	l.t.Helper()
	must(l.t, l.cluster.Broker(2).Kill())
	must(l.t, kafka.WaitLeader(l.t.Context(), l.cl, l.bad.topic, 0, 0))
}

// back starts it again. It is no error to do so twice.
func (l *leaders) back() {
	l.t.Helper()
	must(l.t, l.cluster.Broker(2).Restart(l.t.Context()))
	must(l.t, kafka.WaitLeader(l.t.Context(), l.cl, l.bad.topic, 0, 2))
}

// fillGood and fillAll write ten records a second to each partition.
func (l *leaders) fillGood(from, to float64) {
	l.t.Helper()
	for _, g := range l.good {
		g.fill(0, from, to)
	}
}

func (l *leaders) fillAll(from, to float64) {
	l.t.Helper()
	l.fillGood(from, to)
	l.bad.fill(0, from, to)
	l.half.fill(0, from, to)
	l.half.fill(1, from, to)
}

// goOn wants the good topics to have so many windows, soon.
func (l *leaders) goOn(what string, rows int, about ...*running) {
	l.t.Helper()
	begin := time.Now()
	for _, g := range l.good {
		g.reach(rows, patience, about...)
	}
	l.t.Logf("%s: the topics with leaders had all their windows after %.2f s", what, time.Since(begin).Seconds())
}

// named wants a status to say of both topics which of their partitions it is.
func (l *leaders) named(status func(what string, ok func(status) bool) status) {
	l.t.Helper()
	s := status("a problem of both topics, with the number of the partition", func(s statuses.Status) bool {
		return names(l.bad.of(s).Problem(), 0) && names(l.half.of(s).Problem(), 1)
	})
	l.t.Logf("ready %v: %s", s.Ready, s.Reason)
	l.t.Logf("problems: %q, %q", l.bad.of(s).Problem(), l.half.of(s).Problem())
	for _, g := range l.good {
		if text := g.of(s).Problem(); text != "" {
			l.t.Errorf("%s has a leader, but the problem %q", g.topic, text)
		}
	}
	if s.Sessions > 1 {
		l.t.Errorf("%d sessions: all topics had to start again", s.Sessions)
	}
}

// complete wants all windows of all topics, each once, with all their records.
func (l *leaders) complete() {
	l.t.Helper()
	s := l.finish()
	for _, p := range append([]*place{l.bad, l.half}, l.good...) {
		p.compare(p.rows())
		if t := p.of(s); t.Late+t.Lost+t.Mismatches > 0 {
			l.t.Errorf("%s: %d late, %d lost, %d mismatches", p.topic, t.Late, t.Lost, t.Mismatches)
		}
	}
}

// A topic has no leader: the only broker that has it is away. That is this
// topic's trouble alone. When the broker is back, it goes on where it was.
func TestF52NoLeader(t *testing.T) {
	cluster := startBrokers(t, 2, kafka.Options{})
	for _, c := range []struct {
		name string
		run  func(*leaders)
	}{
		{"at the first start", (*leaders).firstStart},
		{"while it runs", (*leaders).whileItRuns},
		{"at a restart", (*leaders).restart},
		{"while workers come and go", (*leaders).comeAndGo},
		{"stop at end", (*leaders).stopAtEnd},
		{"of an aggregated topic", (*leaders).output},
		{"of the dead-letter topic", (*leaders).letters},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLeaders(t, cluster, 3)
			// The next one finds both brokers, however this one ended.
			t.Cleanup(func() {
				if err := cluster.Broker(2).Kill(); err != nil {
					t.Error(err)
				}
				if err := cluster.Broker(2).Restart(context.Background()); err != nil {
					t.Error(err)
				}
			})
			c.run(l)
		})
	}
}

// It was never read before. A real process tells over HTTP what is wrong.
func (l *leaders) firstStart() {
	l.fillAll(0, 5)
	l.away()
	l.fillGood(5, 10)
	box := l.processes()
	w := box.start("a")
	l.goOn("first start", 8)
	l.named(func(what string, ok func(status) bool) (s status) {
		for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
			s, _ = box.status("a")
			if ok(s) {
				break
			}
			if time.Since(begin) > patience {
				l.t.Fatalf("status never had: %s; it is %s", what, brief(s))
			}
		}
		if s.Ready || !strings.Contains(s.Reason, l.bad.topic) && !strings.Contains(s.Reason, l.half.topic) {
			l.t.Errorf("ready %v, reason %q: partitions are assigned that have no position", s.Ready, s.Reason)
		}
		return s
	})
	l.back()
	l.bad.reach(3, patience)
	l.half.reach(3, patience)
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		s, _ := box.status("a")
		if s.Ready {
			break
		}
		if time.Since(begin) > patience {
			l.t.Fatalf("not ready again: %s", brief(s))
		}
	}
	w.Terminate(10 * time.Second)
	l.complete()
}

// Its leader goes while records are read. The last windows of the others come
// by the clock, for which the brokers are asked where the ends are.
func (l *leaders) whileItRuns() {
	l.window().IdleAfter = time.Second
	w := l.start()
	l.fillAll(0, 5)
	l.goOn("before", 5, w)
	l.bad.reach(5, patience, w)
	l.half.reach(5, patience, w)
	l.fillAll(10, 12)
	w.status("all read", func(s status) bool {
		return l.bad.position(s, 0) == 70 && l.half.position(s, 0) == 70 && l.half.position(s, 1) == 70
	})
	l.away()
	l.fillGood(12, 15) // and then they are silent
	l.goOn("the last windows of silent topics", 10, w)
	l.named(w.status)
	l.fillGood(20, 23)
	l.goOn("after another silence", 13, w)
	l.back()
	l.bad.fill(0, 20, 23)
	// A partition that has been silent is passed over. So what makes a window
	// final comes when both are read that far.
	l.half.fill(0, 20, 21)
	l.half.fill(1, 20, 21)
	w.status("both partitions are read", func(s status) bool {
		return l.half.position(s, 0) == 80 && l.half.position(s, 1) == 80
	})
	l.half.fill(0, 21, 23)
	l.half.fill(1, 21, 23)
	l.bad.reach(10, patience, w)
	l.half.reach(10, patience, w)
	w.status("ready", func(s status) bool { return s.Ready })
	w.end()
	l.complete()
}

// It was read before; offsets are committed. A worker is killed, and starts
// again when the leader is gone.
func (l *leaders) restart() {
	w := l.start()
	l.fillAll(0, 5)
	l.goOn("before", 3, w)
	l.bad.reach(3, patience, w)
	l.half.reach(3, patience, w)
	l.away()
	w.kill()
	l.fillGood(5, 10)
	w = l.start()
	l.goOn("restarted", 8, w)
	l.named(w.status)
	l.back()
	l.bad.fill(0, 5, 10)
	l.half.fill(0, 5, 10)
	l.half.fill(1, 5, 10)
	l.bad.reach(8, patience, w)
	l.half.reach(8, patience, w)
	w.status("ready", func(s status) bool { return s.Ready })
	w.end()
	l.complete()
}

// Topics are shared out anew while one has no leader: another worker comes, and
// the first one goes.
func (l *leaders) comeAndGo() {
	a := l.start()
	l.fillAll(0, 5)
	l.goOn("before", 3, a)
	l.bad.reach(3, patience, a)
	l.half.reach(3, patience, a)
	l.away()
	l.cfg.Worker.ID = "b"
	b := l.start()
	b.status("topics", func(s status) bool { return len(s.Topics) > 0 })
	l.fillGood(5, 8)
	l.goOn("another worker came", 6, a, b)
	a.end()
	l.cfg.Worker.ID = "a"
	l.empty() // else its topics wait for the end of its session
	l.cfg.Worker.ID = "b"
	l.fillGood(8, 11)
	l.goOn("the first one went", 9, b)
	l.named(b.status)
	l.back()
	l.bad.fill(0, 5, 10)
	l.half.fill(0, 5, 10)
	l.half.fill(1, 5, 10)
	l.bad.reach(8, patience, b)
	l.half.reach(8, patience, b)
	b.end()
	l.complete()
}

// A run to the end waits for the topic whose end nobody knows; all others are
// done meanwhile.
func (l *leaders) stopAtEnd() {
	l.fillAll(0, 5)
	l.away()
	w := l.start(func(o *worker.Options) { o.StopAtEnd = true })
	l.goOn("to the end", 5, w)
	l.named(w.status)
	l.back()
	w.ended(time.Minute)
	l.bad.reach(5, patience)
	l.half.reach(5, patience)
	l.complete()
}
