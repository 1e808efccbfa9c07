package stats

import (
	"fmt"
	"slices"
	"strings"
)

// Operation is a statistic. Two operations of one name are equal (==). The
// zero Operation is not valid; see ParseOperation.
type Operation struct {
	name string // as configured: "q1", "p99.9"
	def  *definition
	cut  cut // of a percentile
}

// ParseOperation finds an operation by its configured name. The error of an
// unknown name lists the known ones and the nearest.
func ParseOperation(name string) (Operation, error) {
	for _, d := range table {
		if d.name == name {
			return Operation{name: name, def: d}, nil
		}
	}
	if c, ok := parsePercentile(name); ok {
		return Operation{name: name, def: &opPercentile, cut: c}, nil
	}
	switch {
	case name == "count":
		return Operation{}, fmt.Errorf("unknown operation %q: every record has the count of its window; the samples of a field are counted by \"samples\"", name)
	case isPercentileLike(name):
		return Operation{}, fmt.Errorf("unknown operation %q: percentiles are p0.1 to p99.9, with at most one decimal and no needless zeros", name)
	}
	return Operation{}, fmt.Errorf("unknown operation %q: did you mean %q? Known are %s and the percentiles p0.1 to p99.9",
		name, nearestName(name), strings.Join(Names(), ", "))
}

// Names lists the names of all operations, in the order of the documentation,
// without the percentiles p0.1 to p99.9.
func Names() []string {
	names := make([]string, len(table))
	for i, d := range table {
		names[i] = d.name
	}
	return names
}

// NeedsTimes says whether segments must have Times for these operations and
// options.
func NeedsTimes(ops []Operation, opts Options) bool {
	return opts.SmallSamples == SmallFirstValue || slices.ContainsFunc(ops, Operation.NeedsTimes)
}

// String is the configured name ("p99.9"); FieldName is the legal Avro form
// of it, the prefix of an aggregated field ("p99_9").
func (o Operation) String() string    { return o.name }
func (o Operation) FieldName() string { return strings.ReplaceAll(o.name, ".", "_") }

// Doc is one sentence of definition; Units turns the units of the source
// field into those of the result ("m" -> "m", "m2", "m/s", "unitless").
func (o Operation) Doc() string {
	if o.def == &opPercentile {
		return fmt.Sprintf(o.def.doc, o.name[1:])
	}
	return o.def.doc
}
func (o Operation) Units(source string) string { return o.def.units(source) }

// NeedsTimes is true for first, last and slope.
func (o Operation) NeedsTimes() bool { return o.def.times }

// nearestName is the known name with the smallest edit distance.
func nearestName(name string) string {
	best, distance := "", 1<<30
	for _, d := range table {
		if n := editDistance(strings.ToLower(name), d.name); n < distance {
			best, distance = d.name, n
		}
	}
	return best
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d++
			}
			diagonal = row[j+1]
			row[j+1] = min(d, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
