package example

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

// Several framings take turns in each partition, with the same data as without.
func TestProducerFramings(t *testing.T) {
	s, err := sandbox.Start(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	opts := []kgo.Opt{kgo.SeedBrokers(s.Brokers...)}
	kafka, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	schemas, err := registry.New(registry.Options{URL: s.RegistryURL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(t.Context(), kafka, schemas, Plan{Prefix: "x", Topics: 1, Fields: 2, Partitions: 2}); err != nil {
		t.Fatal(err)
	}
	topics, err := Find(t.Context(), kafka, schemas, "x", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := Identify(t.Context(), schemas, topics, Framings()); err != nil {
		t.Fatal(err)
	}
	p, err := NewProducer(ProducerOptions{Kafka: opts, Topics: topics, Frequency: 10_000, MaxMessages: 200, Framings: Framings()})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	of := framing.NewReader(framing.Settings{Subjects: []string{"x-000-value"}, SingleObject: true, Bare: framing.Schema{ID: topics[0].SchemaID}})
	want := []string{
		fmt.Sprintf("prefix, schema %d", topics[0].SchemaID), fmt.Sprintf("header, schema %d", topics[0].SchemaID), "header, schema GUID " + topics[0].GUID.String(),
		fmt.Sprintf("single-object, schema with fingerprint %016x", topics[0].Fingerprint), fmt.Sprintf("bare, schema %d", topics[0].SchemaID),
	}
	k := [2]int{}
	data := map[int32][][]byte{}
	for i, r := range read(t, opts, "x-000", 200) {
		f, err := of.Read(r.Headers, r.Value)
		if err == nil && f.Doubtful { // one bare record in 256 begins like a prefix
			f, err = schemas.Settle(t.Context(), of, f, r.Value, time.Time{})
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Kind.String() + ", " + of.Name(f.Ref); got != want[k[r.Partition]%5] || r.Offset != int64(k[r.Partition]) {
			t.Errorf("record %d, offset %d: %s, want %s", i, r.Offset, got, want[k[r.Partition]%5])
		}
		k[r.Partition]++
		data[r.Partition] = append(data[r.Partition], f.Body)
		schema, err := schemas.Find(t.Context(), of, f.Ref, time.Time{})
		if err != nil || schema.ID != topics[0].SchemaID {
			t.Fatalf("%v, %v", schema, err)
		}
	}
	for partition, all := range data { // time, and two values: whatever the framing
		for i, d := range all {
			if len(d) != 8*3 {
				t.Fatalf("partition %d, record %d has %d bytes of data", partition, i, len(d))
			}
			if at := math.Float64frombits(binary.LittleEndian.Uint64(d)); time.Since(time.UnixMicro(int64(at*1e6))).Abs() > time.Minute {
				t.Errorf("partition %d, record %d is of %v", partition, i, at)
			}
		}
	}
}

func TestParseFramings(t *testing.T) {
	if f, err := ParseFramings([]string{"bare", "prefix", "bare"}); err != nil || len(f) != 3 || f[0] != Bare {
		t.Errorf("%v, %v", f, err)
	}
	for _, bad := range []string{"", "glue", "Prefix"} {
		if _, err := ParseFramings([]string{bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
