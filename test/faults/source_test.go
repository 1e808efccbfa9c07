//go:build e2e

package faults

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The source is written in transactions, of which every third is aborted.
// What was aborted is in no window, and the marker at the end of the topic
// does not keep the last window from being closed by the clock.
func TestF18TransactionalSource(t *testing.T) {
	p := onKafka(t)
	p.create(2)
	p.window().IdleAfter = time.Second
	cl, err := kgo.NewClient(kgo.SeedBrokers(p.cfg.Kafka.Brokers...), kgo.TransactionalID(p.topic+"-source"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	defer cl.Close()
	w := p.start()
	for i := range 31 { // ends with an aborted one
		must(t, cl.BeginTransaction())
		at := float64(i) * 0.3
		rs := []*kgo.Record{p.record(0, at), p.record(1, at+0.1), p.record(0, at+0.2)}
		abort := i%3 == 0
		if abort {
			for _, r := range rs {
				start := r.Timestamp.Truncate(time.Second).UnixMilli()
				p.sent[start] = p.sent[start][:len(p.sent[start])-1]
				if len(p.sent[start]) == 0 {
					delete(p.sent, start)
				}
			}
		}
		must(t, cl.ProduceSync(t.Context(), rs...).FirstErr())
		must(t, cl.EndTransaction(t.Context(), kgo.TransactionEndTry(!abort)))
	}
	s := w.status("all windows out", func(s status) bool {
		return len(s.Topics) == 1 && s.Topics[0].Records == 60 && s.Topics[0].OpenWindows == 0
	})
	if s.Topics[0].Records != 60 {
		t.Errorf("%d records, want 60", s.Topics[0].Records)
	}
	w.end()
	p.exactly()
}

// Records are deleted over the oldest one of an open window: those before what
// was read, and those that nobody has read yet; while the worker is away, and
// while it runs.
func TestF23RecordsDeleted(t *testing.T) {
	for _, c := range []struct {
		name       string
		to         int64 // offset
		lost       int64
		mismatches int64
	}{
		{"of a window that is read again", 35, 0, 1},
		{"read and not read", 65, 15, 1},
		{"whole windows", 80, 30, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := onKafka(t)
			p.create(1)
			w := p.start()
			p.fill(0, 0, 5) // 50 records; the windows from 30 on are open
			w.windows(3)
			w.end()
			p.fill(0, 5, 10)
			p.deleteTo(c.to)
			s := p.finish()
			topic := s.Topics[0]
			if topic.Lost != c.lost || topic.Mismatches != c.mismatches {
				t.Errorf("lost %d, mismatches %d, want %d and %d", topic.Lost, topic.Mismatches, c.lost, c.mismatches)
			}
			p.partial(c.to)
		})
	}
	t.Run("while it runs", func(t *testing.T) {
		p := onKafka(t)
		p.create(1)
		w := p.start()
		p.fill(0, 0, 5)
		w.windows(3)
		p.deleteTo(45)
		p.fill(0, 5, 10)
		w.windows(8)
		w.end()
		p.exactly() // it has all in its memory
	})
}

// partial wants the window in which deletion ended to have what is left and to
// say so, all before to be gone or out, and the others to be whole.
func (p *place) partial(to int64) {
	p.t.Helper()
	cut := p.base.Add(time.Duration(to/10) * time.Second).UnixMilli()
	var rest []row
	marked := map[int64]bool{}
	for _, r := range p.rows() {
		marked[r.start] = r.header("partial") == "true"
		switch {
		case r.start == cut && to%10 != 0:
			if r.count != 10-to%10 || !marked[r.start] {
				p.t.Errorf("window %s has %d records, want %d; partial %v", p.name(r.start), r.count, 10-to%10, marked[r.start])
			}
		case r.start < cut && r.start >= p.base.Add(3*time.Second).UnixMilli():
			p.t.Errorf("window %s came out, its records were deleted", p.name(r.start))
		default:
			rest = append(rest, r)
			if marked[r.start] && r.start < p.base.Add(3*time.Second).UnixMilli() {
				p.t.Errorf("window %s is marked as partial", p.name(r.start))
			}
		}
	}
	end := float64(to/10) + 1
	if to%10 == 0 {
		end--
	}
	p.forget(3, end)
	p.compare(rest)
	p.t.Log("marked as partial: ", marked)
}

func (p *place) deleteTo(offset int64) {
	p.t.Helper()
	var os kadm.Offsets
	os.Add(kadm.Offset{Topic: p.topic, At: offset, LeaderEpoch: -1})
	done, err := p.adm.DeleteRecords(p.t.Context(), os)
	must(p.t, err)
	must(p.t, done.Error())
}

// Compaction takes records out of an open window before it is read again.
func TestF24Compacted(t *testing.T) {
	p := onKafka(t)
	p.create(1, "min.cleanable.dirty.ratio", "0.01", "segment.ms", "100", "min.compaction.lag.ms", "0", "delete.retention.ms", "0")
	keyed := func(at float64) {
		r := p.record(0, at)
		r.Key = []byte("the same")
		must(t, p.cl.ProduceSync(t.Context(), r).FirstErr())
	}
	w := p.start()
	for i := range 40 {
		keyed(float64(i)*0.1 + 0.001)
	}
	w.windows(2)
	w.end()
	compact := "compact"
	_, err := p.adm.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "cleanup.policy", Value: &compact}}, p.topic)
	must(t, err)
	begin := time.Now()
	for len(p.read(p.topic)) > 10 { // a new segment, and the cleaner
		if time.Since(begin) > 2*time.Minute {
			t.Fatal("nothing was compacted")
		}
		time.Sleep(300 * time.Millisecond)
		keyed(4)
	}
	t.Logf("compacted %.1f s later", time.Since(begin).Seconds())
	s := p.finish()
	if s.Topics[0].Mismatches != 1 {
		t.Errorf("%d mismatches, want 1", s.Topics[0].Mismatches)
	}
	for _, r := range p.rows() {
		t.Logf("window %s: %d records, partial %q", p.name(r.start), r.count, r.header("partial"))
		// Two were out before; all others that come out lack records, or may.
		open := r.start >= p.base.Add(2*time.Second).UnixMilli()
		if open && r.count < 10 && r.header("partial") != "true" && r.start < p.base.Add(4*time.Second).UnixMilli() || !open && r.header("partial") != "" {
			t.Errorf("window %s: partial is %q", p.name(r.start), r.header("partial"))
		}
	}
}

