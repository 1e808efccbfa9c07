package agent

import (
	"math"
	"strconv"
	"strings"
)

// Approximation says which fields of an aggregated record have approximate
// quantiles, and how good these are; see stats.Summarizer.RankError.
type Approximation struct {
	RankError float64  // the largest of any field; 0 if all quantiles are exact
	Fields    []string // that have approximate quantiles, in the order of the schema
	Exact     []string // and the others
}

// Any is true if there are approximate quantiles.
func (a *Approximation) Any() bool { return a.RankError > 0 }

// add notes the error of a field.
func (a *Approximation) add(field string, rankError float64) {
	if rankError == 0 {
		a.Exact = append(a.Exact, field)
		return
	}
	a.Fields = append(a.Fields, field)
	a.RankError = max(a.RankError, rankError)
}

// String is the text of the header: "quantiles rank_error=0.0004 fields=a,b".
// The error is rounded up. Where most of the fields are approximate it says
// "fields=all", and after that "except=c" for those that are not.
func (a *Approximation) String() string {
	var b strings.Builder
	b.WriteString("quantiles rank_error=")
	b.WriteString(strconv.FormatFloat(math.Ceil(a.RankError*1e5)/1e5, 'f', -1, 64))
	b.WriteString(" fields=")
	switch {
	case len(a.Fields) <= len(a.Exact):
		b.WriteString(strings.Join(a.Fields, ","))
	default:
		b.WriteString("all")
		if len(a.Exact) > 0 {
			b.WriteString(" except=")
			b.WriteString(strings.Join(a.Exact, ","))
		}
	}
	return b.String()
}
