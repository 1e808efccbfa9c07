//go:build e2e

package faults

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// foreign is a consumer of another program that was given the group of the
// workers by mistake. It reads and commits nothing.
type foreign struct {
	*kgo.Client
	assigned chan struct{} // closed when the group has given it something
	stop     context.CancelFunc
	polling  sync.WaitGroup
	err      atomic.Pointer[error] // the first that it was given
}

// clientID is what a broker knows of it.
const clientID = "somebody-else"

func (p *place) foreign(opts ...kgo.GroupOpt) *foreign {
	p.t.Helper()
	f := &foreign{assigned: make(chan struct{})}
	given := sync.OnceFunc(func() { close(f.assigned) })
	all := []kgo.Opt{
		kgo.SeedBrokers(p.cfg.Kafka.Brokers...), kgo.ClientID(clientID), kgo.ConsumerGroup(p.cfg.Worker.Group), kgo.ConsumeTopics(p.topic),
		kgo.DisableAutoCommit(), kgo.SessionTimeout(6 * time.Second), kgo.HeartbeatInterval(500 * time.Millisecond),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, got map[string][]int32) {
			if len(got) > 0 {
				given()
			}
		}),
	}
	for _, o := range opts {
		all = append(all, o)
	}
	var err error
	f.Client, err = kgo.NewClient(all...)
	must(p.t, err)
	ctx, stop := context.WithCancel(context.Background())
	f.stop = stop
	f.polling.Go(func() {
		for ctx.Err() == nil {
			f.PollFetches(ctx).EachError(func(_ string, _ int32, err error) {
				if ctx.Err() == nil {
					f.err.CompareAndSwap(nil, &err)
				}
			})
		}
	})
	p.t.Cleanup(f.leave)
	return f
}

// in waits until it is a member that has been given something.
func (f *foreign) in(t *testing.T) {
	t.Helper()
	select {
	case <-f.assigned:
	case <-time.After(patience):
		t.Fatal("the other consumer is given nothing")
	}
}

// refusal waits for what the broker says to it in place of letting it in.
func (f *foreign) refusal(t *testing.T) error {
	t.Helper()
	for begin := time.Now(); f.err.Load() == nil; time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > patience {
			t.Fatal("the other consumer is not refused")
		}
	}
	return *f.err.Load()
}

// leave takes it out of the group in good order.
func (f *foreign) leave() {
	f.stop()
	f.polling.Wait()
	f.Close()
}

// refused waits until the worker says who is in its group that does not belong
// there, and what to do.
func (p *place) refused(w *running) {
	p.t.Helper()
	s := w.status("not ready, with the name of the other one", func(s status) bool {
		return !s.Ready && strings.Contains(s.Reason, clientID)
	})
	p.t.Logf("not ready: %s", s.Reason)
	if !strings.Contains(s.Reason, "worker.group") {
		p.t.Error("the reason does not say what to do")
	}
}

// Another program's consumer is in the group of the workers, or tries to be.
func TestF62ForeignConsumer(t *testing.T) {
	for name, opts := range map[string][]kgo.GroupOpt{
		"classic": {kgo.Balancers(kgo.RangeBalancer())},
		"KIP-848": {kgo.ServerSideBalancer()},
	} {
		// It joins while no worker is there. The worker cannot join, or is given
		// what a broker thinks right; it says whose consumer that is, and waits.
		t.Run(name+" first", func(t *testing.T) {
			t.Parallel()
			p := onKafka(t)
			p.create(2)
			w := p.start()
			p.fill(0, 0, 5)
			p.fill(1, 0, 5)
			p.reach(3, patience, w)
			w.end()
			p.empty()
			f := p.foreign(opts...)
			f.in(t)
			w = p.start()
			p.refused(w)
			p.fill(0, 5, 8)
			p.fill(1, 5, 8)
			f.leave()
			t.Logf("windows %.2f s after it left", p.reach(6, 40*time.Second, w).Seconds())
			w.status("ready", func(s status) bool { return s.Ready })
			w.end()
			p.exactly()
		})
		// It comes later. A broker does not let it in, and the worker goes on.
		t.Run(name+" later", func(t *testing.T) {
			t.Parallel()
			p := onKafka(t)
			p.create(2)
			w := p.start()
			p.fill(0, 0, 5)
			p.fill(1, 0, 5)
			p.reach(3, patience, w)
			f := p.foreign(opts...)
			t.Logf("the broker says to it: %v", f.refusal(t))
			p.fill(0, 5, 8)
			p.fill(1, 5, 8)
			p.reach(6, patience, w)
			if s := w.Status(); !s.Ready || s.Sessions != 1 || s.Aborts > 0 {
				t.Errorf("the worker is disturbed: %s", brief(s))
			}
			f.leave()
			w.end()
			p.exactly()
		})
	}
}