// The topic is deleted and made again, with other records at the same
// offsets; while the worker is away, and while it runs.
func TestF25TopicMadeAgain(t *testing.T) {
	for _, running := range []bool{false, true} {
		t.Run(fmt.Sprint("running ", running), func(t *testing.T) {
			p := onKafka(t)
			p.create(1)
			w := p.start()
			p.fill(0, 0, 5)
			w.windows(3)
			if !running {
				w.end()
			}
			_, err := p.adm.DeleteTopic(t.Context(), p.topic)
			must(t, err)
			begin := time.Now()
			for {
				r, err := p.adm.CreateTopic(t.Context(), 1, 1, nil, p.topic)
				if err == nil && r.Err == nil {
					break
				}
				if time.Since(begin) > 30*time.Second {
					t.Fatal(err, r.Err)
				}
				time.Sleep(50 * time.Millisecond)
			}
			p.forget(3, 5) // deleted before they were final
			p.cl.PurgeTopicsFromProducing(p.topic)
			p.fill(0, 10, 16)
			if running {
				w.windows(3 + 4)
				w.end()
			}
			p.exactly()
			t.Logf("%v", w.Status().State)
		})
	}
}

// Partitions are added under load. They are read from their start; what is
// written there for windows that were out before the worker noticed is late.
func TestF26PartitionsAdded(t *testing.T) {
	p := onKafka(t)
	p.create(1)
	w := p.start()
	p.fill(0, 0, 5)
	w.windows(3)
	_, err := p.adm.UpdatePartitions(t.Context(), 3, p.topic)
	must(t, err)
	for begin := time.Now(); ; p.cl.ForceMetadataRefresh() {
		r := &kgo.Record{Topic: p.topic, Partition: 2, Timestamp: p.base, Key: []byte("no value")}
		if err = p.cl.ProduceSync(t.Context(), r).FirstErr(); err == nil {
			break
		}
		if time.Since(begin) > time.Minute {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.status("three partitions", func(s status) bool { return len(s.Topics) == 1 && len(s.Topics[0].Partitions) == 3 })
	// A record for a window that was out before the partition was noticed.
	must(t, p.cl.ProduceSync(t.Context(), &kgo.Record{Topic: p.topic, Partition: 1, Timestamp: p.base.Add(time.Second), Value: p.value(1)}).FirstErr())
	for second := 5.0; second < 10; second++ {
		for partition := range int32(3) {
			p.fill(partition, second, second+1)
		}
	}
	w.windows(8)
	w.end()
	rows := p.exactly()
	if late := w.Status().Topics[0].Late; late != 1 {
		t.Errorf("%d late records, want 1", late)
	}
	t.Logf("%d windows", len(rows))
}

// A batch unpacks to more than a worker takes. Its partition stands still and
// says why; other topics go on; memory stays bounded. An operator skips it.
func TestF37ZipBomb(t *testing.T) {
	for _, codec := range []struct {
		name string
		kgo.CompressionCodec
	}{{"gzip", kgo.GzipCompression()}, {"zstd", kgo.ZstdCompression()}, {"lz4", kgo.Lz4Compression()}} {
		t.Run(codec.name, func(t *testing.T) {
			p := onFake(t)
			p.create(1)
			good := p.topic
			p.topic = good + "-bomb"
			p.create(1)
			p.cfg.Aggregations[0].Topics.Include = []string{"^" + good + "(-bomb)?$"}
			bomb, err := kgo.NewClient(kgo.SeedBrokers(p.cfg.Kafka.Brokers...), kgo.ProducerBatchMaxBytes(200<<20), kgo.BrokerMaxWriteBytes(1<<30), kgo.ProducerBatchCompression(codec.CompressionCodec))
			must(t, err)
			defer bomb.Close()
			must(t, bomb.ProduceSync(t.Context(), &kgo.Record{Topic: p.topic, Timestamp: p.base, Value: make([]byte, 70<<20)}).FirstErr())
			p.fill(0, 0, 3)
			p.topic = good
			p.sent = map[int64][]float64{}
			p.fill(0, 0, 5)
			w := p.start()
			s := w.status("problem and windows", func(s status) bool {
				return len(s.Topics) == 2 && s.Topics[0].Windows == 3 && s.Topics[1].Problem() != ""
			})
			t.Log(s.Topics[1].Problem())
			if s.Ready || !strings.Contains(s.Topics[1].Problem(), "64 MiB") {
				t.Errorf("ready %v, problem %q", s.Ready, s.Topics[1].Problem())
			}
			w.end()
			p.compareOnly(good, 0, 3)
			// Behind the batch it goes on.
			p.cfg.Aggregations[0].Topics.Include = []string{"^" + good + "-bomb$"}
			p.topic = good + "-bomb"
			p.empty()
			p.commit(0, 1, "")
			if s := p.finish(); s.Topics[0].Windows != 3 || s.Topics[0].Records != 30 {
				t.Errorf("behind the batch: %d windows, %d records", s.Topics[0].Windows, s.Topics[0].Records)
			}
		})
	}
}

// compareOnly compares what came out between two times, in seconds after base.
func (p *place) compareOnly(topic string, from, to float64) {
	p.t.Helper()
	p.topic = topic
	all := p.sent
	p.sent = map[int64][]float64{}
	for start, xs := range all {
		if s := time.UnixMilli(start).Sub(p.base).Seconds(); s >= from && s < to {
			p.sent[start] = xs
		}
	}
	p.compare(p.rows())
	p.sent = all
}
