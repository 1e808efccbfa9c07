//go:build synctests

package worker

import (
	"fmt"
	"sync"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
)

// Rules of delivery that Break takes out, each with a constant of value false
// in builds without the tag.
var (
	brokenHead    bool // commits the head in place of the oldest record of an open window
	brokenProduce bool // commits although a record was not written
	brokenAbort   bool // goes on with the state that a failed transaction came from
	brokenIdle    bool // takes a partition for idle without asking for its end
	brokenRevoke  bool // delivers what is pending of a topic that was taken away
	brokenReplay  bool // takes records that are read again for new ones
	brokenMember  bool // commits under whatever member id it has in the group
	brokenID      bool // takes a topic for the one of the same name that was there before
)

var rules = map[string]*bool{
	"head": &brokenHead, "produce": &brokenProduce, "abort": &brokenAbort,
	"idle": &brokenIdle, "revoke": &brokenRevoke, "replay": &brokenReplay,
	"member": &brokenMember, "id": &brokenID,
}

// Break takes a rule of delivery out of all workers, to show that the
// simulation finds it; "" puts all back. Call it while no worker runs.
func Break(rule string) {
	for _, r := range rules {
		*r = false
	}
	agent.BreakClock(rule == "clock") // time goes on in windows that have no records
	if rule == "" || rule == "clock" {
		return
	}
	r := rules[rule]
	if r == nil {
		panic(fmt.Sprintf("no rule %q", rule))
	}
	*r = true
}

// partialsOnce says that partials come once to a worker with exactly_once: in
// the simulation the offsets of a group are never lost, and all workers of it
// deliver alike unless Mix says otherwise.
var partialsOnce = true

// Mix says whether some workers of the group deliver at_least_once. Call it while
// no worker runs.
func Mix(mixed bool) { partialsOnce = !mixed }

// LimitOffsets sets how many bytes of offsets are committed at once at first. Call
// it before Run.
func (w *Worker) LimitOffsets(bytes int) { w.offsetsLimit = bytes }

// Unsent is a letter that was given up: its topic does not take it.
type Unsent struct {
	Source    string // topic under whose name it is counted
	Topic     string // of letters
	Place     string // of the record: topic, partition and offset, with | between
	Timestamp string // of the record, ms
	Committed bool   // it is counted for good; else it is about to be, or not
}

// OnUnsent has f told of letters that workers give up. Call it while no worker
// runs; nil ends it.
func OnUnsent(f func(*Worker, Unsent)) { tellUnsent = f }

var tellUnsent func(*Worker, Unsent)

// dropped are the letters of a source that were given up since its last commit.
type dropped struct{ letters []*letter }

func (g *dropped) add(l *letter) { g.letters = append(g.letters, l) }

// tell tells of them before and after they are counted.
func (g *dropped) tell(w *Worker, src *source, committed bool) {
	for _, l := range g.letters {
		if tellUnsent != nil {
			tellUnsent(w, Unsent{src.topic, l.topic, l.place(), string(l.about[3].Value), committed})
		}
	}
	if committed {
		g.letters = nil
	}
}

// mutex is one on which a goroutine waits in a way that testing/synctest
// knows, so that the clock of a bubble moves on meanwhile.
type mutex struct {
	once sync.Once
	free chan struct{}
}

func (m *mutex) Lock() {
	m.once.Do(func() { m.free = make(chan struct{}, 1) })
	m.free <- struct{}{}
}

func (m *mutex) Unlock() { <-m.free }
