//go:build chaos

package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"syscall"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// slot is one worker: a name, a configuration, and mostly a process.
type slot struct {
	s      *stack.Stack
	name   string // worker.id
	config string
	listen string
	state  string // up, paused, ending, down
	p      *stack.Process
	forget context.CancelFunc // ends the watch for the first result

	results chan<- recovery
	started int // processes so far
}

// recovery is a worker's way back: from the start of its process, after a
// SIGKILL, to the first result that it has committed.
type recovery struct {
	slot    *slot
	process int
	took    time.Duration
	at      time.Time

	served   time.Duration // from the start to the first answer over HTTP
	assigned time.Duration // and to the partitions that the group gave it
}

func (r recovery) String() string {
	return fmt.Sprintf("%s, %s: %.2f s; served after %.2f s, had partitions after %.2f s",
		r.at.Add(-r.took).UTC().Format("15:04:05.000"), r.slot.name, r.took.Seconds(), r.served.Seconds(), r.assigned.Seconds())
}

func (s *slot) start() {
	s.started++
	s.state, s.p = "up", s.s.Start(s.name, "worker", "-c", s.config)
	ctx, cancel := context.WithCancel(context.Background())
	s.forget = cancel
	go s.watch(ctx, s.started, s.p.Began)
}

// watch asks the worker for its status until it has committed a result.
func (s *slot) watch(ctx context.Context, process int, began time.Time) {
	client := http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	r := recovery{slot: s, process: process}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(25 * time.Millisecond):
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.listen+"/api/status", nil)
		if err != nil {
			return
		}
		answer, err := client.Do(req)
		if err != nil {
			continue // not there yet, or stopped
		}
		var status struct {
			Topics []struct {
				Windows, Shipped int64
			}
		}
		err = json.NewDecoder(answer.Body).Decode(&status)
		answer.Body.Close()
		if err != nil {
			continue
		}
		if r.served == 0 {
			r.served = time.Since(began)
		}
		if r.assigned == 0 && len(status.Topics) > 0 {
			r.assigned = time.Since(began)
		}
		results := int64(0)
		for _, topic := range status.Topics {
			results += topic.Windows + topic.Shipped
		}
		if results > 0 {
			r.took, r.at = time.Since(began), time.Now()
			select {
			case s.results <- r:
			case <-ctx.Done():
			}
			return
		}
	}
}

func (s *slot) kill() {
	s.forget()
	s.p.Kill()
	s.state = "down"
}

func (s *slot) pause() {
	s.forget() // its way back would take as long as it is stopped
	s.p.Signal(syscall.SIGSTOP)
	s.state = "paused"
}

func (s *slot) resume() {
	s.p.Signal(syscall.SIGCONT)
	s.state = "up"
}

func (s *slot) ask() {
	s.forget()
	s.p.Signal(syscall.SIGTERM)
	s.state = "ending"
}

func (s *slot) ended() bool {
	select {
	case <-s.p.Ended:
		return true
	default:
		return false
	}
}
