//go:build e2e

package faults

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A process is stopped, and goes on after its partitions have been given to
// another one, or before.
func TestF04StoppedAndGoesOn(t *testing.T) {
	t.Parallel()
	for _, length := range []time.Duration{3 * time.Second, 25 * time.Second} {
		t.Run(length.String(), func(t *testing.T) {
			p := onKafka(t)
			p.create(2)
			box := p.processes()
			second := 0.0
			feed := func(n int) {
				for range n {
					p.fill(0, second, second+1)
					p.fill(1, second, second+1)
					second++
				}
			}
			a := box.start("a")
			feed(5)
			p.waitRows(3)
			b := box.start("b")
			a.Signal(syscall.SIGSTOP)
			feed(5)
			time.Sleep(length) // longer or shorter than the session and transaction timeouts
			if length > p.cfg.Worker.SessionTimeout+p.cfg.Worker.TransactionTimeout {
				if n := len(p.rows()); n < 8 {
					t.Errorf("%d windows are out %v after the owner was stopped: nobody has taken over", n, length)
				}
			}
			a.Signal(syscall.SIGCONT)
			feed(5)
			p.waitRows(1)
			b.Signal(syscall.SIGSTOP)
			feed(5)
			b.Signal(syscall.SIGCONT)
			feed(2)
			a.Terminate(10 * time.Second)
			b.Terminate(10 * time.Second)
			p.exactly()
		})
	}
}

// A worker is taken out of the group and does not know it, because it gets no
// true answer to its heartbeats. Another one owns its partitions. Then the clock
// closes a window for both, and nothing has moved but the clock.
func TestF05ZombieClosesWindowByClock(t *testing.T) {
	for name, id := range map[string]string{"dynamic member": "", "static member": "a"} {
		t.Run(name, func(t *testing.T) {
			p := onKafka(t)
			p.create(1)
			p.cfg.Worker.ID = id
			p.window().IdleAfter = 1500 * time.Millisecond
			allIsWell := &kerr.Error{Code: 0}
			a := p.startWith(func(r *running) { r.link.add(&rule{key: kmsg.Heartbeat, code: allIsWell, count: -1}) })
			p.fill(0, 0, 3)
			a.windows(1)
			member := a.status("member", func(s status) bool { return s.MemberID != "" }).MemberID
			p.leave(member, id)

			p.cfg.Worker.ID = ""
			b := p.start()
			b.status("the partition", func(s status) bool { return len(s.Topics) == 1 && len(s.Topics[0].Partitions) == 1 })
			p.fill(0, 3, 4) // both read it; the clock closes it
			a.status("an abort", func(s status) bool { return s.Aborts > 0 })
			t.Log(a.logged("level=WARN", "starting again"))
			b.status("all windows out", func(s status) bool { return s.Topics[0].OpenWindows == 0 && s.Topics[0].Partitions[0].Position >= 40 })
			a.link.calm()
			if err := a.wait0(); err != nil {
				t.Logf("the zombie ended: %v", err)
			}
			a.kill()
			b.end()
			p.cfg.Worker.ID = "c"
			p.exactly()
		})
	}
}

// wait0 is wait if the worker has ended, and nil if it has not.
func (r *running) wait0() error {
	select {
	case err := <-r.done:
		r.done <- err
		return err
	default:
		return nil
	}
}

// leave takes a member out of the group behind its back.
func (p *place) leave(member, id string) {
	p.t.Helper()
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = p.cfg.Worker.Group, member
	m := kmsg.NewLeaveGroupRequestMember()
	m.MemberID = member
	if id != "" {
		instance := p.cfg.Worker.Group + "-" + id
		m.InstanceID = &instance
	}
	req.Members = append(req.Members, m)
	resp, err := req.RequestWith(context.Background(), p.cl)
	must(p.t, err)
	if resp.ErrorCode != 0 || len(resp.Members) == 0 || resp.Members[0].ErrorCode != 0 {
		p.t.Fatal("leave the group: ", fmt.Sprintf("%+v", resp))
	}
}

// A machine is suspended: the process and its clock jump by more than
// idle_after. What came meanwhile is read before a window is closed by the
// clock, so that nothing is late.
func TestF28Suspended(t *testing.T) {
	p := onKafka(t)
	p.create(2)
	p.cfg.Worker.SessionTimeout = 30 * time.Second // stays a member
	p.window().IdleAfter = 3 * time.Second
	box := p.processes()
	w := box.start("a")
	p.fill(0, 0, 3)
	p.fill(1, 0, 3)
	p.waitRows(1)
	p.send(0, 3.1, 3.2)
	p.send(1, 3.1)
	w.Signal(syscall.SIGSTOP)
	time.Sleep(6 * time.Second)
	p.send(0, 3.3, 3.4)
	p.send(1, 3.9)
	w.Signal(syscall.SIGCONT)
	p.waitRows(1) // closed by the clock, which goes on
	w.Terminate(10 * time.Second)
	p.exactly()
}
