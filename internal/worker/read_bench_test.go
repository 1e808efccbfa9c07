package worker

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/example"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// reading is a partition that reads records of a schema that is known, without Kafka.
type reading struct {
	*part
	records []*kgo.Record
	start   time.Time
}

func newReading(b *testing.B, fields int, settings config.Framing) *reading {
	b.Helper()
	a := config.DefaultAggregation()
	a.Name, a.Framing = "bench", settings
	j, err := newJob(&a, 1)
	if err != nil {
		b.Fatal(err)
	}
	in, err := j.Input(example.Schema("t", fields))
	if err != nil {
		b.Fatal(err)
	}
	o := j.Outputs("t", config.Choice{AggregatedTopics: []string{"t-aggregated"}})[0]
	plan := o.Plan(o.Read(nil), in).Registered(1)
	decoder, err := plan.Decoder()
	if err != nil {
		b.Fatal(err)
	}
	src := &source{job: j, framing: j.Reader("t"), log: slog.New(slog.DiscardHandler), agent: agent.New("t", j.set), parts: map[int32]*part{}}
	src.agent.AddVersion(0, plan.History().Versions[0])
	src.agent.SetPartitions(1, false)
	src.schemas.byRef = map[framing.Ref]*schema{}
	src.schemas.listing = registry.Listing{Asked: time.Now().Add(time.Hour), IDs: map[int]bool{7: true}}
	p := newPart(src, 0, 0, agent.Fresh(0))
	src.parts[0] = p
	for _, ref := range []framing.Ref{framing.ID(7), framing.ByGUID(framing.GUID{1}), src.framing.Bare()} {
		src.schemas.byRef[ref] = &schema{ref: ref, decoder: decoder, versions: []int{0}}
	}
	r := &reading{part: p, start: time.Now().Truncate(time.Hour)}
	generator := example.NewGenerator(1, example.Topic{Fields: fields, SchemaID: 7})
	for i := range 1000 {
		r.records = append(r.records, &kgo.Record{Value: generator.Append(nil, int64(i)*1e6)})
	}
	return r
}

// next processes all records, each thousand in a window, which is thrown away.
func (r *reading) next(b *testing.B, offset int64) {
	window := r.start.Add(time.Duration(offset) * time.Millisecond)
	for i, x := range r.records {
		x.Offset, x.Timestamp = offset+int64(i), window.Add(time.Duration(i)*time.Millisecond)
	}
	r.batch = append(r.batch[:0], r.records...)
	r.process(window, "")
	if r.waiting != noSchema || r.Counts.Bad > 0 {
		b.Fatalf("waits for %v, %d records are bad", r.waiting, r.Counts.Bad)
	}
	for _, w := range r.source.agent.Close(window.UnixNano(), nil) {
		r.source.agent.Release(w)
	}
}

// What a record costs from the batch into its window.
func BenchmarkProcess(b *testing.B) {
	for _, fields := range []int{1, 10, 100} {
		for _, c := range []struct {
			name     string
			settings config.Framing
			framed   func(*kgo.Record)
		}{
			{"prefix", config.Framing{}, func(*kgo.Record) {}},
			{"prefix-and-headers", config.Framing{}, func(r *kgo.Record) {
				r.Headers = []kgo.RecordHeader{{Key: "traceparent", Value: []byte("x")}, {Key: "source", Value: []byte("y")}}
			}},
			{"header", config.Framing{}, func(r *kgo.Record) {
				r.Headers, r.Value = []kgo.RecordHeader{{Key: framing.SchemaHeader, Value: framing.AppendGUIDHeader(nil, framing.GUID{1})}}, r.Value[5:]
			}},
			{"bare", config.Framing{Bare: config.BareFraming{ID: 7}}, func(r *kgo.Record) { r.Value = r.Value[5:] }},
			{"prefix-or-bare", config.Framing{Bare: config.BareFraming{ID: 7}}, func(*kgo.Record) {}},
		} {
			b.Run(fmt.Sprintf("fields=%d/%s", fields, c.name), func(b *testing.B) {
				r := newReading(b, fields, c.settings)
				for _, x := range r.records {
					c.framed(x)
				}
				b.ReportAllocs()
				for offset := int64(0); offset < int64(b.N); offset += int64(len(r.records)) {
					r.next(b, offset)
				}
			})
		}
	}
}
