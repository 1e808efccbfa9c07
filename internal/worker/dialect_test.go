package worker_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// TestRegistriesThatSayNotFoundInTheirOwnWay: a record of a schema that is not there
// is a dead letter, whatever the 404 looks like, and all others are in their windows.
func TestRegistriesThatSayNotFoundInTheirOwnWay(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
	}{
		"code 404":   {404, `{"error_code":404,"message":"No content with id/hash 99"}`},
		"HTML":       {404, "<html>not found</html>"},
		"no word":    {404, ""},
		"400":        {400, `{"error_code":400,"message":"bad request"}`},
		"410":        {410, ""},
		"not itself": {200, `{"status":"ok"}`},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, sandbox.Options{})
			b.box.Schemas.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/schemas/ids/99" {
					return false
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
				return true
			})
			b.topic("t", 1)
			id := b.schema("t", xField)
			b.send("t", 0, 0.2, append(registry.AppendHeader(nil, 99), double(1)...))
			b.send4("t", id)
			r := b.start()
			wantKeys(t, b.read("t-aggregated", 3)[:3], "0:1", "1:1", "2:1")
			letter := b.records("kafka-aggregator-dead-letter", 1)[0]
			if h := headers(letter); h["topic"] != "t" || h["offset"] != "0" || !strings.Contains(h["error"], "schema 99") {
				t.Errorf("headers %v", h)
			}
			r.status("ready", func(s status.Status) bool { return s.Ready })
		})
	}
}

// TestSeveralRegistriesOneAway: the next address of the list is asked.
func TestSeveralRegistriesOneAway(t *testing.T) {
	b := newBench(t, sandbox.Options{})
	b.cfg.SchemaRegistry.URL = "http://127.0.0.1:1, " + b.box.RegistryURL
	b.topic("t", 1)
	b.send4("t", b.schema("t", xField))
	b.start()
	wantKeys(t, b.read("t-aggregated", 3)[:3], "0:1", "1:1", "2:1")
}

// TestContextOfARegistry: source schemas are read, and aggregated ones registered, there.
func TestContextOfARegistry(t *testing.T) {
	b := newBench(t, sandbox.Options{})
	b.cfg.SchemaRegistry.Context = ".staging"
	b.topic("t", 1)
	b.send4("t", b.schema(":.staging:t", xField))
	b.start()
	wantKeys(t, b.read("t-aggregated", 3)[:3], "0:1", "1:1", "2:1")
	if !b.box.Schemas.SubjectExists(":.staging:t-aggregated-value") || b.box.Schemas.SubjectExists("t-aggregated-value") {
		t.Error("the aggregated schema is not in the context")
	}
}
