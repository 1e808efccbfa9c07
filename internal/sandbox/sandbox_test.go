package sandbox_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

func start(t *testing.T) (*sandbox.Sandbox, *kgo.Client, *sr.Client) {
	t.Helper()
	s, err := sandbox.Start(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	kafka, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafka.Close)
	schemas, err := sr.NewClient(sr.URLs(s.RegistryURL))
	if err != nil {
		t.Fatal(err)
	}
	return s, kafka, schemas
}

func TestBrokerTakesTransactions(t *testing.T) {
	s, kafka, _ := start(t)
	if _, err := kadm.NewClient(kafka).CreateTopic(t.Context(), 2, -1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	txn, err := kgo.NewClient(kgo.SeedBrokers(s.Brokers...), kgo.TransactionalID("x"), kgo.DefaultProduceTopic("t"))
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Close()
	if err := txn.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := txn.ProduceSync(t.Context(), kgo.StringRecord("v")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := txn.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	kafka.AddConsumeTopics("t")
	if got := kafka.PollFetches(t.Context()).Records(); len(got) != 1 || string(got[0].Value) != "v" {
		t.Fatalf("read %v, want the record of the transaction", got)
	}
}

const (
	one      = `{"type":"record","name":"r","fields":[{"name":"a","type":"int"}]}`
	withNull = `{"type":"record","name":"r","fields":[{"name":"a","type":"int"},{"name":"b","type":["null","double"],"default":null}]}`
	required = `{"type":"record","name":"r","fields":[{"name":"a","type":"int"},{"name":"b","type":"double"}]}`
	wide     = `{"type":"record","name":"r","fields":[{"name":"a","type":"long"}]}`
)

func TestRegistryChecksCompatibility(t *testing.T) {
	for _, c := range []struct {
		name, next string
		level      sr.CompatibilityLevel
		ok         bool
	}{
		{"a field with a default is readable backward", withNull, sr.CompatBackward, true},
		{"and both ways", withNull, sr.CompatFull, true},
		{"a required field is not backward", required, sr.CompatBackward, false},
		{"but it is forward", required, sr.CompatForward, true},
		{"int to long is backward", wide, sr.CompatBackwardTransitive, true},
		{"long to int is not forward", wide, sr.CompatForward, false},
		{"anything goes without a level", required, sr.CompatNone, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, schemas := start(t)
			for _, r := range schemas.SetCompatibility(t.Context(), sr.SetCompatibility{Level: c.level}) {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
			}
			if _, err := schemas.CreateSchema(t.Context(), "s", sr.Schema{Schema: one}); err != nil {
				t.Fatal(err)
			}
			verdict, err := schemas.CheckCompatibility(sr.WithParams(t.Context(), sr.Verbose), "s", -1, sr.Schema{Schema: c.next})
			if err != nil {
				t.Fatal(err)
			}
			if verdict.Is != c.ok || (len(verdict.Messages) == 0) != c.ok {
				t.Errorf("check says %+v, want %v", verdict, c.ok)
			}
			_, err = schemas.CreateSchema(t.Context(), "s", sr.Schema{Schema: c.next})
			var refused *sr.ResponseError
			switch {
			case c.ok && err != nil:
				t.Errorf("registration: %v", err)
			case !c.ok && (!errors.As(err, &refused) || refused.StatusCode != http.StatusConflict):
				t.Errorf("registration: %v, want status 409", err)
			}
		})
	}
}

func TestRegistryRefusesIllegalSchema(t *testing.T) {
	_, _, schemas := start(t)
	_, err := schemas.CreateSchema(t.Context(), "s", sr.Schema{Schema: `{"type":"record"}`})
	var refused *sr.ResponseError
	if !errors.As(err, &refused) || refused.StatusCode != http.StatusUnprocessableEntity {
		t.Fatalf("got %v, want status 422", err)
	}
}

func TestRegistryResolvesReferences(t *testing.T) {
	_, _, schemas := start(t)
	if _, err := schemas.CreateSchema(t.Context(), "point", sr.Schema{Schema: `{"type":"record","name":"p","fields":[{"name":"x","type":"double"}]}`}); err != nil {
		t.Fatal(err)
	}
	line := sr.Schema{
		Schema:     `{"type":"record","name":"l","fields":[{"name":"from","type":"p"},{"name":"to","type":"p"}]}`,
		References: []sr.SchemaReference{{Name: "p", Subject: "point", Version: 1}},
	}
	if _, err := schemas.CreateSchema(t.Context(), "line", line); err != nil {
		t.Fatal(err)
	}
	// And the same again gets the same id.
	again, err := schemas.CreateSchema(t.Context(), "line", line)
	if err != nil || again.Version != 1 {
		t.Fatalf("second registration: version %d, %v", again.Version, err)
	}
}

func TestRegistryKeepsItsSchemasWhileAway(t *testing.T) {
	r, err := sandbox.StartRegistry("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	schemas, err := sr.NewClient(sr.URLs(r.URL), sr.HTTPClient(&http.Client{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := schemas.CreateSchema(t.Context(), "s", sr.Schema{Schema: one}); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if _, err := schemas.SchemaByID(t.Context(), 1); err == nil {
		t.Fatal("answers while away")
	}
	if err := r.Reopen(); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := schemas.SchemaByID(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
}
