//go:build e2e

package faults

import (
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	statuses "github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

type status = statuses.Status

const sigterm = syscall.SIGTERM

// processes starts real processes in a place.
type processes struct {
	p      *place
	s      *stack.Stack
	listen map[string]string // addresses of their status pages
	worker string            // more settings of the worker
}

func (p *place) processes() *processes {
	p.t.Helper()
	s := stack.NewOn(p.t, p.broker)
	s.Registry = p.registry
	return &processes{p: p, s: s, listen: map[string]string{}}
}

func (b *processes) start(id string) *stack.Process {
	b.p.t.Helper()
	c := b.p.cfg
	if b.listen[id] == "" {
		port, err := net.Listen("tcp", "127.0.0.1:0")
		must(b.p.t, err)
		b.listen[id] = port.Addr().String()
		must(b.p.t, port.Close())
	}
	file := b.s.WriteConfig(id+".yaml", fmt.Sprintf(`worker: {group: %s, id: %s, topic_refresh: 100ms, session_timeout: %v, transaction_timeout: %v%s}
http: {listen: '%s'}
log: {level: info, format: text}
dead_letter_topic: %s
aggregations:
  - name: faults
    topics: {include: ['%s']}
    window: {size: %v, grace: %v, idle_after: %v}
    operations: [min, mean, max]
    max_workers_per_topic: %d
`, c.Worker.Group, id, c.Worker.SessionTimeout, c.Worker.TransactionTimeout, b.worker, b.listen[id], c.DeadLetterTopic, strings.Join(c.Aggregations[0].Topics.Include, "', '"),
		b.p.window().Size, b.p.window().Grace, b.p.window().IdleAfter, c.Aggregations[0].MaxWorkers))
	return b.s.Start(id, "worker", "-c", file)
}

// waitRows waits until the aggregated topic has grown by some committed
// records.
func (p *place) waitRows(more int) {
	p.t.Helper()
	have := -1
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		n := 0
		if topics, err := p.adm.ListTopics(p.t.Context(), p.topic+"-aggregated"); err == nil && topics.Has(p.topic+"-aggregated") {
			n = len(p.rows())
		}
		if have < 0 {
			have = n
		}
		if n >= have+more {
			return
		}
		if time.Since(begin) > time.Minute {
			p.t.Fatalf("%d aggregated records after a minute, want %d", n, have+more)
		}
	}
}

// ongoing reports whether a transactional id has an open transaction.
func (p *place) ongoing(id string) bool {
	p.t.Helper()
	list, err := p.adm.ListTransactions(p.t.Context(), nil, []string{"Ongoing"})
	must(p.t, err)
	_, there := list[id]
	return there
}

// noOpenTransaction fails if the worker's transactional id has one.
func (p *place) noOpenTransaction() {
	p.t.Helper()
	list, err := p.adm.ListTransactions(p.t.Context(), nil, []string{"Ongoing", "PrepareCommit", "PrepareAbort"})
	must(p.t, err)
	for id, txn := range list {
		if id == p.cfg.Worker.Group+"-a" {
			p.t.Errorf("transaction %s is %s", id, txn.State)
		}
	}
}
