//go:build invariants

package stats

import (
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
)

// Each result that differs from the plain way's by a bit is found, and so is
// memory that was given back.
func TestPlainWayFindsWrongResults(t *testing.T) {
	ops := parseOperations(t, "samples min max median q1 q3 p90 sum mean variance")
	seg := Segment{}
	for i := range 100 {
		seg.appendInt(i, 1<<60+int64(i*i))
	}
	violated := func(s *Summarizer, dst []float64, segs ...Segment) (text string) {
		defer func() { text, _ = recover().(string) }()
		s.verify(dst, Integer, segs)
		return ""
	}
	for i, op := range ops {
		s := NewSummarizer(ops, Options{})
		dst := make([]float64, len(ops))
		s.Summarize(dst, Integer, []Segment{seg})
		s.calls = 0 // the sums are compared again
		if text := violated(s, dst, seg); text != "" {
			t.Errorf("right results: %s", text)
		}
		dst[i] += dst[i] / (1 << 52)
		s.calls = 0
		if text := violated(s, dst, seg); !strings.HasPrefix(text, "BUG: "+op.String()+" of 100 samples from ") {
			t.Errorf("a wrong %s: %q", op, text)
		}
	}
	freed := Segment{Values: []float64{1, invariants.Freed, 2}}
	if text := violated(NewSummarizer(ops, Options{}), nil, freed); !strings.Contains(text, "given back") {
		t.Errorf("freed memory: %q", text)
	}
	wrong := Segment{Values: []float64{1, 2}, Residuals: []Residual{{Row: 5, Value: 1}}}
	if text := violated(NewSummarizer(ops, Options{}), nil, wrong); !strings.Contains(text, "1 of 1 residuals") {
		t.Errorf("wrong residuals: %q", text)
	}
}
