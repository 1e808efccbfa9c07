package estimate

import (
	"fmt"
	"math"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/example"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
)

// Units is what the computation costs on this machine.
type Units struct {
	Decode  time.Duration // a record
	Collect time.Duration // a record, on top of decode: window, watermark, columns
	Compute time.Duration // a window: statistics and encoding
	Encode  time.Duration // a window's record, part of compute
}

// unitTime is about how long all classes together are measured.
const unitTime = 10 * time.Second

// unitValues bounds the values that are measured with; costs are proportional beyond.
const unitValues = 4_000_000

// measureUnits measures with records of a class: doubles of the shapes that
// example topics have, in windows with as many samples as the class has. It takes
// about d, but not more than 200 ms, and as long as three turns take.
func measureUnits(c Class, d time.Duration) (Units, error) {
	values := min(c.Values, example.MaxFields)
	samples := min(c.Samples(), max(1, unitValues/values))
	b, err := newBody(c, values)
	if err != nil {
		return Units{}, err
	}
	// As many windows a turn as make the clock's steps negligible.
	windows := max(1, 20_000/(samples*values))
	start := time.Now().Truncate(time.Hour).UnixNano()
	size := int64(c.Aggregation.Window.Size)
	var u Units
	best := func(d *time.Duration, took time.Duration, n int) {
		if took /= time.Duration(n); *d == 0 || took < *d {
			*d = took
		}
	}
	var add time.Duration
	var row codec.Row
	for turn, began := 0, time.Now(); turn < 3 || time.Since(began) < min(d, 200*time.Millisecond); turn++ {
		t := time.Now()
		for range windows * samples {
			if err := b.decoder.Decode(b.next(), &row); err != nil {
				return Units{}, err
			}
		}
		best(&u.Decode, time.Since(t), windows*samples)

		t = time.Now()
		for w := range windows {
			for i := range samples {
				at := start + int64(w)*size + int64(i)*size/int64(samples)
				if _, err := b.partition.Add(b.offset, 0, at, math.MaxInt64, &b.plan, b.next()); err != nil {
					return Units{}, err
				}
				b.offset++
			}
		}
		best(&add, time.Since(t), windows*samples)
		start += int64(windows) * size

		t = time.Now()
		n := 0
		for _, w := range b.agent.Close(start, nil) {
			b.computer.Compute(b.agent, w)
			b.agent.Release(w)
			n++
		}
		if n != windows {
			return Units{}, fmt.Errorf("%d windows were closed, want %d", n, windows)
		}
		best(&u.Compute, time.Since(t), windows)

		t = time.Now()
		const records = 100
		for range records {
			b.out = b.encoder.Append(b.out[:0], codec.Head{Count: 1}, &b.results)
		}
		best(&u.Encode, time.Since(t), records)
	}
	// The bounds of a class with more values than an example can have.
	scale := float64(c.Values) / float64(values)
	windowScale := scale * float64(c.Samples()) / float64(samples)
	u.Collect = time.Duration(scale * float64(max(0, add-u.Decode)))
	u.Decode = time.Duration(scale * float64(u.Decode))
	u.Compute = time.Duration(windowScale * float64(u.Compute))
	u.Encode = min(u.Compute, time.Duration(scale*float64(u.Encode)))
	return u, nil
}

// unregistered stands for the id of a schema that would be registered.
const unregistered = -1

// body has what it takes to aggregate records of a class without Kafka.
type body struct {
	bodies    [][]byte
	at        int
	decoder   *codec.Decoder
	plan      agent.Plan
	agent     *agent.Agent
	partition *agent.Partition
	offset    int64
	computer  *agent.Computer
	encoder   *codec.Encoder
	results   codec.Results
	out       []byte
}

func newBody(c Class, values int) (*body, error) {
	a := *c.Aggregation
	a.Fields = config.FieldSettings{MaxElements: a.Fields.MaxElements} // of the example's, all
	a.EventTime = config.EventTime{}                                   // which they have not
	spec, err := pipeline.NewSpec(&a)
	if err != nil {
		return nil, err
	}
	in, err := spec.Input(example.Schema("bench", values))
	if err != nil {
		return nil, err
	}
	output := spec.Outputs("bench", config.Choice{AggregatedTopics: []string{"bench-aggregated"}})[0]
	plan := output.Plan(output.Read(nil), in)
	if plan.Err != nil {
		return nil, plan.Err
	}
	plan = plan.Registered(unregistered)
	b := &body{computer: spec.Computers()[0], encoder: plan.Encoder()}
	if b.decoder, err = plan.Decoder(); err != nil {
		return nil, err
	}
	b.results.Scalars = make([]float64, len(plan.Schema.Fields)*len(plan.Schema.Operations))
	set := spec.Settings()
	set.Grace, set.IdleAfter, set.MaxFutureSkew = math.MaxInt64/4, math.MaxInt64, math.MaxInt64
	b.agent = agent.New("bench", set)
	for _, v := range plan.History().Versions {
		b.agent.AddVersion(0, v)
	}
	b.agent.SetPartitions(1, false)
	b.partition = b.agent.Assign(0, 0, agent.Fresh(0))
	b.plan = agent.Plan{Decoder: b.decoder.Clone()}
	generator := example.NewGenerator(1, example.Topic{Fields: values})
	for i := range max(1, min(1000, unitValues/values)) {
		b.bodies = append(b.bodies, generator.Append(nil, int64(i)*1e6)[5:])
	}
	return b, nil
}

// next goes round the records, so that they come from memory, not from the
// nearest cache, as fetched ones do.
func (b *body) next() []byte {
	b.at++
	if b.at == len(b.bodies) {
		b.at = 0
	}
	return b.bodies[b.at]
}
