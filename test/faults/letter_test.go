//go:build e2e

package faults

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// held is how long a topic may be held up whose letters are refused: they are
// tried again in smaller forms, and given up at last.
const held = 90 * time.Second

// smallKey is that of records of the other topic that are set aside.
const smallKey = "a key"

// refusal is a way in which a topic for records that are set aside does not
// take one.
type refusal struct {
	name  string
	spoil func(r *kgo.Record)      // what makes the record hard to pass on
	topic func(p *place, t string) // what is done to the topic beforehand
	later func(p *place, t string) // and what while the worker runs
	fits  bool                     // in a smaller form it is taken
	never bool                     // the topic takes none, not even one with a key of a few bytes
}

// noise does not get smaller by compression.
func noise(n int) []byte {
	rng := rand.New(rand.NewPCG(uint64(n), 53))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

var refusals = []refusal{
	{name: "key of 1.1 MB", fits: true, spoil: func(r *kgo.Record) { r.Key = noise(1_100_000) }},
	{name: "header of 2 MB", fits: true, spoil: func(r *kgo.Record) {
		r.Headers = []kgo.RecordHeader{{Key: "large", Value: noise(2_000_000)}}
	}},
	{name: "12000 headers", fits: true, spoil: func(r *kgo.Record) {
		for i := range 12_000 {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: fmt.Sprint("header-", i), Value: noise(100 + i%2)})
		}
	}},
	{name: "key of 200 KB and more", fits: true, spoil: func(r *kgo.Record) {
		r.Key = noise(200_000)
		if r.Value[0] != 0 { // it is bad anyway
			r.Value = append([]byte{1}, noise(950_000)...)
			return
		}
		r.Headers = []kgo.RecordHeader{{Key: "large", Value: noise(950_000)}}
	}},
	{name: "topic takes 2 KB", fits: true, spoil: func(r *kgo.Record) { r.Key = noise(5_000) },
		topic: func(p *place, t string) { p.set(t, "max.message.bytes", "2048") }},
	{name: "no right to write", never: true, topic: func(p *place, t string) { p.deny(t) }},
	{name: "topic deleted", never: true, later: func(p *place, t string) {
		_, err := p.adm.DeleteTopic(p.t.Context(), t)
		must(p.t, err)
	}},
	{name: "topic refuses records without a key", topic: func(p *place, t string) { p.set(t, "cleanup.policy", "compact") }},
}

// deny takes the right to write to a topic away from everybody.
func (p *place) deny(topic string) {
	p.t.Helper()
	for _, b := range []*kadm.ACLBuilder{
		kadm.NewACLs().Allow("User:*").AllowHosts("*").Operations(kmsg.ACLOperationAll),
		kadm.NewACLs().Deny("User:*").DenyHosts("*").Operations(kmsg.ACLOperationWrite),
	} {
		made, err := p.adm.CreateACLs(p.t.Context(), b.Topics(topic).ResourcePatternType(kmsg.ACLResourcePatternTypeLiteral))
		must(p.t, err)
		for _, m := range made {
			must(p.t, m.Err)
		}
	}
}

// Bad records do not fit into the dead-letter topic, or it does not take them.
// That is the trouble of their topic alone, and passes: the letter is made
// smaller, or given up. Each bad record is counted, no session starts again. A
// letter of another topic, which is written at the same time, is taken.
func TestF53LetterRefused(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := onKafka(t)
			c.run(p, p.cfg.DeadLetterTopic, func(at float64) *kgo.Record {
				return &kgo.Record{Timestamp: p.base.Add(time.Duration(at * 1e9)), Value: []byte{1, 2, 3, 4, 5, 6}}
			})
		})
	}
}

// The same with late records and their topic.
func TestF53LateRecordRefused(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := onKafka(t)
			late := p.topic + "-late"
			p.cfg.Aggregations[0].Late = config.Late{Policy: "topic", Topic: late}
			c.run(p, late, func(float64) *kgo.Record {
				return &kgo.Record{Timestamp: p.base.Add(-time.Hour), Value: p.value(1)}
			})
		})
	}
}

