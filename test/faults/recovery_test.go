//go:build e2e

package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// How long a killed worker that starts again takes to its first window: by
// itself, beside a worker that is frozen, while the group waits for one that
// is frozen, and if it merges a topic that is split. Every tenth of a second
// closes a window of each of nine topics. F01_TIMES says how often each is
// tried, in place of once.
func TestF01TimeToGoOn(t *testing.T) {
	times := 1
	if text := os.Getenv("F01_TIMES"); text != "" {
		var err error
		times, err = strconv.Atoi(text)
		must(t, err)
	}
	p := onKafka(t)
	p.create(4)
	split := p.topic
	topics := []string{split}
	for i := range 8 {
		p.topic = fmt.Sprint(split, "-", i)
		topics = append(topics, p.topic)
		p.create(1)
	}
	p.topic = split
	only := p.cfg.Aggregations[0].Topics.Include
	p.cfg.Aggregations[0].Topics.Include = []string{"^" + split + "(-[0-9])?$"}
	p.cfg.Aggregations[0].MaxWorkers = 3

	var feeding sync.WaitGroup
	stop := make(chan struct{})
	feeding.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for second := 0.0; ; second++ {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			var rs []*kgo.Record
			for id := range int32(4) {
				rs = append(rs, p.record(id, second+0.5))
			}
			for _, topic := range topics[1:] {
				rs = append(rs, &kgo.Record{Topic: topic, Timestamp: rs[0].Timestamp, Value: rs[0].Value})
			}
			if err := p.cl.ProduceSync(t.Context(), rs...).FirstErr(); err != nil {
				t.Error(err)
				return
			}
		}
	})

	end := sync.OnceFunc(func() {
		close(stop)
		feeding.Wait()
	})
	defer end()

	box := p.processes()
	workers := map[string]*stack.Process{}
	for _, id := range []string{"a", "b", "c"} {
		workers[id] = box.start(id)
	}
	restart := func(id string) float64 {
		workers[id].Kill()
		workers[id] = box.start(id)
		return box.first(id, workers[id].Began)
	}
	state := func() string {
		groups, err := p.adm.DescribeGroups(t.Context(), p.cfg.Worker.Group)
		if err != nil {
			return err.Error()
		}
		return groups[p.cfg.Worker.Group].State
	}
	reach := func(want string) {
		t.Helper()
		for begin := time.Now(); state() != want; time.Sleep(5 * time.Millisecond) {
			if time.Since(begin) > 40*time.Second {
				t.Fatalf("the group is not %s after %v", want, time.Since(begin))
			}
		}
	}
	calm := func() {
		t.Helper()
		for since := time.Now(); time.Since(since) < 2*time.Second; time.Sleep(20 * time.Millisecond) {
			for id := range workers {
				if s, _ := box.status(id); !s.Ready {
					since = time.Now()
				}
			}
			if state() != "Stable" {
				since = time.Now()
			}
		}
	}
	measured := func(what string, do func() float64) {
		t.Helper()
		var all []float64
		for range times {
			calm()
			all = append(all, do())
		}
		slices.Sort(all)
		t.Logf("%s: median %.2f s, of %.2f", what, all[len(all)/2], all)
		if worst := all[len(all)-1]; worst > 5 {
			t.Errorf("%s: %.2f s", what, worst)
		}
	}

	measured("by itself", func() float64 { return restart("a") })
	measured("the worker that merges", func() float64 { return restart(box.merging()) })
	measured("beside a frozen one", func() float64 {
		workers["b"].Signal(syscall.SIGSTOP)
		defer workers["b"].Signal(syscall.SIGCONT)
		return restart("a")
	})
	measured("while the others take over from a frozen one", func() float64 {
		workers["b"].Signal(syscall.SIGSTOP)
		defer workers["b"].Signal(syscall.SIGCONT)
		reach("PreparingRebalance")
		return restart("a")
	})
	measured("while the group waits for a frozen one", func() float64 {
		workers["b"].Signal(syscall.SIGSTOP)
		defer workers["b"].Signal(syscall.SIGCONT)
		time.Sleep(p.cfg.Worker.SessionTimeout / 2)
		workers["c"].Signal(syscall.SIGSTOP)
		defer workers["c"].Signal(syscall.SIGCONT)
		reach("PreparingRebalance") // b was removed
		return restart("a")
	})
	calm()
	end()
	for _, w := range workers {
		w.Terminate(10 * time.Second)
	}
	p.cfg.Aggregations[0].Topics.Include = only
	p.exactly()
}

// status of a worker, if it answers.
func (b *processes) status(id string) (s status, ok bool) {
	client := http.Client{Timeout: time.Second}
	answer, err := client.Get("http://" + b.listen[id] + "/api/status")
	if err != nil {
		return s, false
	}
	defer answer.Body.Close()
	return s, json.NewDecoder(answer.Body).Decode(&s) == nil
}

// first waits until a process has put out a window, or shipped one, and
// returns the seconds since its start.
func (b *processes) first(id string, began time.Time) float64 {
	b.p.t.Helper()
	for ; ; time.Sleep(5 * time.Millisecond) {
		s, ok := b.status(id)
		for _, topic := range s.Topics {
			if ok && topic.Windows+topic.Shipped > 0 {
				return time.Since(began).Seconds()
			}
		}
		if time.Since(began) > time.Minute {
			b.p.t.Fatalf("%s has no window after a minute: %+v", id, s)
		}
	}
}

// merging is the worker that merges partials.
func (b *processes) merging() string {
	b.p.t.Helper()
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(10 * time.Millisecond) {
		for id := range b.listen {
			s, _ := b.status(id)
			for _, topic := range s.Topics {
				if strings.Contains(topic.Topic, "-partials-") && topic.Merges != "" {
					return id
				}
			}
		}
	}
	b.p.t.Fatal("nobody merges")
	return ""
}

// A worker dies in the middle of a transaction and does not come back: before
// its last request, or with nothing in it but offsets or records. Who takes over
// does not wait for the timeout of the transaction.
func TestF02TakenOverInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, dies := range map[string]rule{
		"before the end":    {key: kmsg.EndTxn, drop: true},
		"after the offsets": {key: kmsg.TxnOffsetCommit, lose: true},
		"after the records": {key: kmsg.Produce, lose: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := onKafka(t)
			p.create(1)
			p.cfg.Worker.TransactionTimeout = time.Minute
			w := p.start()
			p.fill(0, 0, 3)
			w.windows(1)
			died := make(chan struct{})
			die := sync.OnceFunc(func() {
				w.link.kill()
				w.hard()
				w.stop()
				close(died)
			})
			if dies.drop {
				dies.before = die
			} else {
				dies.answered = die
			}
			w.link.add(&dies)
			p.cfg.Worker.ID = "b"
			b := p.start()
			b.status("member", func(s status) bool { return s.MemberID != "" })
			p.fill(0, 3, 6)
			<-died
			dead := time.Now()
			b.windows(3)
			took := time.Since(dead)
			t.Logf("results again %.1f s after the end of the other worker", took.Seconds())
			if took > p.cfg.Worker.SessionTimeout+p.cfg.Worker.SessionTimeout/2+10*time.Second {
				t.Error("that is too late")
			}
			for p.ongoing(p.cfg.Worker.Group + "-a") { // readers of committed records wait for its end
				if time.Since(dead) > p.cfg.Worker.TransactionTimeout/2 {
					t.Fatal("the transaction of the dead worker is still open")
				}
				time.Sleep(20 * time.Millisecond)
			}
			b.end()
			p.exactly()
		})
	}
}
