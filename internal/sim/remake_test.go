//go:build synctests

package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A source topic is deleted and made again: another topic of the same name. What
// of the one before is out stays out; what is not is lost with it. All of the
// new one comes out, but for the windows that were out before: there its
// records are late.

// remake is that a topic is deleted and made again.
type remake struct {
	at    time.Duration // when it is deleted
	away  time.Duration // until it is made again
	topic topicPlan     // what it is then
}

// former is a topic as it was when it was deleted.
type former struct {
	id      string
	records []*kgo.Record
}

// drawRemakes has source topics made again, while workers run or while all are
// away.
func (p *plan) drawRemakes(rng *rand.Rand) {
	for i := range p.topics {
		t := &p.topics[i]
		r := &remake{at: between(rng, 8*time.Second, p.length-15*time.Second), away: choose(rng, 0, between(rng, 0, time.Second), between(rng, 2*time.Second, 12*time.Second))}
		r.at = max(r.at, t.created+5*time.Second)
		if t.more > 0 {
			r.at = max(r.at, t.grow+3*time.Second)
		}
		seldom, half, workers := rng.IntN(25) == 0, rng.IntN(2) == 0, rng.IntN(3) == 0
		if !seldom && !(forced("remade") && (i == 0 || half)) || r.at > p.length-5*time.Second {
			continue
		}
		r.topic = t.anew(rng, r.at+r.away, p.length)
		t.again = r
		// The group's offsets go with the topic, so what is out is read from the
		// aggregated topic. That there is none is the brokers' word that nothing is.
		p.faults = slices.DeleteFunc(p.faults, func(f fault) bool { return f.what == "gone" && f.topic == t.name+suffix })
		for w := range p.workers {
			if workers {
				p.faults = append(p.faults, fault{at: r.at - between(rng, 500*time.Millisecond, 3*time.Second), what: choose(rng, "kill", "restart"), worker: w, length: r.away + between(rng, 4*time.Second, 10*time.Second)})
			}
		}
	}
}

// anew is the topic as it may be when it is made again.
func (t *topicPlan) anew(rng *rand.Rand, created, length time.Duration) topicPlan {
	n := *t
	n.created, n.partitions, n.more, n.grow = created, choose(rng, t.partitions, t.all(), 1, 2, 3, 4), 0, 0
	if rng.IntN(5) == 0 {
		n.more, n.grow = 1+rng.IntN(2), created+between(rng, 2*time.Second, 15*time.Second)
	}
	if rng.IntN(4) == 0 {
		n.family = rng.IntN(len(families))
	}
	n.change = between(rng, created, 2*length)
	n.speed = choose(rng, t.speed, 1, 6)
	back := choose(rng, 0, 0, between(rng, 3*time.Second, 20*time.Second)) // records come again
	n.lag, n.empty, n.gaps = nil, nil, nil
	for id := range n.all() {
		n.lag = append(n.lag, back+choose(rng, 0, between(rng, 0, 3*time.Second)))
		n.empty = append(n.empty, id > 0 && rng.IntN(8) == 0)
	}
	switch rng.IntN(5) {
	case 0: // it stays empty
		n.gaps = append(n.gaps, gap{partition: -1, to: time.Hour})
	case 1: // it is found empty
		n.gaps = append(n.gaps, gap{partition: -1, to: created + between(rng, 5*time.Second, 20*time.Second)})
	case 2: // it is shorter than before
		n.gaps = append(n.gaps, gap{partition: -1, from: created + between(rng, 200*time.Millisecond, 2*time.Second), to: time.Hour})
	}
	return n
}

// remade reports whether any topic is made again.
func (p *plan) remade() bool {
	for _, t := range p.topics {
		if t.again != nil {
			return true
		}
	}
	return false
}

// end is when the traffic of a topic ends.
func (p *plan) end(t *topicPlan) time.Duration {
	if t.again != nil {
		return t.again.at
	}
	return p.length
}

// remake deletes a topic that nobody writes to any more, and makes it again.
func (w *world) remake(t *topicPlan) {
	<-w.altered[t.name]
	o := w.operator()
	f := &former{}
	o.try("read all of", t.name, func() (err error) {
		if f.id, err = o.id(t.name); err == nil {
			var all map[string][]*kgo.Record
			all, err = w.tryRead(t.name)
			f.records = all[t.name]
		}
		return err
	})
	w.mu.Lock()
	w.former[t.name] = f
	w.mu.Unlock()
	o.delete(t.name)
	o.adm.Close()
	time.Sleep(t.again.away)
	o = w.operator()
	defer o.adm.Close()
	o.create(&t.again.topic)
	if t.again.topic.more > 0 {
		w.ending.Go(func() { w.grow(&t.again.topic) })
	}
}
