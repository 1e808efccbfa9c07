package example

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ProducerOptions say what load to make.
type ProducerOptions struct {
	Kafka       []kgo.Opt // how to reach the cluster
	Topics      []Topic
	Frequency   float64 // records per second and topic
	MaxMessages int64   // of each topic; < 1: until the context ends
	Seed        uint64
	Wrong       WrongClock // of some of the records of each topic
	Framings    []Framing  // which take turns; none: Prefix. What they need of the topics is there (Identify)
}

// Producer makes the load of example topics: each topic's records evenly
// spaced in time, the topics interleaved, round robin over partitions,
// timestamps from the clock, or for some from a wrong one. One goroutine paces all topics.
type Producer struct {
	options ProducerOptions
	client  *kgo.Client
	streams []*stream

	made    atomic.Int64
	acked   atomic.Int64
	failed  atomic.Int64
	started atomic.Int64 // ns since the Unix epoch
	ended   atomic.Int64
	failure atomic.Pointer[error]
}

// Rate is what a producer has done.
type Rate struct {
	Acked   int64         // records the broker has confirmed
	Failed  int64         // records given up: refused, or not confirmed in time
	Elapsed time.Duration // since the first record, until now or the last one
	Asked   float64       // records/s, all topics
	Reached float64       // records/s, all topics
}

// NewProducer connects to nothing yet; Run does.
func NewProducer(o ProducerOptions) (*Producer, error) {
	if len(o.Topics) == 0 {
		return nil, errors.New("no topics to produce to")
	}
	if !(o.Frequency > 0) {
		return nil, fmt.Errorf("frequency %v Hz: must be greater than 0", o.Frequency)
	}
	if err := o.Wrong.Validate(); err != nil {
		return nil, err
	}
	client, err := newClient(o.Kafka)
	if err != nil {
		return nil, err
	}
	p := &Producer{options: o, client: client}
	for _, t := range o.Topics {
		s := newStream(o.Seed, t, o.Framings...)
		s.wrong = o.Wrong
		p.streams = append(p.streams, s)
	}
	return p, nil
}

// newClient makes a producer that does as it is told about partitions and
// collects records for 5 ms: more records a request, and still soon there. By
// default it would learn about topics that it meets only every 5 s, and the
// records of most of many topics would wait for that.
func newClient(kafka []kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(append([]kgo.Opt(nil), kafka...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()), // random doubles do not compress
		kgo.ProducerLinger(5*time.Millisecond),
		kgo.MaxBufferedRecords(100_000),
		kgo.MetadataMinAge(100*time.Millisecond),
	)...)
}

// deliverWithin bounds the wait for confirmations after the end.
const deliverWithin = 10 * time.Second

// Run produces until the context ends or every topic has its messages, then
// waits for what is on its way, closes the client and returns. The end of the
// context is no error; records that the broker did not confirm are. It can run once.
func (p *Producer) Run(ctx context.Context) error {
	defer p.client.Close()
	rate := p.options.Frequency * float64(len(p.streams))
	limit := int64(-1)
	if p.options.MaxMessages > 0 {
		limit = p.options.MaxMessages * int64(len(p.streams))
	}
	// What was made before the end of the context is still to be delivered.
	send, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(deliverWithin, cancel) })()
	p.started.Store(time.Now().UnixNano())
	pace(ctx, rate, limit, func(k int64) {
		s := p.streams[k%int64(len(p.streams))]
		p.made.Add(1)
		p.client.Produce(send, s.next(time.Now()), p.done)
	})
	err := p.client.Flush(send)
	p.ended.Store(time.Now().UnixNano())
	if refused := p.failure.Load(); refused != nil {
		return fmt.Errorf("produce: %d of %d records failed, the first because: %w", p.failed.Load(), p.made.Load(), *refused)
	}
	return err
}

func (p *Producer) done(_ *kgo.Record, err error) {
	if err == nil {
		p.acked.Add(1)
		return
	}
	p.failed.Add(1)
	p.failure.CompareAndSwap(nil, &err)
}

// Rate can be asked at any time.
func (p *Producer) Rate() Rate {
	r := Rate{
		Acked:  p.acked.Load(),
		Failed: p.failed.Load(),
		Asked:  p.options.Frequency * float64(len(p.streams)),
	}
	started, ended := p.started.Load(), p.ended.Load()
	if started == 0 {
		return r
	}
	if ended == 0 {
		ended = time.Now().UnixNano()
	}
	r.Elapsed = time.Duration(ended - started)
	r.Reached = float64(r.Acked) / r.Elapsed.Seconds()
	return r
}
