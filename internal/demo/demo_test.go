package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

const (
	schema = `{"type":"record","name":"a","fields":[{"name":"count","type":"long"}]}`
	size   = 100 * time.Millisecond
)

// counter aggregates a demo, once its traffic has stopped, to the number of records
// of each window. wrong changes the records before they are written.
type counter struct {
	demo    *Demo
	stopped chan struct{}
	wrong   func(records []*kgo.Record) []*kgo.Record
}

func (c *counter) work(ctx context.Context) error {
	select {
	case <-c.stopped:
	case <-ctx.Done():
		return nil
	}
	kafka, err := kgo.NewClient(kgo.SeedBrokers(c.demo.Config().Kafka.Brokers...), kgo.ConsumeTopics(c.demo.Topics()...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer kafka.Close()
	windows, err := c.count(ctx, kafka)
	if err != nil {
		return err
	}
	records, err := c.records(ctx, windows)
	if err != nil {
		return err
	}
	for _, topic := range c.demo.Topics() {
		if _, err := kadm.NewClient(kafka).CreateTopic(ctx, 1, 1, nil, topic+"-aggregated"); err != nil {
			return err
		}
	}
	if err := kafka.ProduceSync(ctx, c.wrong(records)...).FirstErr(); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

type window struct {
	topic string
	start int64
}

// count reads the source topics to their ends.
func (c *counter) count(ctx context.Context, kafka *kgo.Client) (map[window]int64, error) {
	ends, err := kadm.NewClient(kafka).ListEndOffsets(ctx, c.demo.Topics()...)
	if err != nil {
		return nil, err
	}
	left := int64(0)
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	windows := map[window]int64{}
	for left > 0 && ctx.Err() == nil {
		kafka.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			left--
			ms := r.Timestamp.UnixMilli()
			windows[window{r.Topic, ms - ms%size.Milliseconds()}]++
		})
	}
	return windows, ctx.Err()
}

func (c *counter) records(ctx context.Context, windows map[window]int64) (out []*kgo.Record, err error) {
	schemas, err := registry.New(registry.Options{URL: c.demo.Config().SchemaRegistry.URL})
	if err != nil {
		return nil, err
	}
	id, err := schemas.Register(ctx, "any", schema)
	if err != nil {
		return nil, err
	}
	for w, n := range windows {
		value, err := avro.MustParse(schema).AppendEncode(registry.AppendHeader(nil, id), map[string]any{"count": n})
		if err != nil {
			return nil, err
		}
		key := fmt.Sprintf("%s||%d|%d", w.topic, w.start, size.Milliseconds())
		out = append(out, &kgo.Record{Topic: w.topic + "-aggregated", Key: []byte(key), Value: value})
	}
	return out, nil
}

func begin(t *testing.T) *Demo {
	t.Helper()
	d, err := Start(t.Context(), Options{Topics: 2, Fields: 1, Partitions: 2, Frequency: 50, Window: size, HTTP: "off"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// TestRun: a demo judges whatever aggregates its topics, and sees a record that is
// too many.
func TestRun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		wrong  func([]*kgo.Record) []*kgo.Record
		faults int
		says   string
	}{
		"right":     {func(rs []*kgo.Record) []*kgo.Record { return rs }, 0, ""},
		"one twice": {func(rs []*kgo.Record) []*kgo.Record { return slices.Insert(rs, 0, clone(rs[0])) }, 1, "2 aggregated records"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := begin(t)
			c := &counter{demo: d, stopped: make(chan struct{}), wrong: test.wrong}
			var mu sync.Mutex
			started, results := false, int64(0)
			traffic, stop := context.WithCancel(t.Context())
			defer stop()
			s, err := d.Run(traffic, c.work, View{
				Started: func() { started = true },
				Tick: func(c Counts) {
					if c.Records >= 20 {
						stop()
					}
				},
				Stopped: func() { close(c.stopped) },
				Result: func(r Result) {
					mu.Lock()
					defer mu.Unlock()
					if results++; !slices.Contains(d.Topics(), r.Topic) || r.Values["count"] == nil || r.Start.UnixMilli()%size.Milliseconds() != 0 {
						t.Errorf("%+v", r)
					}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if s.Records == 0 || s.Records != s.Rate.Acked || s.Produced != s.Expected+int64(test.faults) || results != s.Produced || !started {
				t.Errorf("%+v, %d results shown", s, results)
			}
			if s.FaultCount != test.faults || len(s.Faults) != test.faults || test.faults > 0 && !strings.Contains(s.Faults[0], test.says) {
				t.Errorf("%d faults: %q", s.FaultCount, s.Faults)
			}
		})
	}
}

func clone(r *kgo.Record) *kgo.Record {
	return &kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value}
}

// A worker that ends before its time ends the demo.
func TestWorkerThatEnds(t *testing.T) {
	t.Parallel()
	wrong := errors.New("no more")
	_, err := begin(t).Run(t.Context(), func(context.Context) error { return wrong }, View{})
	if !errors.Is(err, wrong) || !errors.Is(err, errEnded) {
		t.Errorf("%v", err)
	}
}

// What nobody could run is refused before anything is made.
func TestWindowThatCannotBe(t *testing.T) {
	if d, err := Start(t.Context(), Options{Topics: 1, Fields: 1, Partitions: 1, Frequency: 1, Window: -time.Second, HTTP: "off"}); err == nil {
		d.Close()
		t.Error("windows of -1s")
	}
}
