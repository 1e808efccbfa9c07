package example

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

func startBroker(t *testing.T, partitions int32, topics ...string) []kgo.Opt {
	t.Helper()
	s, err := sandbox.Start(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for _, topic := range topics {
		if err := s.Cluster.CreateTopic(topic, partitions, nil); err != nil {
			t.Fatal(err)
		}
	}
	return []kgo.Opt{kgo.SeedBrokers(s.Brokers...)}
}

func read(t *testing.T, kafka []kgo.Opt, topic string, n int) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(append(kafka, kgo.ConsumeTopics(topic))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var records []*kgo.Record
	for len(records) < n {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		records = append(records, fetches.Records()...)
	}
	return records
}

func TestGeneratorWritesItsSchema(t *testing.T) {
	topic := Topic{Name: "example-007", Index: 7, Fields: 20, SchemaID: 258}
	schema := avro.MustParse(Schema(topic.Name, topic.Fields))
	g, same, other := NewGenerator(1, topic), NewGenerator(1, topic), NewGenerator(2, topic)
	for k := range 1000 {
		at := int64(1.7e18) + int64(k)*1e7
		b := g.Append(nil, at)
		if string(b) != string(same.Append(nil, at)) {
			t.Fatal("the same seed gave other bytes")
		}
		if string(b) == string(other.Append(nil, at)) {
			t.Fatal("another seed gave the same bytes")
		}
		if b[0] != 0 || binary.BigEndian.Uint32(b[1:]) != 258 || len(b) != g.Size() {
			t.Fatalf("header % x, length %d", b[:5], len(b))
		}
		var record map[string]any
		rest, err := schema.Decode(b[5:], &record)
		if err != nil || len(rest) > 0 || len(record) != 21 {
			t.Fatalf("decode: %v, %d bytes left, %d fields", err, len(rest), len(record))
		}
		if record["time"] != float64(at)/1e9 {
			t.Fatalf("time %v", record["time"])
		}
		for name, v := range record {
			if x := v.(float64); math.IsNaN(x) || math.IsInf(x, 0) {
				t.Fatalf("%s = %v", name, x)
			}
		}
	}
}

func TestProducerGivesEachTopicItsMessages(t *testing.T) {
	topics := []Topic{{Name: "a", Index: 0, Partitions: 3, Fields: 2}, {Name: "b", Index: 1, Partitions: 3, Fields: 2}}
	kafka := startBroker(t, 3, "a", "b")
	p, err := NewProducer(ProducerOptions{Kafka: kafka, Topics: topics, Frequency: 10_000, MaxMessages: 100})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := p.Rate(); r.Acked != 200 || r.Failed != 0 || r.Asked != 20_000 || r.Elapsed < 9*time.Millisecond {
		t.Errorf("rate %+v", r)
	}
	for _, topic := range topics {
		var partitions [3]int
		for _, r := range read(t, kafka, topic.Name, 100) {
			partitions[r.Partition]++
		}
		if partitions != [3]int{34, 33, 33} {
			t.Errorf("%s: records in partitions %v", topic.Name, partitions)
		}
	}
}

func TestBacklogFillsItsWindows(t *testing.T) {
	kafka := startBroker(t, 4, "a")
	b, err := WriteBacklog(t.Context(), BacklogOptions{
		Kafka: kafka, Topic: Topic{Name: "a", Partitions: 4, Fields: 3}, Records: 5_050, PerWindow: 100,
	})
	if err != nil {
		t.Fatal(err)
	}
	if b.Windows != 51 || b.Start.UnixNano()%1e9 != 0 {
		t.Errorf("%+v", b)
	}
	windows := map[int64]int{}
	for _, r := range read(t, kafka, "a", 5_050) {
		windows[r.Timestamp.Unix()-b.Start.Unix()]++
	}
	for w := range int64(51) {
		if want := 100 - 50*int(w/50); windows[w] != want {
			t.Errorf("window %d has %d records, want %d", w, windows[w], want)
		}
	}
	if age := time.Since(b.Start); age < 60*time.Second {
		t.Errorf("the backlog starts %v ago", age)
	}
}

func BenchmarkAppend(b *testing.B) {
	g := NewGenerator(1, Topic{Fields: 10})
	var buf []byte
	for k := range b.N {
		buf = g.Append(buf[:0], int64(k)*1e6)
	}
	b.SetBytes(int64(len(buf)))
}
