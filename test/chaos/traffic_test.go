//go:build chaos

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

const schema = `{"type":"record","name":"r","fields":[
	{"name":"x","type":"double"},{"name":"n","type":"long"},{"name":"f","type":["null","float"]}]}`

const grace = time.Second

// traffic writes records to all partitions until ctx ends. Most are out of
// order inside the grace; a few are late, no Avro, or have no value. It counts
// what the broker has taken.
type traffic struct {
	client *kgo.Client
	from   []*stack.Source
	rate   float64
	rng    *rand.Rand
	poison func(*kgo.Record) bool // makes a record bad in its own way; nil: none

	sent, late, bad, tombstones, poisoned int // of these, as they were meant

	mu  sync.Mutex
	err error
}

// partitions of a topic.
func partitions(topic string) int32 {
	if topic == wideTopic {
		return widePartitions
	}
	return 1
}

func (t *traffic) run(ctx context.Context) error {
	const tick = 50 * time.Millisecond
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	owed := map[string]float64{} // by partition: records due
	for {
		select {
		case <-ctx.Done():
			// What is buffered is written yet; the broker is there by now.
			if err := t.client.Flush(context.WithoutCancel(ctx)); err != nil {
				return err
			}
			t.mu.Lock()
			defer t.mu.Unlock()
			return t.err
		case <-ticker.C:
		}
		for _, f := range t.from {
			for p := range partitions(f.Topic) {
				key := fmt.Sprint(f.Topic, p)
				// Uneven: on the average the rate.
				for owed[key] += t.rate * tick.Seconds() * 2 * t.rng.Float64(); owed[key] >= 1; owed[key]-- {
					t.send(f, p)
				}
			}
		}
	}
}

// add adds what another one has sent.
func (t *traffic) add(o *traffic) {
	t.sent, t.late, t.bad, t.tombstones = t.sent+o.sent, t.late+o.late, t.bad+o.bad, t.tombstones+o.tombstones
}

func (t *traffic) send(f *stack.Source, partition int32) {
	value := map[string]any{"x": t.rng.NormFloat64(), "n": int64(t.rng.Uint64()), "f": nil}
	if t.rng.IntN(4) > 0 {
		value["f"] = t.rng.Float32()
	}
	at := time.Now().Add(-time.Duration(t.rng.Int64N(int64(grace) * 95 / 100)))
	r := f.Record(partition, at, value)
	switch n := t.rng.IntN(1000); {
	case t.poison != nil && t.poison(r):
		t.poisoned++
	case n < 4:
		t.late++
		r.Timestamp = at.Add(-grace - time.Second - time.Duration(t.rng.Int64N(int64(5*time.Second))))
	case n < 6:
		t.bad++
		r.Key, r.Value = fmt.Append(nil, "bad ", t.sent), slices.Concat(r.Value[:5], []byte{1, 2, 3})
	case n < 8:
		t.tombstones++
		r.Key, r.Value = []byte("gone"), nil
	}
	t.sent++
	t.client.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
		if err != nil {
			t.mu.Lock()
			t.err = err
			t.mu.Unlock()
		}
	})
}
