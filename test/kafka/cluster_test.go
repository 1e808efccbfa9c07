//go:build e2e

package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

// A topic on the second broker has no leader when that one is killed or
// stopped, and all its records when it is back. Topics on the first one do not
// notice, and neither do groups and transactions.
func TestClusterWithABrokerAway(t *testing.T) {
	c := kafka.StartCluster(t, 2, kafka.Options{})
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("here"), kgo.MetadataMinAge(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for topic, on := range map[string]int{"here": 1, "there": 2} {
		if err := kafka.CreateTopic(t.Context(), client, topic, map[string]string{"retention.ms": "-1"}, on); err != nil {
			t.Fatal(err)
		}
	}
	write := func(topic string) {
		t.Helper()
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("v")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	}
	second := c.Broker(2)
	for _, end := range []func() error{second.Kill, second.Stop} {
		write("there")
		write("here")
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := kafka.WaitLeader(t.Context(), client, "there", 0, 0); err != nil {
			t.Fatal(err)
		}
		write("here")
		began := time.Now()
		if err := second.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := kafka.WaitLeader(t.Context(), client, "there", 0, 2); err != nil {
			t.Fatal(err)
		}
		t.Logf("it had its leader again %.1f s after the start", time.Since(began).Seconds())
	}
	for topic, want := range map[string]int{"here": 4, "there": 2} {
		if n := count(t, c.Addrs(), topic, want); n != want {
			t.Errorf("%s has %d records, want %d", topic, n, want)
		}
	}
}

// count reads the committed records of a topic until there are as many as are
// wanted.
func count(t *testing.T, addrs []string, topic string, want int) (n int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for n < want && ctx.Err() == nil {
		n += len(client.PollFetches(ctx).Records())
	}
	return n
}
