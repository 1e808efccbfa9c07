//go:build synctests

package sim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// proc is a worker process.
type proc struct {
	name string
	link *link
	stop context.CancelFunc // SIGTERM
	hard context.CancelFunc
	dead context.Context // ends with a SIGKILL
	done chan struct{}

	mu     sync.Mutex
	ending bool      // was told to end
	stuck  time.Time // until when its loop stands still

	work   *worker.Worker
	unsent map[string]int64 // letters that were given up, by source topic

	// Set before done.
	last    status.Status
	orderly bool // it ended as it was told to
}

// judge looks at what a process has said last.
func (p *proc) judge(w *world) {
	for _, t := range p.last.Topics {
		if t.Mismatches > 0 || t.Lost > 0 {
			w.log.violation("worker %s counted %d mismatches and %d lost offsets of %s", p.name, t.Mismatches, t.Lost, t.Topic)
		}
		if n := p.unsent[t.Topic]; t.Unsent > n || t.Unsent < n && p.orderly {
			w.log.violation("worker %s counted %d records of %s without a letter, which were %d", p.name, t.Unsent, t.Topic, n)
		}
	}
}

// onUnsent notes that a worker gives a letter up.
func (w *world) onUnsent(of *worker.Worker, u worker.Unsent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.procs {
		if p.work == of && u.Committed {
			p.unsent[u.Source]++
		}
	}
	w.unsent = append(w.unsent, unsent{u.Source, u.Topic, u.Place, u.Timestamp, u.Committed})
}

// kill is SIGKILL: the network is gone at once, so nothing the process still
// does reaches anybody.
func (p *proc) kill() {
	p.end()
	p.link.kill()
	p.hard()
}

func (p *proc) end() { p.mu.Lock(); defer p.mu.Unlock(); p.ending = true }

func (p *proc) told() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.ending }

// stall has the worker's loop stand still for a time while its heartbeats go
// on: between the next records that it polls and what it makes of them.
func (p *proc) stall(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stuck = time.Now().Add(d)
}

// OnFetchRecordUnbuffered is called by the client in the loop's goroutine.
func (p *proc) OnFetchRecordUnbuffered(*kgo.Record, bool) {
	p.mu.Lock()
	d := time.Until(p.stuck)
	p.mu.Unlock()
	if d > 0 {
		select {
		case <-time.After(d):
		case <-p.dead.Done():
		}
	}
}

// slot is the place of a worker that a supervisor keeps running.
type slot struct {
	index int
	mu    sync.Mutex
	now   *proc
}

// take takes the process away from the supervisor, which starts no other.
func (s *slot) take() *proc {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.now
	s.now = nil
	if p != nil {
		p.end()
	}
	return p
}

func (s *slot) peek() *proc { s.mu.Lock(); defer s.mu.Unlock(); return s.now }

// launch starts the slot's worker and watches it.
func (w *world) launch(s *slot) {
	select {
	case <-w.stopping:
		return
	default:
	}
	id := ""
	if w.plan.workers[s.index].static {
		id = fmt.Sprintf("w%d", s.index)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := w.start(fmt.Sprintf("w%d", s.index), id)
	s.now = p
	w.watching.Go(func() { // whoever ends without being told is started again
		select {
		case <-p.done:
		case <-w.stopping:
			return
		}
		select {
		case <-time.After(2 * time.Second):
		case <-w.stopping:
		}
		if s.peek() == p && !p.told() {
			w.launch(s)
		}
	})
}

// start starts a worker process.
func (w *world) start(name, id string) *proc {
	hardCtx, hard := context.WithCancel(context.Background())
	ctx, stop := context.WithCancel(hardCtx)
	w.mu.Lock()
	number := len(w.procs)
	name = fmt.Sprintf("%s#%d", name, number)
	p := &proc{name: name, link: w.net.link(name), hard: hard, dead: hardCtx, done: make(chan struct{}), unsent: map[string]int64{}}
	w.procs = append(w.procs, p)
	w.mu.Unlock()
	p.stop = func() { p.end(); stop() }
	w.watching.Go(func() { w.expire(p) })
	w.event("%s starts", name)
	opts := []kgo.Opt{kgo.Dialer(p.link.dial), kgo.WithContext(hardCtx), kgo.WithHooks(p), kgo.MetadataMinAge(500 * time.Millisecond), kgo.DisableClientMetrics()}
	if l := w.log.client(name); l != nil {
		opts = append(opts, kgo.WithLogger(l))
	}
	work, err := worker.New(worker.Options{
		Config: w.config(id, number), Version: "sim", Logger: w.log.logger(name), KafkaOpts: opts,
		HTTPClient: &http.Client{Transport: registryTransport{w.registry, p.link}}, Hard: hardCtx,
	})
	w.must(err)
	if w.plan.pieces > 0 {
		work.LimitOffsets(w.plan.pieces)
	}
	w.mu.Lock()
	p.work = work
	w.mu.Unlock()
	go func() {
		defer close(p.done)
		defer stop()
		defer func() {
			if fault := recover(); fault != nil { // an invariant of the worker's own
				w.event("%s panics: %v", name, fault)
				w.log.violation("worker %s panicked: %v", name, fault)
			}
		}()
		err := work.Run(ctx)
		p.last, p.orderly = work.Status(), err == nil && hardCtx.Err() == nil
		w.event("%s ends after %d sessions: %v", name, p.last.Sessions, err)
		if err != nil && !p.told() && !errors.Is(err, kerr.FencedInstanceID) && !strings.Contains(err.Error(), "FENCED_INSTANCE_ID") {
			w.log.violation("worker %s ended by itself: %v", name, err)
		}
	}()
	return p
}

// config is that of a process; they are numbered.
func (w *world) config(id string, process int) *config.Config {
	c := config.Default()
	c.Kafka.Brokers = w.addrs
	c.SchemaRegistry.URL = "http://registry"
	c.Worker.Group, c.Worker.ID = group, id
	if w.plan.repeats && (!w.plan.mixed || process%2 == 0) {
		c.Worker.Delivery = config.AtLeastOnce
	}
	c.DeadLetterTopic = deadTopic
	a := &c.Aggregations[0]
	a.Name = "sim"
	a.Topics.Include = []string{"^in[0-9]$"}
	a.Partitions = w.plan.outPartitions
	a.MaxWorkers = w.plan.split
	if w.plan.resplit > 0 && w.since() >= w.plan.resplit {
		a.MaxWorkers = w.plan.split2
	}
	a.Window = config.Window{Size: w.plan.size, Grace: w.plan.grace, IdleAfter: w.plan.idle, MaxFutureSkew: w.plan.skew}
	w.plan.eventTime(a)
	w.plan.windows(a)
	if w.plan.emptyOfSome && process%2 == 0 {
		w.plan.emptyOf(a, nil)
	}
	a.Framing = w.framing()
	a.Operations = operations
	a.Late = config.Late{Policy: "topic", Topic: lateTopic}
	return c
}
