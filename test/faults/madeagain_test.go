//go:build e2e

package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A source topic is deleted and made again, and is then empty, or shorter or
// longer than before: its id tells that it is another one. What is out stays
// out, what is new is read, whether the worker runs meanwhile, and whether it
// sees that there is no topic for a while. Other topics do not notice.
func TestF60TopicMadeAgain(t *testing.T) {
	for _, running := range []bool{true, false} {
		for _, later := range []bool{false, true} {
			for what, seconds := range map[string]float64{"empty": 0, "shorter": 2, "longer": 8} {
				when := "at once"
				if later {
					when = "later"
				}
				name := fmt.Sprintf("away %s %s", when, what)
				if running {
					name = fmt.Sprintf("running %s %s", when, what)
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					again{onKafka(t), running, later, seconds}.run()
				})
			}
		}
	}
}

// again is a topic that is made again.
type again struct {
	*place
	running bool
	later   bool
	seconds float64 // of records that are in it when the worker meets it
}

func (p again) run() {
	p.create(1)
	other := p.beside("other")
	other.create(1)
	other.fill(0, 0, 5)
	w := p.start()
	p.fill(0, 0, 5)
	p.reach(3, patience, w)
	other.reach(3, patience, w)
	if !p.running {
		w.end()
		p.settled(30)
	}
	old := p.topicID()
	deleted, err := p.adm.DeleteTopic(p.t.Context(), p.topic)
	must(p.t, err)
	must(p.t, deleted.Err)
	if p.later {
		p.noTopic()
		if p.running {
			w.status("the topic is gone", func(s status) bool { return p.of(s).Topic == "" })
			other.fill(0, 5, 6)
			other.reach(4, patience, w)
		} else {
			other.fill(0, 5, 6)
		}
	} else {
		other.fill(0, 5, 6)
	}
	p.createAgain()
	for begin := time.Now(); p.topicID() == old; time.Sleep(20 * time.Millisecond) { // a broker may learn of it later than the controller
		if time.Since(begin) > patience {
			p.t.Fatal("the topic has its old id")
		}
	}
	p.forget(3, 5) // these windows were open, and their records are gone
	p.cl.PurgeTopicsFromProducing(p.topic)
	bad := &kgo.Record{Topic: p.topic, Timestamp: p.base.Add(10 * time.Second), Value: []byte{1}}
	if p.seconds > 0 {
		must(p.t, p.cl.ProduceSync(p.t.Context(), bad).FirstErr())
	}
	p.fill(0, 10, 10+p.seconds)
	if !p.running {
		w = p.start()
	}
	// The others go on while the new topic is found.
	slowest := time.Duration(0)
	for second := 6.0; second < 12; second++ {
		other.fill(0, second, second+1)
		slowest = max(slowest, other.reach(int(second)-1, patience, w))
	}
	p.t.Logf("of the other topic a window came after %.2f s at the latest", slowest.Seconds())
	w.status("the new topic, without a problem", func(s status) bool {
		return s.Ready && len(p.of(s).Partitions) == 1 && p.of(s).Problem() == ""
	})
	if p.seconds == 0 {
		must(p.t, p.cl.ProduceSync(p.t.Context(), bad).FirstErr())
	}
	p.fill(0, 10+p.seconds, 14+p.seconds)
	p.t.Logf("its new windows were out after %.2f s", p.reach(3+int(p.seconds)+2, patience, w).Seconds())
	p.t.Logf("%d sessions", w.Status().Sessions)
	w.end()
	s := p.finish()
	for _, q := range []*place{p.place, other} {
		q.compare(q.rows())
		if t := q.of(s); t.Late+t.Mismatches > 0 {
			p.t.Errorf("%s: %d late, %d mismatches", q.topic, t.Late, t.Mismatches)
		}
	}
	p.letters(1) // also where the old topic had a good record at its offset
}

func (p *place) topicID() kadm.TopicID {
	p.t.Helper()
	topics, err := p.adm.ListTopics(p.t.Context(), p.topic)
	must(p.t, err)
	return topics[p.topic].ID
}

// noTopic waits until the brokers do not know the topic any more.
func (p *place) noTopic() {
	p.t.Helper()
	for begin := time.Now(); p.exists(p.topic); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > patience {
			p.t.Fatal("the topic is not deleted")
		}
	}
}

// createAgain creates the topic as soon as the brokers let it.
func (p *place) createAgain() {
	p.t.Helper()
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		r, err := p.adm.CreateTopic(p.t.Context(), 1, 1, nil, p.topic)
		must(p.t, err)
		if r.Err == nil {
			return
		}
		if r.Err != kerr.TopicAlreadyExists || time.Since(begin) > patience {
			p.t.Fatal(r.Err)
		}
	}
}
