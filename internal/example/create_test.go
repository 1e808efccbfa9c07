package example

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

func TestCreateSaysWhatExistedAndFindFindsIt(t *testing.T) {
	s, err := sandbox.Start(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	kafka, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	schemas, err := registry.New(registry.Options{URL: s.RegistryURL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Find(t.Context(), kafka, schemas, "x", 0); !errors.Is(err, ErrNone) {
		t.Fatalf("no topics: %v", err)
	}
	plan := Plan{Prefix: "x", Topics: 2, Fields: 3, Partitions: 4}
	if _, err := Create(t.Context(), kafka, schemas, plan); err != nil {
		t.Fatal(err)
	}
	plan = Plan{Prefix: "x", Topics: 3, Fields: 3, Partitions: 1}
	created, err := Create(t.Context(), kafka, schemas, plan)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range created {
		old := i < 2
		if c.TopicExisted != old || c.SchemaExisted != old || (c.Partitions == 4) != old || c.SchemaID == 0 {
			t.Errorf("%+v", c)
		}
	}
	found, err := Find(t.Context(), kafka, schemas, "x", 0)
	if err != nil || len(found) != 3 {
		t.Fatalf("found %+v, %v", found, err)
	}
	for i := range found {
		if found[i] != created[i].Topic {
			t.Errorf("found %+v, created %+v", found[i], created[i].Topic)
		}
	}
	if some, err := Find(t.Context(), kafka, schemas, "x", 2); err != nil || len(some) != 2 {
		t.Errorf("with a limit: %v, %v", some, err)
	}
}

func TestCreateRefusesWhatHasNoName(t *testing.T) {
	for _, p := range []Plan{{Topics: 1000, Fields: 1, Partitions: 1}, {Topics: 1, Fields: 1000, Partitions: 1}, {Topics: 1, Fields: 1}} {
		if _, err := Create(t.Context(), nil, nil, p); err == nil {
			t.Errorf("%+v was taken", p)
		}
	}
}
