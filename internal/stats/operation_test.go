package stats

import (
	"regexp"
	"strings"
	"testing"
)

func TestParseOperation(t *testing.T) {
	for _, name := range append(Names(), "p1", "p99", "p0.1", "p99.9", "p50.5") {
		op, err := ParseOperation(name)
		if err != nil || op.String() != name {
			t.Errorf("%s: %v %v", name, op, err)
			continue
		}
		again, _ := ParseOperation(name)
		if op != again {
			t.Errorf("%s is not equal to itself", name)
		}
		if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(op.FieldName()) {
			t.Errorf("%s: field name %q is not legal in Avro", name, op.FieldName())
		}
		if doc := op.Doc(); doc == "" || strings.Contains(doc, "%") {
			t.Errorf("%s: doc %q", name, doc)
		}
		op.Units("m")
	}
	for name, hint := range map[string]string{
		"":       "did you mean",
		"avg":    "did you mean",
		"Mean":   `"mean"`,
		"stddev": `"stdev"`,
		"medien": `"median"`,
		"count":  `"samples"`,
		"p0":     "p0.1 to p99.9",
		"p100":   "p0.1 to p99.9",
		"p05":    "p0.1 to p99.9",
		"p5.0":   "p0.1 to p99.9",
		"p99.99": "p0.1 to p99.9",
		"p.5":    "p0.1 to p99.9",
		"p5.":    "p0.1 to p99.9",
		"p":      "did you mean",
	} {
		if _, err := ParseOperation(name); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct{ op, source, want string }{
		{"mean", "m", "m"}, {"p99.9", "m", "m"}, {"stdev", "m", "m"},
		{"variance", "m", "m2"}, {"pvariance", "m/s", "(m/s)2"}, {"variance", "unitless", "unitless"}, {"variance", "", ""},
		{"slope", "m", "m/s"}, {"slope", "unitless", "1/s"}, {"slope", "", ""},
		{"samples", "m", "unitless"}, {"skewness", "", "unitless"},
	} {
		if got := parseOperations(t, c.op)[0].Units(c.source); got != c.want {
			t.Errorf("%s of %q: %q, want %q", c.op, c.source, got, c.want)
		}
	}
}

func TestNeedsTimes(t *testing.T) {
	ops := parseOperations(t, "mean p50")
	if NeedsTimes(ops, Options{}) || !NeedsTimes(ops, Options{SmallSamples: SmallFirstValue}) {
		t.Error("mean needs times for the first value only")
	}
	if !NeedsTimes(append(ops, parseOperations(t, "last")...), Options{}) {
		t.Error("last needs times")
	}
}
