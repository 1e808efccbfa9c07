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

// refusal is a way in which a topic for records that are set aside does not
// take one.
type refusal struct {
	name  string
	spoil func(r *kgo.Record)      // what makes the record hard to pass on
	topic func(p *place, t string) // what is done to the topic beforehand
	later func(p *place, t string) // and what while the worker runs
	fits  bool                     // in a smaller form it is taken
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
	{name: "no right to write", topic: func(p *place, t string) { p.deny(t) }},
	{name: "topic deleted", later: func(p *place, t string) {
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
// smaller, or given up. Each bad record is counted, no session starts again.
func TestF53LetterRefused(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := onKafka(t)
			bad := func(at float64) *kgo.Record {
				return &kgo.Record{Topic: p.topic, Timestamp: p.base.Add(time.Duration(at * 1e9)), Value: []byte{1, 2, 3, 4, 5, 6}}
			}
			s := c.run(p, p.cfg.DeadLetterTopic, bad)
			if n := p.of(s).DeadLettered; n != 4 {
				t.Errorf("%d bad records counted, want 4", n)
			}
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
			old := func(float64) *kgo.Record {
				return &kgo.Record{Topic: p.topic, Timestamp: p.base.Add(-time.Hour), Value: p.value(1)}
			}
			s := c.run(p, late, old)
			if n := p.of(s).Late; n != 4 {
				t.Errorf("%d late records counted, want 4", n)
			}
		})
	}
}

// run has a worker read good records, with some among them that are to be set
// aside into a topic that refuses them, and another source topic beside.
func (c refusal) run(p *place, topic string, aside func(at float64) *kgo.Record) status {
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
	written := int64(20)
	for _, second := range []float64{2, 5} { // the second time it is known already
		p.fill(0, second, second+0.5)
		for i := range 2 {
			r := aside(second + 0.5 + float64(i)/100)
			if c.spoil != nil {
				c.spoil(r)
			}
			must(p.t, p.cl.ProduceSync(p.t.Context(), r).FirstErr())
		}
		p.fill(0, second+0.5, second+3)
		written += 32
		good.fill(0, second, second+3)
		took := good.reach(int(second)+1, patience, w)
		p.t.Logf("the other topic's windows were out after %.2f s", took.Seconds())
	}
	p.t.Logf("its own windows were out after %.2f s", p.reach(6, held, w).Seconds())
	s := w.status("all read and counted", func(s status) bool {
		return p.position(s, 0) == written && p.of(s).Late+p.of(s).DeadLettered >= 4
	})
	if s.Sessions != 1 || s.Aborts > 4 {
		p.t.Errorf("%d sessions, %d transactions that were not committed", s.Sessions, s.Aborts)
	}
	w.end()
	end := p.finish()
	p.compare(p.rows())
	good.compare(good.rows())
	for _, t := range []*place{p, good} {
		if n := t.of(end).Late + t.of(end).DeadLettered; n > 0 {
			p.t.Errorf("%s: %d more were set aside at the end", t.topic, n)
		}
	}
	if c.fits {
		letters := p.read(topic)
		if len(letters) != 4 {
			p.t.Errorf("%d records in the topic %s, want 4", len(letters), topic)
		}
		for _, l := range letters {
			r := row{Record: l}
			p.t.Logf("offset %s: key of %d bytes, value of %d, %d headers", r.header("offset"), len(l.Key), len(l.Value), len(l.Headers))
			if r.header("topic") != p.topic || r.header("partition") != "0" || r.header("offset") == "" {
				p.t.Errorf("a letter does not say where it comes from")
			}
		}
	}
	return s
}
