package sandbox_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

func served(t *testing.T) (*sandbox.Registry, func(subject, text string) (int, error), *sr.Client) {
	t.Helper()
	r, err := sandbox.StartRegistry("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	client, err := sr.NewClient(sr.URLs(r.URL))
	if err != nil {
		t.Fatal(err)
	}
	return r, func(subject, text string) (int, error) {
		return client.RegisterSchema(t.Context(), subject, sr.Schema{Schema: text}, -1, -1)
	}, client
}

// TestRegistryKnowsSchemasAgain: the same schema has the same id, however it is
// written, under whatever subject, and whoever brought it.
func TestRegistryKnowsSchemasAgain(t *testing.T) {
	r, register, client := served(t)
	must := func(subject, text string, want int) {
		t.Helper()
		if id, err := register(subject, text); err != nil || id != want {
			t.Errorf("%s: id %d, %v; want %d", subject, id, err, want)
		}
	}
	const spaced = `{ "name":"r", "fields":[{"type":"int", "name":"a"}], "type":"record" }`
	must("a", one, 1)
	must("a", one, 1)
	must("a", spaced, 1)
	must("b", one, 1) // of another subject
	must("b", spaced, 1)
	must("a", withNull, 2)
	must("b", withNull, 2)
	if versions, err := client.SubjectVersions(t.Context(), "b"); err != nil || fmt.Sprint(versions) != "[1 2]" {
		t.Errorf("versions %v, %v", versions, err)
	}
	other := strings.Replace(one, `"r"`, `"q"`, 1)
	if id, _, err := r.Schemas.RegisterSchema("direct", sr.Schema{Schema: other}); err != nil || id != 3 {
		t.Fatal(id, err)
	}
	must("c", other, 3)
	must("direct", other, 3)
	must("e", strings.Replace(one, `"r"`, `"p"`, 1), 4)
	r.Schemas.SeedSchema("seeded", 1, 100, sr.Schema{Schema: strings.Replace(one, `"r"`, `"o"`, 1), Type: sr.TypeAvro})
	must("d", strings.Replace(one, `"r"`, `"n"`, 1), 5)
}

// TestRegistryTakesADeletedSubject: it may be registered again.
func TestRegistryTakesADeletedSubject(t *testing.T) {
	_, register, client := served(t)
	for _, text := range []string{one, withNull} {
		if _, err := register("a", text); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.DeleteSubject(t.Context(), "a", sr.SoftDelete); err != nil {
		t.Fatal(err)
	}
	if id, err := register("a", one); err != nil || id != 1 {
		t.Errorf("an old schema: %d, %v", id, err)
	}
	if _, err := client.DeleteSubject(t.Context(), "a", sr.SoftDelete); err != nil {
		t.Fatal(err)
	}
	if id, err := register("a", wide); err != nil || id != 3 {
		t.Errorf("a new schema: %d, %v", id, err)
	}
	if s, err := client.SchemaByVersion(t.Context(), "a", -1); err != nil || s.ID != 3 {
		t.Errorf("latest %+v, %v", s, err)
	}
}

// TestRegistryTakesLargeSchemas: an aggregated schema may have a megabyte and more.
func TestRegistryTakesLargeSchemas(t *testing.T) {
	_, register, client := served(t)
	text := record("large", 12_000)
	if len(text) < 1<<20 {
		t.Fatalf("only %d bytes", len(text))
	}
	id, err := register("a", text)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := client.SchemaByID(t.Context(), id); err != nil || s.Schema != text {
		t.Errorf("%d bytes, %v", len(s.Schema), err)
	}
}

// TestRegistryIntercepts: faults that a test puts into srfake come before it answers.
func TestRegistryIntercepts(t *testing.T) {
	r, register, _ := served(t)
	var seen atomic.Int64
	var answer atomic.Int64
	r.Schemas.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPost || req.URL.Path != "/subjects/a/versions" {
			return false
		}
		seen.Add(1)
		if status := int(answer.Load()); status != 0 {
			w.WriteHeader(status)
			return true
		}
		return false
	})
	for _, status := range []int{0, 503, 400, 0} {
		answer.Store(int64(status))
		id, err := register("a", one)
		var reply *sr.ResponseError
		if status == 0 && (err != nil || id != 1) || status != 0 && (!errors.As(err, &reply) || reply.StatusCode != status) {
			t.Errorf("%d: id %d, %v", status, id, err)
		}
	}
	if seen.Load() != 4 {
		t.Errorf("seen %d requests", seen.Load())
	}
}
