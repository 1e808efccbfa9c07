//go:build synctests

package sim

import (
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// Plans made by hand, each for a fault that a random one has found.

// simple is a plan of one worker and one topic without anything wrong.
func simple(partitions int) *plan {
	return &plan{
		size: time.Second, grace: time.Second, idle: 3 * time.Second, skew: 5 * time.Minute, length: 50 * time.Second, outPartitions: 1,
		workers: []workerPlan{{}},
		topics: []topicPlan{{
			name: "in0", partitions: partitions, change: time.Hour, period: 100 * time.Millisecond, jitter: 900 * time.Millisecond, speed: 1,
			lag: make([]time.Duration, partitions), empty: make([]bool, partitions),
		}},
	}
}

// Two partitions wait for different schemas at the same time. The second of
// them was never asked for.
func TestSchemasOfTwoPartitions(t *testing.T) {
	p := simple(2)
	p.workers[0].start = 20 * time.Second
	p.topics[0].change = 10 * time.Second
	p.topics[0].gaps = []gap{{partition: 0, to: 10 * time.Second}, {partition: 1, from: 10 * time.Second, to: time.Hour}}
	hold(t, p)
}

// A partition waits for its schema, and is paused for it, when the group takes
// it away. It stayed paused when it came back to the same client.
func TestPausedPartitionComesBack(t *testing.T) {
	p := simple(1)
	p.topics[0].change = 10 * time.Second
	p.faults = []fault{
		{at: 9 * time.Second, what: "registry down", length: 10 * time.Second},
		{at: 11 * time.Second, what: "freeze", length: 15 * time.Second},
	}
	hold(t, p)
}

// A worker with an id of its own that is killed and started again goes on
// within 5 s: nobody waits for its session or its transaction to time out.
func TestComesBackQuickly(t *testing.T) {
	const killed, within = 20 * time.Second, 5 * time.Second
	p := simple(1)
	p.workers[0].static = true
	p.faults = []fault{{at: killed, what: "kill", length: 200 * time.Millisecond}}
	o := hold(t, p)
	for _, s := range o.facts.samples {
		if s.at > killed+time.Second {
			t.Logf("the next commit was seen at %v", s.at)
			if s.at > killed+within+sampling {
				t.Errorf("nothing was committed within %v", within)
			}
			return
		}
	}
	t.Error("nothing was committed after the kill")
}

// A worker with an id of its own leads the group. While it is away a topic
// gets another partition; when it comes back the group gives it what it had
// before, without asking it for an assignment.
func TestPartitionAddedWhileAway(t *testing.T) {
	p := simple(1)
	p.workers[0].static = true
	p.topics[0].more, p.topics[0].grow = 1, 21*time.Second
	p.topics[0].lag, p.topics[0].empty = make([]time.Duration, 2), make([]bool, 2)
	p.faults = []fault{{at: 20 * time.Second, what: "kill", length: 2 * time.Second}}
	hold(t, p)
}

// Records are refused since they are ahead of the clock, and are read again
// after a restart, when the clock has overtaken them. They got into windows
// then, though they were in the dead-letter topic.
func TestRefusedStaysRefused(t *testing.T) {
	p := simple(1)
	p.size, p.grace, p.skew = 5*time.Second, 3*time.Second, 1500*time.Millisecond
	p.topics[0].jitter, p.topics[0].ahead = 2*time.Second, 0.2
	p.workers[0].static = true
	for i := range 8 {
		p.faults = append(p.faults, fault{at: 5*time.Second + time.Duration(i)*4700*time.Millisecond, what: "kill", length: 100 * time.Millisecond})
	}
	if o := hold(t, p); o.verdict.dead == 0 {
		t.Error("nothing was refused")
	}
}

// A worker has asked for a schema that nobody had registered yet. It is, and
// another worker, which has not asked before, reads records of it; then the
// topic comes to the first one, in the middle of a window. It went by the
// answer that it had kept, and passed over what the other one had taken.
func TestSchemaIsRegistered(t *testing.T) {
	p := simple(1)
	p.size, p.register = 5*time.Second, 20*time.Second
	p.topics[0].bad, p.topics[0].period = 0.3, 40*time.Millisecond
	p.topics = append(p.topics, p.topics[0])
	p.topics[1].name = "in1"
	p.workers = []workerPlan{{static: true}, {start: 21 * time.Second}}
	p.faults = []fault{{at: 28 * time.Second, what: "restart", worker: 1, length: 20 * time.Second}}
	if o := hold(t, p); o.verdict.dead == 0 {
		t.Error("no schema was unknown")
	}
}

// Two workers share a topic that falls silent. Its last windows come out by
// the clock, for which whoever merges needs to hear from both that there is
// nothing more to read. What they said was once asked for shortly before a
// claim only, in a tick; ticks of nearly half a second and claims fell in step
// so that there never was one.
func TestLastWindowOfSplitTopic(t *testing.T) {
	for _, idle := range []time.Duration{4300, 4670} {
		p := simple(2)
		p.split, p.idle = 2, idle*time.Millisecond
		p.workers = []workerPlan{{}, {start: time.Second}}
		hold(t, p)
	}
}

// A topic is deleted and made again, with records of the same time and more of them
// than before, while the worker is away: nothing but the id tells that it is
// another one. Its windows come out but for those that were out.
func TestTopicMadeAgainWhileAway(t *testing.T) {
	p := simple(1)
	p.topics[0].bad = 0.05
	n := p.topics[0]
	n.created, n.period, n.lag = 21*time.Second, 20*time.Millisecond, []time.Duration{10 * time.Second}
	p.topics[0].again = &remake{at: 20 * time.Second, away: time.Second, topic: n}
	p.faults = []fault{{at: 19 * time.Second, what: "kill", length: 20 * time.Second}}
	for _, of := range []struct {
		rule string
		ok   bool
	}{{"", true}, {"id", false}} {
		worker.Break(of.rule)
		defer worker.Break("")
		if o := run(t, p, &log{}); (len(o.violations) == 0) != of.ok {
			t.Errorf("without the rule %q: %d violations %.300q", of.rule, len(o.violations), o.violations)
		}
	}
}

// Two workers share a topic that is made again, of which a third one merges what is
// not out. None of it gets into a window with records of the new topic.
func TestSplitTopicMadeAgain(t *testing.T) {
	for _, partitions := range []int{1, 2, 3} {
		p := simple(2)
		p.split, p.size = 2, 5*time.Second
		p.workers = []workerPlan{{}, {start: time.Second}, {start: 1500 * time.Millisecond}}
		n := p.topics[0]
		n.partitions, n.created = partitions, 22*time.Second
		n.lag, n.empty = make([]time.Duration, partitions), make([]bool, partitions)
		p.topics[0].again = &remake{at: 22 * time.Second, topic: n}
		hold(t, p)
	}
}
