package brokers_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/brokers"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ask is what is asked on a cluster of its own.
func ask(t *testing.T, create bool) *brokers.Brokers {
	t.Helper()
	box, err := sandbox.Start(sandbox.Options{})
	must(t, err)
	t.Cleanup(box.Close)
	b, err := brokers.New(brokers.Options{Client: []kgo.Opt{kgo.SeedBrokers(box.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, Group: "g", CreateTopics: create, ExactlyOnce: true})
	must(t, err)
	t.Cleanup(b.Close)
	return b
}

func TestEnsure(t *testing.T) {
	t.Parallel()
	b := ask(t, true)
	for range 2 { // it is there the second time
		must(t, b.EnsureTopic(t.Context(), "t", 3))
	}
	d, err := b.Describe(t.Context(), "t", "other")
	must(t, err)
	if len(d["t"].Partitions) != 3 || d["other"].Err == nil {
		t.Errorf("%+v", d)
	}
	b = ask(t, false)
	if err := b.EnsureTopic(t.Context(), "t", 1); err == nil || err.Error() != "topic t does not exist and worker.create_topics is false: create it" {
		t.Error(err)
	}
}

// What is found out of a topic before its partitions are read: one has an offset
// and the other none, and a window is out.
func TestGather(t *testing.T) {
	t.Parallel()
	b := ask(t, true)
	must(t, b.EnsureTopic(t.Context(), "t", 2))
	must(t, b.EnsureTopic(t.Context(), "t-aggregated", 1))
	for range 3 {
		must(t, b.Client.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Partition: 1, Value: []byte("x")}).FirstErr())
	}
	must(t, b.Client.ProduceSync(t.Context(), &kgo.Record{
		Topic: "t-aggregated", Key: agent.Key("t", "", 4e9, 1e9), Value: []byte("x"),
		Headers: []kgo.RecordHeader{{Key: "source_topic", Value: []byte("t")}, {Key: "source_offsets", Value: []byte("1:0-1/2")}},
	}).FirstErr())
	c := agent.Fresh(0)
	c.Final = 5e9
	must(t, commit(t, b, kadm.Offset{Topic: "t", Partition: 1, At: 2, LeaderEpoch: -1, Metadata: c.Encode()}))

	offsets, err := b.Committed(t.Context(), map[string][]int32{"t": {0, 1}})
	must(t, err)
	if zero, one := offsets["t"][0], offsets["t"][1]; zero.At != -1 || zero.Err != nil || one.At != 2 || one.Metadata != c.Encode() {
		t.Errorf("offsets %+v, %+v", zero, one)
	}
	f := b.Gather(t.Context(), map[string]brokers.Question{
		"t":    {Source: "t", Into: []string{"t-aggregated"}, Fresh: true, Shared: true},
		"gone": {Source: "gone", Into: []string{"gone-aggregated"}, Fresh: true},
	})
	got := f["t"]
	if got.Err != nil || got.Partitions != 2 || got.Bounds[0] != (brokers.Bound{}) || got.Bounds[1] != (brokers.Bound{End: 3}) || !got.PartlyCommitted {
		t.Errorf("%+v", got)
	}
	if o := got.Frontier; o == nil || o.Final != 5e9 || o.Heads[1] != 2 {
		t.Errorf("frontier %+v", o)
	}
	if f["gone"].Err == nil || !strings.Contains(f["gone"].Err.Error(), "UNKNOWN_TOPIC_OR_PARTITION") || f["gone"].Frontier != nil {
		t.Errorf("%+v", f["gone"])
	}
}

func commit(t *testing.T, b *brokers.Brokers, o kadm.Offset) error {
	t.Helper()
	offsets := kadm.Offsets{}
	offsets.Add(o)
	return b.Admin.CommitAllOffsets(t.Context(), "g", offsets)
}

// A topic is partly committed if windows are final by some of its partitions, and
// others were never committed.
func TestPartlyCommitted(t *testing.T) {
	final := agent.Fresh(0)
	final.Final = 1
	fresh := agent.Fresh(0)
	if fresh.Final != window.Unset {
		t.Fatal("a fresh checkpoint knows of windows that are out")
	}
	for _, c := range []struct {
		name string
		meta []string // "": not committed
		want bool
	}{
		{"none", []string{"", ""}, false},
		{"all", []string{final.Encode(), final.Encode()}, false},
		{"one, nothing final", []string{fresh.Encode(), ""}, false},
		{"one, windows final", []string{"", final.Encode()}, true},
		{"another program's", []string{"", "mine"}, false},
	} {
		offsets := kadm.OffsetResponses{}
		for id, meta := range c.meta {
			at := int64(5)
			if meta == "" {
				at = -1
			}
			offsets.Add(kadm.OffsetResponse{Offset: kadm.Offset{Topic: "t", Partition: int32(id), At: at, Metadata: meta}})
		}
		if got := brokers.PartlyCommitted(offsets, "t", 2); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
