//go:build e2e

package faults

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// ofSchema writes a record of another schema, which the registry holds as it
// is, into a window.
func (p *place) ofSchema(id int, schema string, seconds float64, body ...byte) {
	p.t.Helper()
	p.registry.Schemas.SeedSchema(fmt.Sprintf("%s-%d", p.topic, id), 1, id, sr.Schema{Schema: schema, Type: sr.TypeAvro})
	r := p.record(0, seconds)
	start := r.Timestamp.Truncate(1e9).UnixMilli()
	if p.sent[start] = p.sent[start][:len(p.sent[start])-1]; len(body) > 0 && body[0] == 'x' { // it has x = 2
		p.sent[start], body = append(p.sent[start], 2), body[1:]
	}
	r.Value = append(registry.AppendHeader(nil, id), body...)
	must(p.t, p.cl.ProduceSync(p.t.Context(), r).FirstErr())
}

// The aggregated schema does not fit into the registry, which answers 500: the
// topic goes on without the new fields, and one that has nothing to go on with
// waits, alone, and says why.
func TestF54SchemaTooLarge(t *testing.T) {
	p := onKafka(t)
	p.registry.Schemas.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || r.ContentLength < registry.UsualRecord {
			return false
		}
		w.WriteHeader(http.StatusInternalServerError)
		return true
	})
	p.cfg.Aggregations[0].Operations = []string{"min", "q1", "mean", "median", "stdev", "q3", "max"}
	p.create(1)
	p.fill(0, 0, 2)
	var fields strings.Builder
	for i := range 1500 {
		fmt.Fprintf(&fields, `{"name":"forceActuatorMeasurement%04d","type":"int"},`, i)
	}
	wide := `{"type":"record","name":"w","fields":[` + fields.String() + `{"name":"x","type":"int"}]}`
	p.ofSchema(1000, wide, 0.5, append([]byte{'x'}, append(make([]byte, 1500), 4)...)...)
	p.fill(0, 2, 5)
	good := p.topic
	p.topic = good + "-wide"
	p.create(1)
	p.ofSchema(1001, wide, 0.5, make([]byte, 1501)...)
	p.topic = good
	p.cfg.Aggregations[0].Topics.Include = []string{"^" + good + "(-wide)?$"}
	w := p.start()
	s := w.status("one goes on, one waits", func(s status) bool {
		return len(s.Topics) == 2 && s.Topics[0].Windows == 3 && s.Topics[0].Rejected == 1 && s.Topics[1].Problem() != ""
	})
	if problem := s.Topics[1].Problem(); !strings.Contains(problem, "fewer operations") || s.Topics[1].DeadLettered > 0 {
		t.Errorf("problem %q", problem)
	}
	w.end()
	p.cfg.Aggregations[0].Topics.Include = []string{"^" + good + "$"}
	p.exactly()
}

// Writer schemas that registries hold though their defaults, aliases and
// logical types are wrong: all records are in their windows.
func TestF57DeviatingSchemas(t *testing.T) {
	p := onKafka(t)
	p.create(1)
	p.fill(0, 0, 3)
	for i, field := range []string{
		`{"name":"a","type":"string","default":null}`, `{"name":"a","type":"boolean","default":"false"}`,
		`{"name":"a","type":{"type":"enum","name":"e","symbols":["A"],"default":"B"}}`, `{"name":"a","type":"int","aliases":["a","b","b"]}`,
		`{"name":"a","type":{"type":"bytes","logicalType":"decimal","precision":64,"scale":127}}`,
		`{"name":"a","type":{"type":"fixed","name":".Z","namespace":null,"size":1,"logicalType":"decimal","precision":9}}`,
	} {
		p.ofSchema(1000+i, `{"type":"record","name":"r","fields":[`+field+`,{"name":"x","type":"int"}]}`, 1.5, 'x', 0, 4)
	}
	p.fill(0, 3, 5)
	p.exactly()
	if n := len(p.read(p.cfg.DeadLetterTopic)); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

// Schemas that are no record, are too wide or too deep: what can be read is,
// the rest are dead letters, and all others go on.
func TestF58SchemaThatIsNoRecord(t *testing.T) {
	p := onKafka(t)
	p.create(1)
	p.fill(0, 0, 3)
	deep, wide := `"int"`, `{"name":"x0","type":{"type":"record","name":"W0","fields":[]}}`
	for i := range 65 {
		deep = fmt.Sprintf(`{"type":"record","name":"D%d","fields":[{"name":"d","type":%s}]}`, i, deep)
		wide += fmt.Sprintf(`,{"name":"x%d","type":{"type":"record","name":"W%d","fields":[{"name":"a","type":"W%d"},{"name":"b","type":"W%d"}]}}`, i+1, i+1, i, i)
	}
	dead := []string{
		`{"type":"map","values":"double"}`, `"string"`, `["null","string"]`, deep,
		`{"type":"record","name":"w","fields":[` + wide + `]}`,
	}
	for i, schema := range dead {
		p.ofSchema(1000+i, schema, 1.5, 0)
	}
	p.ofSchema(2000, `["null",{"type":"record","name":"a","fields":[{"name":"x","type":"int"}]},{"type":"record","name":"b","fields":[{"name":"y","type":"int"}]}]`, 1.5, 'x', 2, 4)
	p.ofSchema(2001, `"double"`, 3.5, make([]byte, 8)...)
	p.fill(0, 3, 5)
	p.finish()
	var got []int64
	for _, r := range p.rows() {
		got = append(got, r.count)
	}
	if want := "[10 11 10 11 10]"; fmt.Sprint(got) != want {
		t.Errorf("records in windows: %v, want %s", got, want)
	}
	if n := len(p.read(p.cfg.DeadLetterTopic)); n != len(dead) {
		t.Errorf("%d dead letters, want %d", n, len(dead))
	}
}
