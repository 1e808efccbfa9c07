package cli

import (
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
	"github.com/lsst-sqre/kafka-aggregator/internal/survey"
)

// A registry that compares only, and so has nothing against a schema that it
// will not keep.
func TestVerdictOfSize(t *testing.T) {
	for _, c := range []struct {
		a       survey.Agent
		text    string
		verdict any
	}{
		{survey.Agent{Plan: &pipeline.Plan{Change: pipeline.Unchanged, ID: 7}, Accepted: true}, "unchanged, id 7", true},
		{survey.Agent{Plan: &pipeline.Plan{Change: pipeline.New}, Accepted: true, Stored: 1000}, "new, 1000 B; there is no version that it has to be compatible with", true},
		{survey.Agent{Plan: &pipeline.Plan{Change: pipeline.Changed, BaseID: 7}, Accepted: true, Stored: 1 << 19}, "changed from id 7, 512 KiB; the registry finds it compatible", true},
		{survey.Agent{Plan: &pipeline.Plan{Change: pipeline.Changed, BaseID: 7}, Accepted: true, Stored: 1 << 21}, "changed from id 7, 2 MiB; a registry that keeps schemas in Kafka would refuse it, unless its limit was raised", nil},
		{survey.Agent{Plan: &pipeline.Plan{Change: pipeline.Changed, BaseID: 7}, Stored: 1 << 21, Reasons: []string{"no"}}, "changed from id 7, 2 MiB; the registry would refuse it: no; the topic would wait", false},
	} {
		if text, verdict := schemaText(&c.a), verdict(&c.a); text != c.text || verdict != c.verdict {
			t.Errorf("%s, %v; want %s, %v", text, verdict, c.text, c.verdict)
		}
	}
}
