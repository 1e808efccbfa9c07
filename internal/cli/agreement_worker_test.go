package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// did is what a worker did with a topic.
type did struct {
	status  status.TopicStatus
	version int // id of the aggregated schema that its windows need
	fields  int
	leftOut []left
	values  map[string]bool // aggregated fields of the last record that have a value
	written int             // id of the schema of the last record
	count   any             // of the last record
}

// work sends records and has a worker aggregate them.
func (g *agreement) work() map[string]*did {
	g.t.Helper()
	var records []*kgo.Record
	for topic, o := range g.sources {
		for i := range 3 {
			records = append(records, &kgo.Record{Topic: topic, Value: o.record, Timestamp: g.clock.Add(time.Duration(i) * time.Millisecond)})
		}
	}
	g.clock = g.clock.Add(time.Hour)
	must(g.t, g.kafka.ProduceSync(g.t.Context(), records...).FirstErr())

	var log journal
	w, err := worker.New(worker.Options{Config: g.config, Version: "test", StopAtEnd: true,
		Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	must(g.t, err)
	ctx, stop := context.WithCancel(g.t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	for ended := false; !ended; {
		select {
		case err := <-done:
			if ctx.Err() == nil {
				must(g.t, err)
			}
			ended = true
		case <-time.After(5 * time.Millisecond):
			if g.stuck(w.Status().Topics) {
				stop()
			}
		}
	}
	out := map[string]*did{}
	for _, s := range w.Status().Topics {
		out[s.Topic] = &did{status: s}
	}
	log.read(g.t, out)
	g.last(out)
	return out
}

// stuck reports whether some topics wait for ever and all others are done.
func (g *agreement) stuck(topics []status.TopicStatus) bool {
	waiting := 0
	for _, s := range topics {
		switch o := g.sources[s.Topic]; {
		case o == nil:
		case o.waits && slices.ContainsFunc(s.Problems, func(p status.Problem) bool { return p.Cause == "schema" }):
			waiting++
		case s.Windows+s.DeadLettered == 0:
			return false
		}
	}
	return waiting > 0 && len(topics) == len(g.sources)
}

// journal is a worker's log.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

// read finds out what the worker did with the source schemas. Helpers of the
// Kafka client may still write to the log when the worker has ended.
func (j *journal) read(t *testing.T, into map[string]*did) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range bytes.Lines(j.b.Bytes()) {
		var e struct {
			Msg, Topic, Field, Type, Reason string
			Fields                          int
			Into                            string `json:"aggregated_topic"`
			Version                         int    `json:"aggregated_schema_id"`
		}
		if err := json.Unmarshal(line, &e); err != nil { // other lines have other types
			continue
		}
		d := into[e.Topic]
		switch {
		case d == nil:
		case e.Msg == "source schema":
			if e.Into != d.status.AggregatedTopic { // windows of another size
				other := *d
				other.status.AggregatedTopic = e.Into
				d = &other
				into[ofOutput(e.Topic, e.Into)] = d
			}
			d.version, d.fields, d.leftOut = e.Version, e.Fields, nil
		case e.Msg == "field left out":
			for _, d := range into {
				if d.status.Topic == e.Topic {
					d.leftOut = append(d.leftOut, left{e.Field, e.Type, e.Reason})
				}
			}
		}
	}
}

// ofOutput is how an aggregated topic of a source topic is told from its first one.
func ofOutput(source, into string) string { return source + " to " + into }

// last reads the last record of each aggregated topic.
func (g *agreement) last(into map[string]*did) {
	g.t.Helper()
	by := map[string]*did{}
	for _, d := range into {
		by[d.status.AggregatedTopic] = d
	}
	adm := kadm.NewClient(g.kafka)
	ends, err := adm.ListEndOffsets(g.t.Context(), slices.Collect(maps.Keys(by))...)
	must(g.t, err)
	from := map[string]map[int32]kgo.Offset{}
	wanted := map[string]bool{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Err == nil && o.Offset > 0 {
			if from[o.Topic] == nil {
				from[o.Topic] = map[int32]kgo.Offset{}
			}
			from[o.Topic][o.Partition] = kgo.NewOffset().At(max(0, o.Offset-2)) // its last may be a mark
			wanted[o.Topic] = true
		}
	})
	cl, err := kgo.NewClient(kgo.SeedBrokers(g.box.Brokers...), kgo.ConsumePartitions(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	must(g.t, err)
	defer cl.Close()
	newest := map[string]time.Time{}
	for len(wanted) > 0 {
		fetches := cl.PollFetches(g.t.Context())
		must(g.t, g.t.Context().Err())
		fetches.EachRecord(func(r *kgo.Record) {
			delete(wanted, r.Topic)
			if r.Timestamp.Before(newest[r.Topic]) {
				return
			}
			newest[r.Topic] = r.Timestamp
			g.decode(by[r.Topic], r.Value)
		})
	}
}

func (g *agreement) decode(d *did, value []byte) {
	g.t.Helper()
	id, body, err := registry.ParseHeader(value)
	must(g.t, err)
	schema, err := g.registry.Schema(g.t.Context(), id)
	must(g.t, err)
	parsed, err := schema.Parse()
	must(g.t, err)
	var fields map[string]any
	_, err = parsed.Decode(body, &fields)
	must(g.t, err)
	d.written, d.count, d.values = id, fields["count"], map[string]bool{}
	for name, v := range fields {
		if list, ok := v.([]any); v != nil && (!ok || len(list) > 0) {
			d.values[name] = true
		}
	}
}