// run has a worker read good records, with some among them that are to be set
// aside into a topic that refuses them, and another source topic beside, of
// which it takes them.
func (c refusal) run(p *place, topic string, aside func(at float64) *kgo.Record) {
	p.t.Helper()
	p.create(1, "max.message.bytes", "10485760")
	good := p.beside("good")
	good.create(1)
	r, err := p.adm.CreateTopic(p.t.Context(), 1, 1, nil, topic)
	must(p.t, err)
	must(p.t, r.Err)
	if c.topic != nil {
		c.topic(p, topic)
	}
	w := p.start()
	good.fill(0, 0, 2)
	p.fill(0, 0, 2)
	w.status("all read", func(s status) bool { return p.position(s, 0) == 20 && good.position(s, 0) == 20 })
	if c.later != nil {
		c.later(p, topic)
	}
	for _, second := range []float64{2, 5} { // the second time it is known already
		p.fill(0, second, second+0.5)
		good.fill(0, second, second+0.5)
		for i := range 2 {
			at := second + 0.5 + float64(i)/100
			small, large := aside(at), aside(at)
			small.Topic, small.Key = good.topic, []byte(smallKey)
			large.Topic = p.topic
			if c.spoil != nil {
				c.spoil(large)
			}
			must(p.t, p.cl.ProduceSync(p.t.Context(), small, large).FirstErr())
		}
		p.fill(0, second+0.5, second+3)
		good.fill(0, second+0.5, second+3)
		took := good.reach(int(second)+1, patience, w)
		p.t.Logf("the other topic's windows were out after %.2f s", took.Seconds())
	}
	p.t.Logf("its own windows were out after %.2f s", p.reach(6, held, w).Seconds())
	both := []*place{p, good}
	for _, q := range both {
		s := w.status("all read and counted", func(s status) bool {
			return q.position(s, 0) == 84 && q.of(s).Late+q.of(s).DeadLettered >= 4
		})
		if t := q.of(s); t.Late+t.DeadLettered != 4 {
			p.t.Errorf("%s: %d late and %d bad records are counted, want 4 in all", q.topic, t.Late, t.DeadLettered)
		}
	}
	if s := w.Status(); s.Sessions != 1 || s.Aborts > 4 {
		p.t.Errorf("%d sessions, %d transactions that were not committed", s.Sessions, s.Aborts)
	}
	w.end()
	end := p.finish()
	for _, q := range both {
		q.compare(q.rows())
		if n := q.of(end).Late + q.of(end).DeadLettered; n > 0 {
			p.t.Errorf("%s: %d more were set aside at the end", q.topic, n)
		}
	}
	if !c.never {
		c.written(p, topic, good)
	}
}

// written looks at what the topic has taken: all of the other source, whole, and
// of this one what was made to fit.
func (c refusal) written(p *place, topic string, good *place) {
	p.t.Helper()
	found := map[string]int{}
	for _, l := range p.read(topic) {
		r := row{Record: l}
		if r.header("topic") == p.topic {
			p.t.Logf("offset %s: key of %d bytes, value of %d, %d headers", r.header("offset"), len(l.Key), len(l.Value), len(l.Headers))
		}
		if r.header("partition") != "0" || r.header("offset") == "" {
			p.t.Errorf("a letter does not say where it comes from")
		}
		if r.header("topic") == good.topic && (string(l.Key) != smallKey || len(l.Value) == 0 || r.header("truncated_from") != "") {
			p.t.Errorf("a letter of %s has lost something: key %q, value of %d bytes", good.topic, l.Key, len(l.Value))
		}
		found[r.header("topic")]++
	}
	if n := found[p.topic]; c.fits && n != 4 {
		p.t.Errorf("%d records of %s are in the topic %s, want 4", n, p.topic, topic)
	}
	if n := found[good.topic]; n != 4 {
		p.t.Errorf("%d records of %s are in the topic %s, want 4: they are small and have keys", n, good.topic, topic)
	}
}
