//go:build synctests

package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
)

// produceAll starts the traffic of all topics; it ends with the plan's length.
func (w *world) produceAll() {
	plain := w.client(w.net.link("producer"), sourceOpts...)
	w.raw = w.client(w.net.link("odd producer"), kgo.MaxVersions(kversion.V3_0_0()))
	var plainUsers = make(chan struct{}, len(w.plan.topics))
	for i := range w.plan.topics {
		t := &w.plan.topics[i]
		w.producing.Go(func() {
			w.traffic(t, t.name, 100+i).run(plain)
			plainUsers <- struct{}{}
			if t.again != nil {
				w.remake(t)
				own := w.client(w.net.link("producer"), sourceOpts...) // which has not heard of the one before
				w.traffic(&t.again.topic, t.name+" again", 300+i).run(own)
				own.Close()
			}
		})
	}
	w.producing.Go(func() {
		for range w.plan.topics {
			<-plainUsers
		}
		_ = plain.Flush(context.Background())
		plain.Close()
	})
}

var sourceOpts = []kgo.Opt{kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.RetryTimeout(time.Hour)}

// traffic makes the records of a topic.
type traffic struct {
	*world
	*topicPlan
	source  string        // beginning of the records' keys
	end     time.Duration // when it ends
	rng     *rand.Rand
	oddly   *rand.Rand   // decides on what is odd
	ticks   *rand.Rand   // decides on whose clock it is
	stamps  *rand.Rand   // decides on where the time of a record is
	frames  *rand.Rand   // decides on framings
	clock   *sourceClock // which it is; nil: one that is right
	row     int          // records that it stamps still
	schemas [2]*generator
	seq     int
	held    []*kgo.Record // until they are uploaded
	upload  time.Duration // when that is
	flying  sync.WaitGroup
}

// traffic is that of a topic. It draws from four random streams.
func (w *world) traffic(t *topicPlan, source string, stream int) *traffic {
	return &traffic{
		world: w, topicPlan: t, source: source, end: w.plan.end(t), schemas: w.families[t.family],
		rng: rand.New(rand.NewPCG(w.plan.seed, uint64(stream))), oddly: rand.New(rand.NewPCG(w.plan.seed, uint64(stream+100))),
		ticks: rand.New(rand.NewPCG(w.plan.seed, uint64(stream+400))), stamps: rand.New(rand.NewPCG(w.plan.seed, uint64(stream+600))),
		frames: rand.New(rand.NewPCG(w.plan.seed, uint64(stream+700))),
	}
}

// run returns when it is known of all records what became of them.
func (t *traffic) run(plain *kgo.Client) {
	if t.transactional {
		t.transactions()
	} else {
		t.stream(plain)
	}
	t.flying.Wait()
}

func (t *traffic) pause() { time.Sleep(between(t.rng, t.period/2, t.period*3/2)) }

func (t *traffic) stream(cl *kgo.Client) {
	for t.since() < t.end {
		t.send(cl)
		t.pause()
	}
	t.uploadHeld(cl)
}

// transactions writes in transactions of a few records, some of which are
// aborted. After an error it starts again with a new client.
func (t *traffic) transactions() {
	for t.since() < t.end {
		cl := t.client(t.net.link("producer of "+t.name), append([]kgo.Opt{kgo.TransactionalID("source-" + t.name), kgo.TransactionTimeout(10 * time.Second)}, sourceOpts...)...)
		for err := error(nil); err == nil && t.since() < t.end; {
			if err = cl.BeginTransaction(); err != nil {
				break
			}
			for range 1 + t.rng.IntN(4) {
				t.send(cl)
				t.pause()
			}
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			if err = cl.Flush(ctx); err == nil {
				err = cl.EndTransaction(ctx, kgo.TransactionEndTry(t.rng.IntN(10) < 7))
			}
			cancel()
			if err != nil {
				t.event("transaction of %s: %v", t.name, err)
			}
		}
		cl.CloseAllowingRebalance()
	}
	// A transaction that is left open holds up its readers; whoever comes
	// next with its id ends it.
	cl := t.client(t.net.link("producer of "+t.name), kgo.TransactionalID("source-"+t.name))
	defer cl.Close()
	for {
		if _, _, err := cl.ProducerID(context.Background()); err == nil {
			return
		}
		time.Sleep(time.Second)
	}
}

// send writes the next record of the topic, if its partition is not silent.
func (t *traffic) send(cl *kgo.Client) {
	partition := t.rng.IntN(t.all())
	at := t.since()
	if t.silent(partition, at) {
		return
	}
	t.seq++
	key := fmt.Sprintf("%s/%d/%d", t.source, partition, t.seq)
	r := &kgo.Record{
		Topic: t.name, Partition: int32(partition), Key: []byte(key), Timestamp: t.time(partition),
		Headers: []kgo.RecordHeader{{Key: "n", Value: []byte(key)}},
	}
	schema := t.schemas[0]
	if at > t.change {
		schema = t.schemas[1]
	}
	event := r.Timestamp
	switch {
	case t.chance(t.tombstone):
	case t.chance(t.bad):
		r.Value, r.Timestamp = t.stamp(schema.record(t.rng), event)
		r.Value = t.spoil(r.Value)
	default:
		r.Value, r.Timestamp = t.stamp(schema.record(t.rng), event)
	}
	t.disfigure(r)
	t.reframe(r)
	switch ms, ok := t.misstamp(); {
	case ok:
		t.sendRaw(r, ms)
	case t.topicPlan.upload > 0:
		t.held = append(t.held, r)
		if at >= t.upload {
			t.uploadHeld(cl)
			t.upload = at + t.topicPlan.upload
		}
	default:
		t.produce(cl, r)
	}
}

// uploadHeld sends the records that were collected, in order.
func (t *traffic) uploadHeld(cl *kgo.Client) {
	for _, r := range t.held {
		t.produce(cl, r)
	}
	t.held = t.held[:0]
}

func (t *traffic) produce(cl *kgo.Client, r *kgo.Record) {
	s := t.sending(r)
	t.flying.Add(1)
	cl.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
		defer t.flying.Done()
		t.arrived(r, s, err)
	})
}

// sending notes that a record is sent.
func (t *traffic) sending(r *kgo.Record) *sending {
	s := &sending{sent: time.Now()}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent[string(r.Key)] = s
	return s
}

// arrived notes what became of it.
func (t *traffic) arrived(r *kgo.Record, s *sending, err error) {
	if err != nil {
		t.event("input %.40s: %v", r.Key, err)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s.acked = time.Now()
}

func (t *traffic) chance(p float64) bool { return t.rng.Float64() < p }

// time is an event time.
func (t *traffic) time(partition int) time.Time {
	now := time.Now().Add(t.wrong() - t.lag[partition])
	if t.speed > 1 {
		now = now.Add(-time.Hour + time.Duration(t.speed-1)*t.since())
	}
	switch {
	case t.chance(t.late):
		return now.Add(-between(t.rng, 0, t.plan.grace+3*t.plan.size))
	case t.chance(t.ahead):
		return now.Add(between(t.rng, 0, 3*time.Second))
	case t.chance(t.future):
		return time.Now().Add(futureStep)
	}
	return now.Add(-between(t.rng, 0, t.jitter))
}

// spoil makes a record that cannot be read.
func (t *traffic) spoil(b []byte) []byte {
	switch t.rng.IntN(4) {
	case 0:
		return b[:t.rng.IntN(5)] // no whole header
	case 1:
		b[0] = 7
		return b
	case 2:
		b[2] = unknown >> 16
		return b
	}
	return b[:5+(len(b)-5)/2]
}
