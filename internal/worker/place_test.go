package worker_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// leaderless takes the leader of a partition away, as far as clients can tell.
func (b *bench) leaderless(topic string, partition int32) *kfake.FaultHandle {
	return b.box.Cluster.Fault(
		kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets, kmsg.Fetch}, Topic: topic, Partitions: []int32{partition}, Err: kerr.NotLeaderForPartition, Count: -1},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: topic, Partitions: []int32{partition}, Err: kerr.LeaderNotAvailable, Count: -1},
	)
}

// A partition has no leader when a worker starts: its topic waits, and is named;
// others go on. When the leader is back, nothing is missing.
func TestPartitionWithoutLeaderAtStart(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 2)
	b.topic("t1", 1)
	v0, v1 := b.schema("t0", xField), b.schema("t1", xField)
	for i := range 20 {
		b.send("t0", int32(i%2), float64(i)/10, b.record(v0, map[string]any{"x": 1.0}))
		b.send("t1", 0, float64(i)/10, b.record(v1, map[string]any{"x": 1.0}))
	}
	away := b.leaderless("t0", 1)
	w := b.start()
	wantKeys(t, b.read("t1-aggregated", 2), "0:10", "1:10") // the last one by the clock
	s := w.status("a problem", func(s status.Status) bool {
		return len(s.Topics) == 2 && strings.Contains(s.Topics[0].Problem(), "partition 1 cannot be read: ")
	})
	if s.Ready || !strings.Contains(s.Reason, "topic t0") || s.Topics[0].Windows != 0 || s.Topics[1].Problem() != "" || s.Topics[0].Phase != "placing" || s.Topics[1].Phase != "running" {
		t.Errorf("status %+v", s)
	}
	t.Log(s.Reason)
	away.Remove()
	wantKeys(t, b.read("t0-aggregated", 2), "0:10", "1:10")
	if s := w.status("ready", func(s status.Status) bool { return s.Ready }); s.Sessions != 1 || s.Topics[0].Late != 0 {
		t.Errorf("status %+v", s)
	}
}

// A partition loses its leader while a worker runs: the last windows of other
// topics come when they fall silent.
func TestPartitionWithoutLeaderWhileRunning(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 2)
	b.topic("t1", 1)
	v0, v1 := b.schema("t0", xField), b.schema("t1", xField)
	w := b.start()
	for i := range 20 {
		b.send("t0", int32(i%2), float64(i)/10, b.record(v0, map[string]any{"x": 1.0}))
	}
	wantKeys(t, b.read("t0-aggregated", 2), "0:10", "1:10")
	w.status("both topics", func(s status.Status) bool { return len(s.Topics) == 2 && s.Ready })
	b.send("t0", 0, 3, b.record(v0, map[string]any{"x": 1.0})) // keeps a window open
	away := b.leaderless("t0", 0)
	for i := range 20 {
		b.send("t1", 0, float64(i)/10, b.record(v1, map[string]any{"x": 1.0}))
	}
	wantKeys(t, b.read("t1-aggregated", 2), "0:10", "1:10")
	s := w.status("a problem", func(s status.Status) bool { return strings.Contains(s.Topics[0].Problem(), "have no leader") })
	if s.Ready || s.Topics[1].Problem() != "" {
		t.Errorf("status %+v", s)
	}
	away.Remove()
	wantKeys(t, b.read("t0-aggregated", 3), "0:10", "1:10", "3:1")
	if s := w.status("ready", func(s status.Status) bool { return s.Ready }); s.Sessions != 1 {
		t.Errorf("%d sessions", s.Sessions)
	}
}

// A log begins behind where a worker reads: its topic starts over, the others
// do not notice.
func TestOffsetOutOfRange(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	b.topic("t1", 1)
	v0 := b.schema("t0", xField)
	w := b.start()
	w.status("both topics", func(s status.Status) bool { return len(s.Topics) == 2 && s.Ready })
	f := b.box.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "t0", Err: kerr.OffsetOutOfRange, Count: 2})
	for i := range 20 {
		b.send("t0", 0, float64(i)/10, b.record(v0, map[string]any{"x": 1.0}))
	}
	wantKeys(t, b.read("t0-aggregated", 2), "0:10", "1:10")
	s := w.status("ready", func(s status.Status) bool { return s.Ready && s.Topics[0].Windows == 2 })
	if s.Sessions != 1 || f.Hits() == 0 {
		t.Errorf("%d sessions, %d hits", s.Sessions, f.Hits())
	}
}

