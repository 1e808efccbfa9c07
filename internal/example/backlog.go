package example

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// BacklogOptions describe records that lie in the past, evenly spaced.
type BacklogOptions struct {
	Kafka     []kgo.Opt
	Topic     Topic
	Records   int64
	PerWindow int64         // records of one Window of event time
	Window    time.Duration // 0: 1 s
	Start     time.Time     // of the first record, cut to a multiple of Window; zero: so that the last record is about a minute old
	Seed      uint64
	Codec     kgo.CompressionCodec // of the batches; zero: none
}

// Backlog is what was written.
type Backlog struct {
	Records int64
	Windows int64     // ceil(Records/PerWindow)
	Start   time.Time // of the first window
	Took    time.Duration
}

// WriteBacklog produces the records as fast as it can, round robin over the
// partitions, and returns when the broker has confirmed all of them. The
// default start is near now, so that a broker's retention does not delete them.
func WriteBacklog(ctx context.Context, o BacklogOptions) (Backlog, error) {
	if o.Records < 1 || o.PerWindow < 1 {
		return Backlog{}, errors.New("a backlog needs at least one record, and one per window")
	}
	if o.Window <= 0 {
		o.Window = time.Second
	}
	windows := (o.Records + o.PerWindow - 1) / o.PerWindow
	if o.Start.IsZero() {
		o.Start = time.Now().Add(-time.Duration(windows)*o.Window - time.Minute)
	}
	start := o.Start.UnixNano() - o.Start.UnixNano()%int64(o.Window)
	client, err := kgo.NewClient(append(append([]kgo.Opt(nil), o.Kafka...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(o.Codec),
		kgo.ProducerLinger(20*time.Millisecond),
		kgo.ProducerBatchMaxBytes(1_000_000),
		kgo.MaxBufferedRecords(200_000),
	)...)
	if err != nil {
		return Backlog{}, err
	}
	defer client.Close()
	began := time.Now()
	s := newStream(o.Seed, o.Topic)
	first := kgo.AbortingFirstErrPromise(client)
	for k := range o.Records {
		window, within := k/o.PerWindow, k%o.PerWindow
		t := start + window*int64(o.Window) + within*int64(o.Window)/o.PerWindow
		client.Produce(ctx, s.next(time.Unix(0, t)), first.Promise())
	}
	if err := first.Err(); err != nil {
		return Backlog{}, fmt.Errorf("write a backlog to %s: %w", o.Topic.Name, err)
	}
	return Backlog{Records: o.Records, Windows: windows, Start: time.Unix(0, start), Took: time.Since(began)}, nil
}
