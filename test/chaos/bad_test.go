//go:build chaos

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// With BAD there are topics among the others of which something is wrong all
// the time. The others must not notice.
const (
	leaderlessTopic = "chaos-leaderless" // on the second broker, which is mostly away
	poisonedTopic   = "chaos-poisoned"   // with bad records that the dead-letter topic does not take as they are
	refusedTopic    = "chaos-refused"    // whose aggregated topic takes no result
	badTopics       = "chaos-(leaderless|poisoned|refused)"
	// letterLimit is what the dead-letter topic takes; it takes no record without
	// a key either.
	letterLimit = 65536
)

// bad are the bad topics and what happens to them.
type bad struct {
	cluster    *kafka.Cluster
	adm        *kadm.Client
	rng        *rand.Rand
	leaderless *traffic
	poisoned   *traffic
	phases     int // in which the second broker was there
}

// createAll makes all topics, the sources and those made from them, on the
// first broker, but for the one that is to have no leader. Those that workers
// would make themselves might get to the second one.
func createAll(t *testing.T, s *stack.Stack, topics []string) {
	t.Helper()
	create := func(topic string, settings map[string]string, on ...int) {
		t.Helper()
		must(t, kafka.CreateTopic(t.Context(), s.Client, topic, settings, on...))
	}
	for _, topic := range append(slices.Clone(topics), poisonedTopic) {
		on := make([]int, partitions(topic))
		for i := range on {
			on[i] = 1
		}
		create(topic, nil, on...)
		create(topic+"-aggregated", nil, 1)
	}
	create(lateTopic, nil, 1)
	create(deadLetters, map[string]string{"max.message.bytes": fmt.Sprint(letterLimit), "cleanup.policy": "compact"}, 1)
	create(leaderlessTopic, nil, 2)
	create(leaderlessTopic+"-aggregated", nil, 1)
	create(refusedTopic, nil, 1)
	create(refusedTopic+"-aggregated", map[string]string{"max.message.bytes": "100"}, 1)
}

// newBad stops the second broker, in good order, so that nothing is given to it.
func newBad(t *testing.T, s *stack.Stack, cluster *kafka.Cluster, set settings) *bad {
	t.Helper()
	b := &bad{cluster: cluster, adm: kadm.NewClient(s.Client), rng: rand.New(rand.NewPCG(set.seed, 3))}
	source := func(topic string) *stack.Source { return s.Source(topic, schema) }
	own, err := kgo.NewClient(s.Opts(kgo.RecordPartitioner(kgo.ManualPartitioner()))...) // is flushed before the broker goes
	must(t, err)
	t.Cleanup(own.Close)
	b.leaderless = &traffic{client: own, rate: set.rate, rng: rand.New(rand.NewPCG(set.seed, 4)), from: []*stack.Source{source(leaderlessTopic)}}
	b.poisoned = &traffic{
		client: s.Client, rate: set.rate, rng: rand.New(rand.NewPCG(set.seed, 5)),
		from: []*stack.Source{source(poisonedTopic), source(refusedTopic)}, poison: b.poison,
	}
	must(t, cluster.Broker(2).Stop())
	return b
}

// poison makes one of a hundred records bad, in a way that a letter does not fit
// its topic.
func (b *bad) poison(r *kgo.Record) bool {
	n := b.rng.IntN(200)
	if n > 1 || r.Topic != poisonedTopic {
		return false
	}
	r.Value, r.Key = []byte{1, 2, 3}, nil
	if n == 0 {
		r.Key = make([]byte, 2*letterLimit)
		for i := range r.Key {
			r.Key[i] = byte(b.rng.Uint32())
		}
	}
	return true
}

// run lets the second broker come for some seconds now and then, and writes to
// its topic while it is there. In the end it is there to stay.
func (b *bad) run(ctx context.Context) error {
	poisoned := make(chan error, 1)
	go func() { poisoned <- b.poisoned.run(ctx) }()
	err := b.comeAndGo(ctx)
	return errors.Join(err, <-poisoned)
}

func (b *bad) comeAndGo(ctx context.Context) error {
	second := b.cluster.Broker(2)
	// What the workers make for the topic that is split must be made before.
	for made := false; !made && ctx.Err() == nil; {
		pause(ctx, time.Second)
		topics, err := b.adm.ListTopics(ctx, partialsTopic)
		made = err == nil && topics.Has(partialsTopic)
	}
	for {
		pause(ctx, time.Duration(15+b.rng.IntN(20))*time.Second)
		if err := second.Restart(context.WithoutCancel(ctx)); err != nil {
			return fmt.Errorf("second broker: %w", err)
		}
		b.phases++
		writing, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(3+b.rng.IntN(4))*time.Second)
		err := b.leaderless.run(writing)
		stop()
		if err != nil || ctx.Err() != nil {
			return err
		}
		if err := second.Kill(); err != nil {
			return fmt.Errorf("second broker: %w", err)
		}
	}
}

// pause waits, for no longer than ctx lasts.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// report says what became of the poisoned topics, of which nothing is judged but
// that the first one moves.
func (b *bad) report(t *testing.T, s *stack.Stack) {
	t.Helper()
	letters := map[string]int{}
	for _, r := range s.ReadAll(deadLetters) {
		for _, h := range r.Headers {
			if h.Key == "topic" {
				letters[string(h.Value)]++
				break
			}
		}
	}
	windows, refused := len(s.ReadAll(poisonedTopic+"-aggregated")), len(s.ReadAll(refusedTopic+"-aggregated"))
	t.Logf("%s: %d bad records, %d letters, %d windows; %s: %d windows; %s: %d records while the broker was there, %d times",
		poisonedTopic, b.poisoned.poisoned, letters[poisonedTopic], windows, refusedTopic, refused, leaderlessTopic, b.leaderless.sent, b.phases)
	if windows == 0 {
		t.Errorf("no window of %s came out", poisonedTopic)
	}
	if refused > 0 {
		t.Errorf("%d windows of %s are in a topic that refuses them", refused, refusedTopic)
	}
}