// A topic is deleted and made again while a worker runs: its windows that are out
// stay, and those of the new topic come. The group's offsets went with it.
func TestTopicMadeAgain(t *testing.T) {
	t.Parallel()
	for name, records := range map[string]int{"empty at first": 0, "shorter": 3, "longer": 40} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sandbox.Options{})
			b.topic("t0", 1)
			b.topic("t1", 1)
			v0, v1 := b.schema("t0", xField), b.schema("t1", xField)
			for i := range 20 {
				b.send("t0", 0, float64(i)/10, b.record(v0, map[string]any{"x": 1.0}))
			}
			w := b.start()
			wantKeys(t, b.read("t0-aggregated", 2), "0:10", "1:10")
			w.status("two windows", func(s status.Status) bool { return len(s.Topics) == 2 && s.Topics[0].Windows == 2 })
			_, err := b.adm.DeleteTopic(t.Context(), "t0")
			must(t, err)
			must(t, b.deleteOffsets("t0"))
			b.cl.PurgeTopicsFromClient("t0")
			b.topic("t0", 1)
			for i := range records {
				b.send("t0", 0, 10+float64(i)/10, b.record(v0, map[string]any{"x": 1.0}))
			}
			b.send("t0", 0, 60, b.record(v0, map[string]any{"x": 1.0}))
			want := []string{"0:10", "1:10", "60:1"}
			switch records {
			case 3:
				want = append(want, "10:3")
			case 40:
				want = append(want, "10:10", "11:10", "12:10", "13:10")
			}
			wantKeys(t, b.read("t0-aggregated", len(want)), want...)
			b.send("t1", 0, 0, b.record(v1, map[string]any{"x": 1.0}))
			wantKeys(t, b.read("t1-aggregated", 1), "0:1")
			w.status("ready", func(s status.Status) bool { return s.Ready })
			w.end()
			b.send("t0", 0, 70, b.record(v0, map[string]any{"x": 1.0}))
			wantKeys(t, b.exactly("t0-aggregated"), append(want, "70:1")...)
		})
	}
}

// deleteOffsets deletes the group's offsets of a topic, as Kafka does when the
// topic is deleted.
func (b *bench) deleteOffsets(topic string) error {
	req := kmsg.NewPtrOffsetDeleteRequest()
	req.Group = b.cfg.Worker.Group
	rt := kmsg.NewOffsetDeleteRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewOffsetDeleteRequestTopicPartition()
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	_, err := req.RequestWith(b.t.Context(), b.cl)
	return err
}

// A topic cannot be fetched, though its leader answers: it is named, and the
// others go on.
func TestTopicCannotBeFetched(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	b.topic("t1", 1)
	v0, v1 := b.schema("t0", xField), b.schema("t1", xField)
	w := b.start()
	w.status("both topics", func(s status.Status) bool { return len(s.Topics) == 2 && s.Ready })
	denied := b.box.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "t0", Err: kerr.TopicAuthorizationFailed, Count: -1})
	b.send("t0", 0, 0, b.record(v0, map[string]any{"x": 1.0}))
	b.send("t1", 0, 0, b.record(v1, map[string]any{"x": 1.0}))
	wantKeys(t, b.read("t1-aggregated", 1), "0:1")
	s := w.status("a problem", func(s status.Status) bool {
		return strings.Contains(s.Topics[0].Problem(), "partition 0 cannot be fetched: TOPIC_AUTHORIZATION_FAILED")
	})
	if s.Ready || s.Topics[0].Problems[0].Cause != "fetch" || !strings.Contains(s.Topics[0].Problem(), "grant READ") || s.Sessions != 1 {
		t.Errorf("status %+v", s)
	}
	denied.Remove()
	wantKeys(t, b.read("t0-aggregated", 1), "0:1")
	w.status("ready", func(s status.Status) bool { return s.Ready })
}

