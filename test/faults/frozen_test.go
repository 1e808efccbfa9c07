//go:build e2e

package faults

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// copies is how many aggregated records whoever reads uncommitted sees that
// were aborted.
func (p *place) copies() int {
	p.t.Helper()
	all, committed := len(p.readAt(kgo.ReadUncommitted(), p.topic+"-aggregated")), len(p.read(p.topic+"-aggregated"))
	p.t.Logf("%s: %d aggregated records, %d of them committed", p.topic, all, committed)
	return all - committed
}

// A worker was taken out of the group and does not know it; another one has put
// out the windows that it is about to write. It is refused before it has written
// any of them: consumers that read uncommitted, as is their default, would see
// copies.
func TestF65RemovedWorkerWritesNothing(t *testing.T) {
	p := onKafka(t)
	p.create(1)
	p.cfg.Worker.ID = ""
	allIsWell := &kerr.Error{Code: 0}
	a := p.startWith(func(r *running) { r.link.add(&rule{key: kmsg.Heartbeat, code: allIsWell, count: -1}) })
	p.fill(0, 0, 3)
	a.windows(1)
	member := a.status("member", func(s status) bool { return s.MemberID != "" }).MemberID
	p.leave(member, "")
	b := p.start()
	b.status("the partition", func(s status) bool { return len(s.Topics) == 1 && len(s.Topics[0].Partitions) == 1 })
	p.fill(0, 3, 8) // both read it, and windows become final for both
	b.windows(5)
	a.status("an abort", func(s status) bool { return s.Aborts > 0 })
	t.Log(a.logged("level=WARN", "starting again"))
	a.link.calm()
	a.kill()
	b.end()
	p.cfg.Worker.ID = "c"
	p.exactly()
	if n := p.copies(); n > 0 {
		t.Errorf("%d aborted copies of windows", n)
	}
}

// Workers are frozen for longer than the session timeout, in turns, six times
// (F65_FREEZES), and go on with what lay in their connections. They are frozen
// when no transaction is open, as they are most of the time.
func TestF65Frozen(t *testing.T) {
	times := 6
	if text := os.Getenv("F65_FREEZES"); text != "" {
		var err error
		times, err = strconv.Atoi(text)
		must(t, err)
	}
	p := onKafka(t)
	p.create(1)
	p.cfg.Worker.SessionTimeout = 2 * time.Second
	topics := []*place{p}
	for i := range 5 {
		q := p.beside(fmt.Sprint("t", i))
		q.create(1)
		topics = append(topics, q)
	}
	second := 0.0
	next := func() {
		for _, q := range topics {
			q.fill(0, second, second+1)
		}
		second++
	}
	reach := func() {
		t.Helper()
		for _, q := range topics {
			q.reach(int(second)-2, patience)
		}
	}
	box := p.processes()
	workers := map[string]*stack.Process{}
	for _, id := range []string{"a", "b"} {
		workers[id] = box.start(id)
	}
	for range 3 {
		next()
	}
	reach()
	for i := range times {
		id := []string{"a", "b"}[i%2]
		box.shared()
		was, _ := box.status(id)
		next()
		reach() // the transactions are over
		workers[id].Signal(syscall.SIGSTOP)
		for range 3 {
			next()
		}
		frozen := time.Now()
		reach()
		t.Logf("the other worker had put out the windows of %s after %.2f s", id, time.Since(frozen).Seconds())
		workers[id].Signal(syscall.SIGCONT)
		box.joined(id, was.MemberID)
	}
	box.shared()
	next()
	reach()
	for _, w := range workers {
		w.Terminate(10 * time.Second)
	}
	p.finish()
	n := 0
	for _, q := range topics {
		q.compare(q.rows())
		n += q.copies()
	}
	if n > 0 {
		t.Errorf("%d aborted copies of windows", n)
	}
}

// joined waits until a worker is a member of the group that it was not before.
func (b *processes) joined(id, before string) {
	b.p.t.Helper()
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if s, ok := b.status(id); ok && s.Ready && s.MemberID != "" && s.MemberID != before {
			return
		}
		if time.Since(begin) > patience {
			b.p.t.Fatalf("%s has not joined again", id)
		}
	}
}

// shared waits until each worker has topics and is ready.
func (b *processes) shared() {
	b.p.t.Helper()
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		have := 0
		for id := range b.listen {
			if s, ok := b.status(id); ok && s.Ready && len(s.Topics) > 0 {
				have++
			}
		}
		if have == len(b.listen) {
			return
		}
		if time.Since(begin) > patience {
			b.p.t.Fatalf("%d of %d workers have topics", have, len(b.listen))
		}
	}
}
