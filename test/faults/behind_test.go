//go:build e2e

package faults

import (
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A worker with an id is too slow to join a rebalance. The group goes on
// without it and gives its partition to another one, which puts out windows.
// Then the request to join arrives: the worker is a member again, under the
// same member id, while it tries to commit the same windows.
func TestF04LeftBehindByAGeneration(t *testing.T) {
	t.Parallel()
	p := onKafka(t)
	p.create(1)
	p.cfg.Worker.ID = "z"
	p.cfg.Worker.SessionTimeout = 8 * time.Second
	p.cfg.Worker.TransactionTimeout = 40 * time.Second // it tries for half of that
	held, release := make(chan struct{}), make(chan struct{})
	z := p.startWith(func(r *running) {
		r.link.add(&rule{key: kmsg.JoinGroup, pass: 1, before: sync.OnceFunc(func() {
			close(held)
			<-release
		})})
	})
	letGo := sync.OnceFunc(func() { close(release) })
	defer letGo()
	p.fill(0, 0, 3)
	z.windows(1)

	p.cfg.Worker.ID = "a"
	began := time.Now()
	a := p.start()
	<-held
	a.status("the partition", func(s status) bool { return len(s.Topics) == 1 && len(s.Topics[0].Partitions) == 1 })
	t.Logf("the other one has the partition after %.1f s", time.Since(began).Seconds())
	p.fill(0, 3, 6) // both read it
	a.windows(3)
	z.status("all read", func(s status) bool { return len(s.Topics) == 1 && s.Topics[0].Partitions[0].Position >= 0 })
	letGo()
	z.status("a second session", func(s status) bool { return s.Sessions >= 2 })
	t.Log(z.logged("starting again", "too slow to join"))
	p.fill(0, 6, 8)
	z.end()
	a.end()
	p.cfg.Worker.ID = "a"
	p.exactly()
}
