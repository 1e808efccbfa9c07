package survey

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
)

// Topics whose schemas are not under their names are planned by what their newest records
// name, however they do, and the lengths of arrays are found in them.
func TestLookAtFramings(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	id := b.schema("elsewhere", withArrays)
	names, err := b.registry.Names(t.Context(), "elsewhere")
	must(t, err)
	data, err := avro.MustParse(withArrays).Encode(map[string]any{"x": 0.0, "forces": []float64{1, 2, 3}})
	must(t, err)
	send := func(topic string, header, before []byte) {
		b.topic(topic, 1, nil)
		r := &kgo.Record{Topic: topic, Timestamp: time.Now(), Value: append(before, data...)}
		if header != nil {
			r.Headers = []kgo.RecordHeader{{Key: framing.SchemaHeader, Value: header}}
		}
		must(t, b.kafka.ProduceSync(t.Context(), r).FirstErr())
	}
	send("s-guid", framing.AppendGUIDHeader(nil, names.GUID), nil)
	send("s-header", framing.AppendIDHeader(nil, id), nil)
	send("s-object", nil, framing.AppendSingle(nil, names.Fingerprint))
	send("s-bare", nil, nil)
	send("s-prefix", nil, framing.AppendPrefix(nil, id))
	b.topic("s-empty", 1, nil)
	change := func(c *config.Config) {
		all(c)
		c.Aggregations[0].Framing = config.Framing{Subjects: []string{"elsewhere"}, SingleObject: true, Bare: config.BareFraming{Subject: "elsewhere"}}
	}
	// This registry gives no ids with GUIDs, as Confluent's.
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		b.box.Schemas.Handler().ServeHTTP(answer, r)
		var document map[string]any
		if strings.HasPrefix(r.URL.Path, "/schemas/guids/") && json.Unmarshal(answer.Body.Bytes(), &document) == nil {
			delete(document, "id")
			_ = json.NewEncoder(w).Encode(document)
			return
		}
		w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	}))
	t.Cleanup(site.Close)
	of := b.connect(site.URL, change)
	s, err := Look(t.Context(), of)
	must(t, err)
	lengths, err := s.ArrayLengths(t.Context(), of)
	must(t, err)
	for _, a := range s.Agents {
		named := "schema 1"
		if a.Topic == "s-guid" {
			named = "schema GUID " + names.GUID.String()
		}
		if a.Problem != "" || a.SourceSchema() != named || len(a.Fields()) != 2 {
			t.Errorf("%s: problem %q, %s, %d fields", a.Topic, a.Problem, a.SourceSchema(), len(a.Fields()))
		}
		if n := lengths[a]; a.Topic != "s-empty" && (len(n) != 2 || n[1] != 3) {
			t.Errorf("%s: lengths %v", a.Topic, n)
		}
	}
	if len(s.Agents) != 6 {
		t.Errorf("%d agents", len(s.Agents))
	}
	// Without the setting, the reason is told.
	s, err = Look(t.Context(), b.connect(b.box.RegistryURL, func(c *config.Config) {
		all(c)
		c.Aggregations[0].Topics.Include = []string{"^s-object$"}
	}))
	must(t, err)
	if p := s.Agents[0].Problem; !strings.Contains(p, "no record names a schema (the last: no header __value_schema_id, no prefix (first byte is 0xc3, not 0x00), begins like a single object: see framing.single_object)") {
		t.Error(p)
	}
}
