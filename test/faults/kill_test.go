//go:build e2e

package faults

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A worker dies forty times at random moments while records come in. Its end
// is that of a SIGKILL as far as the brokers can tell; test/chaos kills real
// processes.
func TestF01KillAtRandomTimes(t *testing.T) {
	p := onKafka(t)
	p.create(3)
	rng := rand.New(rand.NewPCG(1, 1))
	second := 0.0
	for range 40 {
		w := p.start()
		for until := time.Now().Add(time.Duration(rng.Int64N(int64(500 * time.Millisecond)))); time.Now().Before(until); second++ {
			for partition := range int32(3) {
				p.fill(partition, second, second+1)
			}
		}
		w.kill()
	}
	t.Logf("%.0f windows written during 40 kills", second)
	p.exactly()
}

// A worker dies at each request of the commit path, and of joining the group:
// before the request is sent, with half of it sent, when it is sent, and when
// its answer is there; at the first request of its kind and at a later one.
func TestF02KillAtEachPointOfTheCommit(t *testing.T) {
	t.Parallel()
	stages := map[string]func(*rule, func()){
		"before":   func(r *rule, die func()) { r.before, r.drop = die, true },
		"half":     func(r *rule, die func()) { r.before, r.cut = die, 20 },
		"sent":     func(r *rule, die func()) { r.sent = die },
		"answered": func(r *rule, die func()) { r.answered, r.lose = die, true },
	}
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.OffsetFetch, kmsg.ListOffsets, kmsg.InitProducerID, kmsg.Fetch, kmsg.Produce, kmsg.TxnOffsetCommit, kmsg.EndTxn, kmsg.OffsetCommit} {
		for stage, set := range stages {
			for _, pass := range []int{0, 1} {
				once := key != kmsg.Produce && key != kmsg.TxnOffsetCommit && key != kmsg.EndTxn && key != kmsg.Fetch
				if once && pass > 0 {
					continue // there is one such request in a short life
				}
				t.Run(fmt.Sprintf("%s/%s/%d", key.Name(), stage, pass), func(t *testing.T) {
					p := onKafka(t)
					p.create(1)
					p.fill(0, 0, 2)
					died := make(chan struct{})
					r := &rule{key: key, pass: pass}
					w := p.startWith(func(w *running) {
						w.link.add(r)
						set(r, sync.OnceFunc(func() {
							w.link.kill()
							w.hard()
							w.stop()
							close(died)
						}))
					})
					second := 2.0
					if key == kmsg.OffsetCommit { // comes with the end
						p.fill(0, 2, 6)
						w.windows(4)
						p.send(0, 5.95) // closes no window
						w.status("read", func(s status) bool { return s.Topics[0].Partitions[0].Position == 61 })
						w.stop()
						<-died
						second = 7
					}
					for begin, dead := time.Now(), false; !dead; second++ { // a window each time
						select {
						case <-died:
							dead = true
						case <-time.After(30 * time.Millisecond):
							p.fill(0, second, second+1)
						}
						if time.Since(begin) > time.Minute {
							t.Fatal("the request does not come")
						}
					}
					w.kill()
					p.fill(0, second, second+2)
					p.exactly()
				})
			}
		}
	}
}

// A worker that is asked to end while records come in ends within ten
// seconds, with status 0 and no transaction open; asked twice, too.
func TestF03AskedToEnd(t *testing.T) {
	p := onKafka(t)
	p.create(2)
	box := p.processes()
	var feeding sync.WaitGroup
	stop := make(chan struct{})
	feeding.Go(func() {
		for second := 0.0; ; second++ {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
			p.fill(0, second, second+1)
			p.fill(1, second, second+1)
		}
	})
	for _, times := range []int{1, 2, 1} {
		w := box.start("a")
		p.waitRows(1)
		for range times {
			w.Signal(sigterm)
		}
		asked := time.Now()
		select {
		case <-w.Ended:
		case <-time.After(10 * time.Second):
			t.Fatal("did not end within 10 s")
		}
		t.Logf("%d times SIGTERM: ended after %.2f s: %v", times, time.Since(asked).Seconds(), w.Err)
		if w.Err != nil && times == 1 {
			t.Errorf("asked once: %v", w.Err)
		}
		if times == 1 {
			p.noOpenTransaction()
		}
	}
	close(stop)
	feeding.Wait()
	p.exactly()
}