// A partition whose leader was away is asked for again. The coordinator names
// topics by their ids then, and the client cannot look these up: it is not known
// what is committed, which is not the same as nothing.
func TestOffsetsOfTopicsWithoutNames(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.cfg.Worker.TopicRefresh = time.Minute // else the client knows the ids from it
	b.topic("t0", 2)
	v0 := b.schema("t0", xField)
	for i := range 20 {
		b.send("t0", int32(i%2), float64(i)/10, b.record(v0, map[string]any{"x": 1.0}))
	}
	b.send("t0", 1, 2, []byte("bad"))
	w := b.start()
	wantKeys(t, b.read("t0-aggregated", 2), "0:10", "1:10")
	b.records(b.cfg.DeadLetterTopic, 1)
	w.end()
	away := b.leaderless("t0", 1)
	asked := b.box.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Observe: true, Count: -1, When: func(r kmsg.Request) bool { return r.(*kmsg.OffsetFetchRequest).RequireStable }})
	b.box.Cluster.ControlKey(int16(kmsg.ListOffsets), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.box.Cluster.KeepControl()
		if r.(*kmsg.ListOffsetsRequest).Topics[0].Topic == "t0" {
			time.Sleep(300 * time.Millisecond) // the client forgets ids that are older when it looks at another topic
		}
		return nil, nil, false
	})
	b.box.Cluster.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.box.Cluster.KeepControl()
		if topics := r.(*kmsg.MetadataRequest).Topics; len(topics) > 0 && topics[0].Topic == nil {
			return nil, errors.New("the connection breaks"), true
		}
		return nil, nil, false
	})
	w = b.start()
	must(t, asked.Wait(t.Context(), 3)) // by the client, and twice by the worker
	away.Remove()
	w.status("ready", func(s status.Status) bool { return s.Ready && len(s.Topics) == 1 && len(s.Topics[0].Partitions) == 2 })
	b.send("t0", 0, 5, b.record(v0, map[string]any{"x": 1.0}))
	b.send("t0", 1, 5, b.record(v0, map[string]any{"x": 1.0}))
	wantKeys(t, b.read("t0-aggregated", 3), "0:10", "1:10", "5:2")
	w.end()
	if n := b.count(b.cfg.DeadLetterTopic); n != 1 {
		t.Errorf("%d letters of one bad record: it was read again as new", n)
	}
}

// A partition waits to be placed when others of its topic are assigned: it goes on
// waiting, and is read as soon as it can be.
func TestPartitionWaitsWhileOthersCome(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	v0 := b.schema("t0", xField)
	w := b.start()
	w.status("a partition", func(s status.Status) bool { return len(s.Topics) == 1 && s.Ready })
	grow := func(n int) {
		r, err := b.adm.UpdatePartitions(t.Context(), n, "t0")
		must(t, errors.Join(err, r.Error()))
	}
	away := b.box.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "t0", Partitions: []int32{1}, Err: kerr.NotLeaderForPartition, Count: -1})
	grow(2)
	must(t, away.Wait(t.Context(), 6)) // so that it is a while until it is asked again
	away.Remove()
	grow(3)
	w.status("partitions", func(s status.Status) bool { return len(s.Topics) == 1 && len(s.Topics[0].Partitions) == 3 })
	for id := range int32(3) {
		b.send("t0", id, 0, b.record(v0, map[string]any{"x": 1.0}))
	}
	wantKeys(t, b.read("t0-aggregated", 1), "0:3")
}

// A partition that has a committed offset, and whose leader was away, is none of
// which the offset is lost: whether its records were shipped is known.
func TestPartitionWithOffsetIsNotInDoubt(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 2)
	b.topic("t1", 1)
	b.topic(b.cfg.Worker.Group+"-partials-t0", 1) // it was split once
	v0, v1 := b.schema("t0", xField), b.schema("t1", xField)
	for i := range 20 {
		b.send("t0", int32(i%2), float64(i)/10, b.record(v0, map[string]any{"x": 1.0}))
	}
	w := b.start()
	wantKeys(t, b.read("t0-aggregated", 2), "0:10", "1:10")
	w.end()
	away := b.leaderless("t0", 1)
	w = b.start()
	w.status("a problem", func(s status.Status) bool {
		return len(s.Topics) == 3 && strings.Contains(s.Topics[1].Problem(), "partition 1 cannot be read: ")
	})
	away.Remove()
	b.send("t0", 0, 5, b.record(v0, map[string]any{"x": 1.0}))
	b.send("t0", 1, 5, b.record(v0, map[string]any{"x": 1.0}))
	b.send("t1", 0, 5, b.record(v1, map[string]any{"x": 1.0}))
	wantKeys(t, b.read("t0-aggregated", 3), "0:10", "1:10", "5:2")
	wantKeys(t, b.read("t1-aggregated", 1), "5:1")
	if s := w.status("ready", func(s status.Status) bool { return s.Ready }); s.Sessions != 1 || s.Topics[1].Shipped != 0 {
		t.Errorf("%d sessions, %d records shipped", s.Sessions, s.Topics[1].Shipped)
	}
}
