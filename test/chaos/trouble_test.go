//go:build chaos

package chaos

import (
	"container/heap"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

const (
	killEvery  = 2 * time.Second // on the average, with KILLS
	harmEvery  = 3 * time.Second // on the average, without
	sessionSec = 6               // session timeout of the workers
	endWithin  = 20 * time.Second
)

// trouble does harm to workers, broker and registry, all in the goroutine of
// run, but for what waits for the broker.
type trouble struct {
	t     *testing.T
	set   settings
	s     *stack.Stack
	rng   *rand.Rand
	slots []*slot

	latency latency
	agenda  agenda
	results chan recovery
	broker  chan error // the broker is back

	out   []string  // aggregated topics
	sum   int64     // sum of their end offsets when it last grew
	grown time.Time // when that was

	calm                                bool // no new harm
	outage                              bool // the broker is away
	lastOutage                          time.Time
	noRegistry                          bool
	registryBack                        time.Time
	kills, pauses, longPauses, terms    int
	brokerKills, registryAway, failures int
	killed                              map[*slot]int // process that was started after a kill
	absent                              map[*slot]time.Duration
	back                                []recovery // undisturbed, after a kill
	backLong                            []recovery // after an absence longer than the session timeout
	disturbed                           int        // were harmed before, or in an outage of broker or registry
}

// event is something to do at a time.
type event struct {
	at time.Time
	do func()
}

type agenda []event

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)        { *a = append(*a, x.(event)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

func (n *trouble) in(d time.Duration, do func()) { heap.Push(&n.agenda, event{time.Now().Add(d), do}) }

// between is a random duration.
func (n *trouble) between(a, b time.Duration) time.Duration {
	return a + time.Duration(n.rng.Int64N(int64(b-a)))
}

// run makes trouble until it is enough, and then puts everything right.
func (n *trouble) run(ctx context.Context) {
	began := time.Now()
	n.grown = began
	enough := func() bool {
		if n.set.kills > 0 {
			return n.kills >= n.set.kills
		}
		return time.Since(began) >= n.set.duration
	}
	whole := n.set.length()
	for i := range 2 { // at about a quarter and three quarters
		n.in(whole/4+time.Duration(i)*whole/2, n.killBroker)
	}
	n.in(whole/2, n.closeRegistry)
	progress := time.Now()
	n.in(killEvery, n.harm)
	for !enough() && ctx.Err() == nil && !n.t.Failed() {
		n.step()
		if time.Since(progress) >= 30*time.Second {
			progress = time.Now()
			n.t.Logf("%4.0f s: %s", time.Since(began).Seconds(), n.summary())
			n.alive()
		}
	}
	// What is begun comes to its end; no new harm is done.
	n.calm = true
	for (len(n.agenda) > 0 || n.outage) && ctx.Err() == nil {
		n.step()
	}
	for _, s := range n.slots {
		if s.state != "up" {
			n.t.Errorf("%s is %s after all trouble", s.name, s.state)
		}
	}
}

// stalled is how long nothing may come out before a run is of no use. It is
// longer than any outage.
const stalled = 90 * time.Second

// alive fails the test if no results come any more. Workers are not the only
// ones that can break: under load the broker's group coordinator may, and then
// answers NOT_COORDINATOR to all until the broker is started again.
func (n *trouble) alive() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	list, err := kadm.NewClient(n.s.Client).ListEndOffsets(ctx, n.out...)
	if err != nil {
		return // the broker is away
	}
	total := int64(0)
	list.Each(func(o kadm.ListedOffset) { total += max(0, o.Offset) })
	switch {
	case total > n.sum:
		n.sum, n.grown = total, time.Now()
	case time.Since(n.grown) > stalled:
		n.t.Errorf("no results for %.0f s; the broker's log ends:\n%s", time.Since(n.grown).Seconds(), n.s.Broker.LogTail(15))
	}
}

// step does what is due and looks at the processes.
func (n *trouble) step() {
	wait := 20 * time.Millisecond
	if len(n.agenda) > 0 {
		wait = min(wait, max(0, time.Until(n.agenda[0].at)))
	}
	select {
	case r := <-n.results:
		n.note(r)
	case err := <-n.broker:
		if err != nil {
			n.t.Errorf("broker: %v", err)
		}
		n.outage, n.lastOutage = false, time.Now()
	case <-time.After(wait):
	}
	for len(n.agenda) > 0 && !n.agenda[0].at.After(time.Now()) {
		heap.Pop(&n.agenda).(event).do()
	}
	for _, s := range n.slots {
		if s.state == "up" && s.ended() {
			n.t.Errorf("%s ended by itself: %v", s.name, s.p.Err)
			s.forget()
			s.state = "down"
			n.in(time.Second, s.start)
		}
	}
}

// harm does one harm to one worker, and sees to the next.
func (n *trouble) harm() {
	if n.calm {
		return
	}
	every := harmEvery
	if n.set.kills > 0 {
		every = killEvery
	}
	n.in(n.between(every/2, every*3/2), n.harm)
	var up []*slot
	for _, s := range n.slots {
		if s.state == "up" {
			up = append(up, s)
		}
	}
	if len(up) == 0 {
		return
	}
	s := up[n.rng.IntN(len(up))]
	kind := n.rng.IntN(10)
	if n.set.kills > 0 && n.rng.IntN(10) > 0 {
		kind = 0
	}
	switch {
	case kind < 5:
		n.kill(s)
	case kind < 8:
		n.pause(s)
	default:
		n.terminate(s)
	}
}

// away is for how long a worker is gone: mostly shorter than the session
// timeout, so that it finds its partitions where they were.
func (n *trouble) away() time.Duration {
	if n.rng.IntN(8) == 0 {
		return n.between(sessionSec*time.Second, 2*sessionSec*time.Second)
	}
	return n.between(10*time.Millisecond, 2*time.Second)
}

func (n *trouble) kill(s *slot) {
	n.kills++
	n.disturb(s)
	s.kill()
	away := n.away()
	n.in(away, func() {
		s.start()
		n.killed[s], n.absent[s] = s.started, away
	})
}

func (n *trouble) pause(s *slot) {
	length := n.between(100*time.Millisecond, 3*time.Second)
	n.pauses++
	if n.rng.IntN(3) == 0 {
		length = n.between((sessionSec+1)*time.Second, 15*time.Second)
		n.longPauses++
	}
	n.disturb(s)
	s.pause()
	n.in(length, s.resume)
}

func (n *trouble) terminate(s *slot) {
	n.terms++
	n.disturb(s)
	s.ask()
	asked, outage := time.Now(), n.outage
	var look func()
	look = func() {
		outage = outage || n.outage
		switch {
		case s.ended():
			if s.p.Err != nil {
				// With the broker away it cannot finish in order, and says so.
				n.failures++
				if !outage && time.Since(n.lastOutage) > 30*time.Second {
					n.t.Errorf("%s was asked to end: %v", s.name, s.p.Err)
				}
			}
			s.state = "down"
			n.in(n.away(), s.start)
		case time.Since(asked) > endWithin:
			n.t.Errorf("%s did not end within %v", s.name, endWithin)
			s.kill()
			n.in(n.away(), s.start)
		default:
			n.in(20*time.Millisecond, look)
		}
	}
	look()
}

// disturb notes that a worker on its way back after a kill is harmed again.
func (n *trouble) disturb(s *slot) {
	if n.killed[s] == s.started {
		n.disturbed++
		delete(n.killed, s)
	}
}

func (n *trouble) note(r recovery) {
	if n.killed[r.slot] != r.process {
		return
	}
	delete(n.killed, r.slot)
	switch began := r.at.Add(-r.took); {
	case n.outage || began.Before(n.lastOutage), n.noRegistry || began.Before(n.registryBack):
		n.disturbed++
	case n.absent[r.slot] >= (sessionSec-1)*time.Second:
		n.backLong = append(n.backLong, r)
	default:
		n.back = append(n.back, r)
	}
}

func (n *trouble) killBroker() {
	n.brokerKills++
	n.outage = true
	away := n.between(3*time.Second, 8*time.Second)
	n.t.Logf("the broker is killed, for %.1f s", away.Seconds())
	go func() {
		began := time.Now()
		err := n.s.Broker.Kill()
		time.Sleep(away)
		if err == nil {
			err = n.s.Broker.Restart(context.Background())
		}
		n.latency.away(began, time.Now())
		n.broker <- err
	}()
}

func (n *trouble) closeRegistry() {
	n.registryAway++
	n.noRegistry = true
	n.t.Log("the registry is away for 10 s")
	n.s.Registry.Close()
	began := time.Now()
	n.in(10*time.Second, func() {
		n.latency.away(began, time.Now())
		if err := n.s.Registry.Reopen(); err != nil {
			n.t.Errorf("registry: %v", err)
		}
		n.noRegistry, n.registryBack = false, time.Now()
	})
}

func (n *trouble) summary() string {
	return fmt.Sprintf("%d kills, %d pauses (%d longer than the session timeout), %d SIGTERM (%d not in order), broker killed %d times, registry away %d times",
		n.kills, n.pauses, n.longPauses, n.terms, n.failures, n.brokerKills, n.registryAway)
}
