//go:build e2e

package faults

import (
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// The broker, which leads everything, coordinates everything and is the
// controller, is killed under load and comes back.
func TestF11BrokerKilled(t *testing.T) {
	p := onKafka(t)
	p.create(3)
	w := p.start()
	second := 0.0
	feed := func(n int) {
		for range n {
			for partition := range int32(3) {
				p.fill(partition, second, second+1)
			}
			second++
		}
	}
	feed(5)
	w.windows(2)
	for range 3 {
		must(t, p.broker.Kill())
		var feeding sync.WaitGroup
		feeding.Go(func() { feed(3) }) // goes on when the broker is back
		must(t, p.broker.Restart(t.Context()))
		back := time.Now()
		feeding.Wait()
		open := int64(second) - 2
		w.status("all but the open windows", func(s status) bool {
			return len(s.Topics) == 1 && s.Topics[0].Watermark.Sub(p.base).Seconds() >= float64(open)
		})
		t.Logf("all results were out %.2f s after the broker was back", time.Since(back).Seconds())
	}
	w.kill()
	p.exactly()
}

// The broker is away for long (F13_AWAY, 20 s). The worker says so, uses
// neither more memory nor more goroutines, and goes on by itself.
func TestF13BrokerAway(t *testing.T) {
	away := 20 * time.Second
	if text := os.Getenv("F13_AWAY"); text != "" {
		var err error
		away, err = time.ParseDuration(text)
		must(t, err)
	}
	p := onKafka(t)
	p.create(2)
	w := p.start()
	p.fill(0, 0, 5)
	p.fill(1, 0, 5)
	w.windows(3)
	use := func() (mib float64, goroutines int) {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / (1 << 20), runtime.NumGoroutine()
	}
	must(t, p.broker.Kill())
	time.Sleep(2 * time.Second)
	mib, goroutines := use()
	s := w.status("not ready", func(s status) bool { return !s.Ready })
	t.Log("not ready: ", s.Reason)
	if !strings.Contains(s.Reason, "no broker has answered") {
		t.Errorf("the reason does not tell that the brokers are away")
	}
	for end := time.Now().Add(away - 12*time.Second); time.Now().Before(end); time.Sleep(time.Second) {
		if s := w.Status(); s.LoopAge > 5 {
			t.Errorf("the loop has not turned for %.1f s", s.LoopAge)
		}
	}
	mib2, goroutines2 := use()
	t.Logf("heap %.1f MiB, then %.1f; goroutines %d, then %d", mib, mib2, goroutines, goroutines2)
	if mib2 > mib+8 || goroutines2 > goroutines+20 {
		t.Error("they grow while the broker is away")
	}
	must(t, p.broker.Restart(t.Context()))
	back := time.Now()
	p.fill(0, 5, 8)
	p.fill(1, 5, 8)
	w.windows(6)
	t.Logf("results again %.2f s after the broker was back", time.Since(back).Seconds())
	w.status("ready", func(s status) bool { return s.Ready })
	w.kill()
	p.exactly()
}
