package cli

import (
	"fmt"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// schemaNone is in place of a pipeline.Change where there is no plan, because of
// a problem.
const schemaNone pipeline.Change = "none"

func (a *agent) fields() []codec.Field {
	if a.plan == nil {
		return nil
	}
	return a.plan.Named()
}

func (a *agent) leftOut() []codec.LeftOut {
	if a.plan == nil {
		return nil
	}
	return a.plan.LeftOut
}

// note says what is particular about a topic, though nothing is wrong with it.
func (a *agent) note() string {
	if a.plan != nil && len(a.plan.Fields) == 0 {
		return "no numeric fields: only the number of records (count)"
	}
	return ""
}

// change is what becomes of the schema of the aggregated topic.
func (a *agent) change() pipeline.Change {
	if a.plan == nil {
		return schemaNone
	}
	return a.plan.Change
}

// currentID is that of the registered schema that the aggregated topic has: the
// one that stays, or the newest one; 0 if there is none.
func (a *agent) currentID() int {
	switch a.change() {
	case pipeline.Unchanged:
		return a.plan.ID
	case pipeline.Changed:
		return a.plan.BaseID
	case pipeline.Replaced:
		foreign := a.plan.History().Foreign
		return foreign[len(foreign)-1].ID
	}
	return 0
}

// schemaShown is the text of the schema that a worker needs, or, if there can be
// none, of the one that it goes on with; empty if there is neither.
func (a *agent) schemaShown() string {
	for _, p := range []*pipeline.Plan{a.plan, a.used} {
		if p != nil && p.Schema != nil {
			return p.Text
		}
	}
	return ""
}

// schemaText says what becomes of the aggregated schema.
func (a *agent) schemaText() string {
	var text string
	switch a.change() {
	case pipeline.Unchanged:
		return fmt.Sprintf("unchanged, id %d", a.currentID())
	case pipeline.New:
		text = "new"
	case pipeline.Changed:
		text = fmt.Sprintf("changed from id %d", a.currentID())
	case pipeline.Replaced:
		text = fmt.Sprintf("new; the one registered (id %d) is not this program's", a.currentID())
	}
	if a.plan.Err != nil {
		return text + ", and it cannot be made: " + a.plan.Err.Error() + a.insteadText()
	}
	text += ", " + amount(float64(a.stored))
	switch {
	case !a.accepted && len(a.reasons) == 0:
		return text + "; the registry would refuse it" + a.insteadText()
	case !a.accepted:
		return text + "; the registry would refuse it: " + a.reasons[0] + a.insteadText()
	case a.stored > registry.UsualRecord:
		return text + "; a registry that keeps schemas in Kafka would refuse it, unless its limit was raised"
	case a.change() == pipeline.New:
		return text + "; there is no version that it has to be compatible with"
	}
	return text + "; the registry finds it compatible"
}

// instead is what a worker goes on with if the registry refuses the schema that it
// needs, nil if there is nothing to say of that.
func (a *agent) instead() any {
	if a.accepted || a.used == nil {
		return nil
	}
	return object{{"id", a.used.ID}, {"without", a.lacking()}}
}

func (a *agent) lacking() []string {
	paths := []string{}
	for _, f := range a.used.Lacking() {
		paths = append(paths, f.Path)
	}
	return paths
}

// insteadText is instead for people.
func (a *agent) insteadText() string {
	switch {
	case a.used == nil:
		return "; the topic would wait"
	case len(a.lacking()) == 0:
		return fmt.Sprintf("; id %d would stay in use", a.used.ID)
	}
	return fmt.Sprintf("; id %d would stay in use, without %s", a.used.ID, strings.Join(a.lacking(), ", "))
}

// verdict is whether the registry would accept the schema; nil if that depends
// on its limit.
func (a *agent) verdict() any {
	if a.accepted && a.stored > registry.UsualRecord {
		return nil
	}
	return a.accepted
}
