//go:build e2e

package kafka_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

func TestBrokerKeepsItsDataThroughKillAndStop(t *testing.T) {
	b := kafka.Start(t, nil)
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr), kgo.ConsumeTopics("t"), kgo.DefaultProduceTopic("t"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	for i, end := range []func() error{b.Kill, b.Stop, nil} {
		if err := client.ProduceSync(t.Context(), kgo.StringRecord("v")).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if end == nil {
			break
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := b.Restart(t.Context()); err != nil {
			t.Fatalf("restart %d: %v", i, err)
		}
	}
	for n := 0; n < 3; {
		n += len(client.PollFetches(t.Context()).Records())
	}
}

func TestBrokerThatCannotStartSaysWhy(t *testing.T) {
	_, err := kafka.Launch(t.Context(), kafka.Options{Dir: t.TempDir(), Settings: map[string]string{"process.roles": "nonsense"}})
	if err == nil {
		t.Fatal("started with nonsense in its settings")
	}
	t.Log(err)
}
