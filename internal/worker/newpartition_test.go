package worker_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

// A worker that delivered at least once has written a window beyond one that was
// refused, and was killed before it could commit. The topic gets a partition,
// which has no offset, and the next worker delivers exactly once: what is out is for the
// committed offsets to say, so that the refused window comes.
func TestNewPartitionBesideRepeatedWindows(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t", 1)
	v := b.schema("t", xField)
	x := b.record(v, map[string]any{"x": 1.0})
	for _, at := range []float64{0, 1} {
		b.send("t", 0, at, x)
	}
	wantKeys(t, b.exactly("t-aggregated"), "0:1", "1:1")

	beyond := b.records("t-aggregated", 2)[0]
	ms := base.UnixMilli()
	beyond.Key = bytes.Replace(beyond.Key, fmt.Append(nil, ms), fmt.Append(nil, ms+5000), 1)
	must(t, b.cl.ProduceSync(t.Context(), &kgo.Record{Topic: "t-aggregated", Key: beyond.Key, Value: beyond.Value, Headers: beyond.Headers}).FirstErr())

	_, err := b.adm.CreatePartitions(t.Context(), 1, "t")
	must(t, err)
	b.cl, err = kgo.NewClient(kgo.SeedBrokers(b.box.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner())) // which knows of it
	must(t, err)
	t.Cleanup(b.cl.Close)
	b.send("t", 0, 3, x)
	b.send("t", 0, 5, x)
	b.send("t", 1, 3.5, x)
	b.send("t", 1, 5.5, x)
	wantKeys(t, b.exactly("t-aggregated"), "0:1", "1:1", "0:1", "3:2", "5:2")
}
