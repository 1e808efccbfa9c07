//go:build e2e

package faults

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	statuses "github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// row is an aggregated record.
type row struct {
	*kgo.Record
	start          int64 // of its window, ms
	count          int64
	min, mean, max float64
}

func (r row) header(key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// finish lets a worker, with the identity of those before, read everything to
// its end, close every window and stop.
func (p *place) finish() statuses.Status {
	p.t.Helper()
	r := p.start(func(o *worker.Options) { o.StopAtEnd = true })
	r.ended(2 * time.Minute)
	return r.Status()
}

// ended wants a worker to end by itself, in time and without an error.
func (r *running) ended(within time.Duration) {
	r.t.Helper()
	select {
	case err := <-r.done:
		r.done <- err
		must(r.t, err)
	case <-time.After(within):
		r.t.Fatalf("it has not ended within %v: %s", within, brief(r.Status()))
	}
}

// exactly is finish, and then every window must have exactly one record, with
// the values that were sent.
func (p *place) exactly() []row {
	p.t.Helper()
	p.finish()
	rows := p.rows()
	p.compare(rows)
	return rows
}

func (p *place) compare(rows []row) {
	p.t.Helper()
	found := map[int64]row{}
	for _, r := range rows {
		if _, again := found[r.start]; again {
			p.t.Errorf("window %s came out twice", p.name(r.start))
		}
		found[r.start] = r
		xs := p.sent[r.start]
		if len(xs) == 0 {
			p.t.Errorf("window %s: a record, but nothing was sent", p.name(r.start))
			continue
		}
		sum := 0.0
		for _, x := range xs {
			sum += x
		}
		want := fmt.Sprint(len(xs), slices.Min(xs), sum/float64(len(xs)), slices.Max(xs))
		if got := fmt.Sprint(r.count, r.min, r.mean, r.max); got != want {
			p.t.Errorf("window %s has count, min, mean, max %s, want %s", p.name(r.start), got, want)
		}
	}
	for _, start := range slices.Sorted(maps.Keys(p.sent)) {
		if _, ok := found[start]; !ok {
			p.t.Errorf("window %s is missing", p.name(start))
		}
	}
}

// forget takes the records of windows between two times, in seconds after
// base, out of what is expected.
func (p *place) forget(from, to float64) {
	for start := range p.sent {
		if s := time.UnixMilli(start).Sub(p.base).Seconds(); s >= from && s < to {
			delete(p.sent, start)
		}
	}
}

// name of a window: its start in seconds after base.
func (p *place) name(start int64) string {
	return fmt.Sprint(time.UnixMilli(start).Sub(p.base).Seconds())
}

// rows are the committed aggregated records.
func (p *place) rows() []row {
	p.t.Helper()
	var rows []row
	for _, r := range p.read(p.topic + "-aggregated") {
		id, body, err := registry.ParseHeader(r.Value)
		must(p.t, err)
		s, err := p.schemas.Schema(p.t.Context(), id)
		must(p.t, err)
		v := map[string]any{}
		_, err = s.Decode(body, &v)
		must(p.t, err)
		number := func(name string) float64 {
			x, _ := v[name].(float64)
			return x
		}
		rows = append(rows, row{r, r.Timestamp.Add(-p.window().Size / 2).UnixMilli(), v["count"].(int64), number("min_x"), number("mean_x"), number("max_x")})
	}
	return rows
}

// read reads the committed records of a topic to its end.
func (p *place) read(topic string) []*kgo.Record {
	p.t.Helper()
	return p.readAt(kgo.ReadCommitted(), topic)
}

// readAt is read with a choice: what was aborted may be among the records.
func (p *place) readAt(level kgo.IsolationLevel, topic string) (records []*kgo.Record) {
	p.t.Helper()
	left := map[int32]int64{}
	ends, err := p.adm.ListEndOffsets(p.t.Context(), topic)
	for begin := time.Now(); errors.Is(ends.Error(), kerr.UnknownTopicOrPartition) && time.Since(begin) < 10*time.Second; { // not all brokers have heard of it yet
		time.Sleep(100 * time.Millisecond)
		ends, err = p.adm.ListEndOffsets(p.t.Context(), topic)
	}
	must(p.t, err)
	starts, err := p.adm.ListStartOffsets(p.t.Context(), topic)
	must(p.t, err)
	for id, end := range ends[topic] {
		must(p.t, end.Err)
		if end.Offset > starts[topic][id].Offset {
			left[id] = end.Offset
		}
	}
	if len(left) == 0 {
		return nil
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(p.cfg.Kafka.Brokers...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(level),
		kgo.KeepControlRecords(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(20*time.Millisecond))
	must(p.t, err)
	defer cl.Close()
	for len(left) > 0 {
		fs := cl.PollFetches(p.t.Context())
		must(p.t, p.t.Context().Err())
		fs.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return records
}
