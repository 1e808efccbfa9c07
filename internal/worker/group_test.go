package worker_test

import (
	"context"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// Another program has a consumer in the group. The worker says so, and goes on
// when that is gone.
func TestGroupOfAnotherProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	joined := make(chan struct{})
	other, err := kgo.NewClient(kgo.SeedBrokers(b.box.Brokers...), kgo.ConsumerGroup(b.cfg.Worker.Group), kgo.ConsumeTopics("t0"), kgo.Balancers(kgo.RoundRobinBalancer()),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { close(joined) }))
	must(t, err)
	defer other.Close()
	<-joined
	w := b.start()
	s := w.status("a reason", func(s status.Status) bool { return strings.HasPrefix(s.Reason, "out of the group") })
	s = w.status("a name", func(s status.Status) bool {
		return strings.Contains(s.Reason, `in it, with the protocol "roundrobin": kgo at `)
	})
	for _, want := range []string{b.cfg.Worker.Group, "INCONSISTENT_GROUP_PROTOCOL", "set worker.group to a name that nobody else uses"} {
		if !strings.Contains(s.Reason, want) {
			t.Errorf("the reason lacks %q: %s", want, s.Reason)
		}
	}
	other.Close()
	w.status("ready", func(s status.Status) bool { return s.Ready && len(s.Topics) == 1 })
}

// A worker that the group has no topic for stands by. It does its work, so it
// is ready; and with --stop-at-end it ends when the others are at the end.
func TestWorkerWithoutTopics(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	b.send("t0", 0, 0, b.record(id, map[string]any{"x": 1.0}))
	w := b.start()
	w.status("the topic", func(s status.Status) bool { return len(s.Topics) == 1 && s.Ready })
	standby := b.start()
	standby.status("ready", func(s status.Status) bool { return s.Ready && len(s.Topics) == 0 })
	wantKeys(t, b.read("t0-aggregated", 1), "0:1")
	last := b.start(func(o *worker.Options) { o.StopAtEnd = true })
	err := <-last.done
	last.done <- err
	must(t, err)
}

// A member with the protocol of KIP-848 gets the broker to share topics out. The
// worker says who it is and stays out of the group. (The embedded broker lets no
// such member into a group of workers, nor workers into one that such a member
// has left; a real one does both.)
func TestForeignMemberOfNewProtocol(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 2)
	joined := make(chan struct{}, 10)
	other, err := kgo.NewClient(kgo.SeedBrokers(b.box.Brokers...), kgo.ClientID("somebody"), kgo.ConsumerGroup(b.cfg.Worker.Group), kgo.ConsumeTopics("t0"), kgo.ServerSideBalancer(),
		kgo.DisableAutoCommit(), kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { joined <- struct{}{} }))
	must(t, err)
	defer other.Close()
	<-joined
	w := b.start()
	s := w.status("a reason", func(s status.Status) bool { return strings.Contains(s.Reason, "members of another program") })
	for _, want := range []string{"somebody at ", b.cfg.Worker.Group, "set worker.group"} {
		if !strings.Contains(s.Reason, want) {
			t.Errorf("the reason lacks %q: %s", want, s.Reason)
		}
	}
}
