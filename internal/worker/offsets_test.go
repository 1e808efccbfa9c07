package worker_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// A worker that the group has removed is told so before it has written
// anything: who reads uncommitted records sees each window once.
func TestRemovedWorkerWritesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	removed := b.box.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.UnknownMemberID, Count: 3})
	for i := range 5 {
		b.send("t0", 0, float64(i), b.record(id, map[string]any{"x": 1.0}))
	}
	w := b.start()
	wantKeys(t, b.read("t0-aggregated", 5), "0:1", "1:1", "2:1", "3:1", "4:1")
	s := w.status("the windows", func(s status.Status) bool { return len(s.Topics) == 1 && s.Topics[0].Windows == 5 })
	if removed.Hits() != 3 || s.Aborts != 3 {
		t.Errorf("%d refused commits, %d aborts, want 3", removed.Hits(), s.Aborts)
	}
	if all, committed := b.countAt("t0-aggregated", false), b.count("t0-aggregated"); all != committed {
		t.Errorf("%d records in t0-aggregated, %d committed", all, committed)
	}
}

// The offsets of many partitions are committed in several requests, none of
// which is too large for the coordinator.
func TestOffsetsOfManyPartitions(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	const limit = 100_000 // of a coordinator that takes less than the default
	var largest, refused, requests atomic.Int64
	b.box.Cluster.Control(func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.box.Cluster.KeepControl()
		switch r := r.(type) {
		case *kmsg.TxnOffsetCommitRequest:
			size := 0
			for _, t := range r.Topics {
				for _, p := range t.Partitions {
					size += len(r.Group) + len(t.Topic) + len(*p.Metadata) + 60
				}
			}
			requests.Add(1)
			if size > limit {
				refused.Add(1)
				resp := r.ResponseKind().(*kmsg.TxnOffsetCommitResponse)
				for _, t := range r.Topics {
					rt := kmsg.NewTxnOffsetCommitResponseTopic()
					rt.Topic = t.Topic
					for _, p := range t.Partitions {
						rp := kmsg.NewTxnOffsetCommitResponseTopicPartition()
						rp.Partition, rp.ErrorCode = p.Partition, kerr.InvalidCommitOffsetSize.Code
						rt.Partitions = append(rt.Partitions, rp)
					}
					resp.Topics = append(resp.Topics, rt)
				}
				return resp, nil, true
			}
			largest.Store(max(largest.Load(), int64(size)))
		}
		return nil, nil, false
	})
	const topics, partitions = 3, 1000
	for i := range topics {
		b.topic(fmt.Sprint("t", i), partitions)
	}
	w := b.start()
	w.status("all partitions", func(s status.Status) bool { return len(s.Topics) == topics && s.Ready })
	for i := range topics {
		topic := fmt.Sprint("t", i)
		id := b.schema(topic, xField)
		b.send(topic, 7, 0, b.record(id, map[string]any{"x": 1.0}))
	}
	for i := range topics {
		wantKeys(t, b.read(fmt.Sprintf("t%d-aggregated", i), 1), "0:1")
	}
	s := w.status("all windows", func(s status.Status) bool {
		return s.Topics[0].Windows+s.Topics[1].Windows+s.Topics[2].Windows == topics
	})
	if s.Aborts != 0 || refused.Load() == 0 || largest.Load() == 0 || requests.Load() < topics*partitions*190/limit {
		t.Errorf("%d aborts; %d requests, %d refused, the largest other one %d bytes", s.Aborts, requests.Load(), refused.Load(), largest.Load())
	}
	offsets, err := b.adm.FetchOffsets(t.Context(), b.cfg.Worker.Group)
	must(t, err)
	for i := range topics {
		if n := len(offsets[fmt.Sprint("t", i)]); n != partitions {
			t.Errorf("offsets of %d partitions of t%d are committed, want %d", n, i, partitions)
		}
	}
	if !strings.Contains(w.logs.String(), "the brokers take fewer offsets at once") {
		t.Error("no word of the smaller requests")
	}
}
