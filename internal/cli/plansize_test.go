package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
	"github.com/lsst-sqre/kafka-aggregator/internal/survey"
)

// plan says of a schema that the registry has no room for what will become of
// it, and what can be done; and of one that it has room for that it has.
func TestPlanOfWideTopics(t *testing.T) {
	t.Parallel()
	wide := func(name string, fields int) string {
		var b strings.Builder
		for i := range fields {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"name":"forceActuatorMeasurement%04d","type":"double"}`, i)
		}
		return fmt.Sprintf("> topic %s 1\n{\"type\":\"record\",\"name\":\"w\",\"fields\":[%s]}\n<\n", name, b.String())
	}
	plan := func(topics, flags string) string {
		s := &script{t: t, dir: t.TempDir()}
		return s.play(topics + "> run plan --include ^wide --measure 0s " + flags + "\n<\n")
	}
	const ways = "use fewer operations, exclude fields (fields.exclude), or raise the registry's limit"
	for _, c := range []struct {
		fields        int
		says, accepts string
		warns         string
	}{
		{374, "there is no version that it has to be compatible with", `"accepted": true`, ""},
		{1100, "there is no version that it has to be compatible with", `"accepted": true`, "near the 1048576"},
		{1500, "a registry that keeps schemas in Kafka would refuse it", `"accepted": null`, "takes at most 1048576"},
	} {
		topics := wide("wide", c.fields)
		text := plan(topics, "")
		if !strings.Contains(text, c.says) || !strings.Contains(text, c.warns) || strings.Contains(text, ways) != (c.warns != "") {
			t.Errorf("%d fields: %s", c.fields, text[len(topics):])
		}
		text = plan(topics, "-o json")
		if !strings.Contains(text, c.accepts) || !strings.Contains(text, c.warns) {
			t.Errorf("%d fields: %s", c.fields, text[len(topics):])
		}
	}
}

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
