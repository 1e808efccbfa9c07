package cli

import (
	"fmt"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
	"github.com/lsst-sqre/kafka-aggregator/internal/survey"
)

// note says what is particular about a topic, though nothing is wrong with it.
func note(a *survey.Agent) string {
	if a.Plan != nil && len(a.Plan.Fields) == 0 {
		return "no numeric fields: only the number of records (count)"
	}
	return ""
}

// schemaText says what becomes of the aggregated schema.
func schemaText(a *survey.Agent) string {
	var text string
	switch a.Change() {
	case pipeline.Unchanged:
		return fmt.Sprintf("unchanged, id %d", a.CurrentID())
	case pipeline.New:
		text = "new"
	case pipeline.Changed:
		text = fmt.Sprintf("changed from id %d", a.CurrentID())
	case pipeline.Replaced:
		text = fmt.Sprintf("new; the one registered (id %d) is not this program's", a.CurrentID())
	}
	if a.Plan.Err != nil {
		return text + ", and it cannot be made: " + a.Plan.Err.Error() + insteadText(a)
	}
	text += ", " + amount(float64(a.Stored))
	switch {
	case !a.Accepted && len(a.Reasons) == 0:
		return text + "; the registry would refuse it" + insteadText(a)
	case !a.Accepted:
		return text + "; the registry would refuse it: " + a.Reasons[0] + insteadText(a)
	case a.TooLarge():
		return text + "; a registry that keeps schemas in Kafka would refuse it, unless its limit was raised"
	case a.Change() == pipeline.New:
		return text + "; there is no version that it has to be compatible with"
	}
	return text + "; the registry finds it compatible"
}

// instead is what a worker goes on with if the registry refuses the schema that it
// needs, nil if there is nothing to say of that.
func instead(a *survey.Agent) any {
	if a.Accepted || a.Used == nil {
		return nil
	}
	return object{{"id", a.Used.ID}, {"without", a.Lacking()}}
}

// insteadText is instead for people.
func insteadText(a *survey.Agent) string {
	switch {
	case a.Used == nil:
		return "; the topic would wait"
	case len(a.Lacking()) == 0:
		return fmt.Sprintf("; id %d would stay in use", a.Used.ID)
	}
	return fmt.Sprintf("; id %d would stay in use, without %s", a.Used.ID, strings.Join(a.Lacking(), ", "))
}

// verdict is whether the registry would accept the schema; nil if that depends
// on its limit.
func verdict(a *survey.Agent) any {
	if a.Accepted && a.TooLarge() {
		return nil
	}
	return a.Accepted
}
