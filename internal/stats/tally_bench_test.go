package stats

import (
	"fmt"
	"testing"
)

// BenchmarkTally is what the default operations take of segments that windows
// share: the tally of one, and a window of some, which are tallied.
func BenchmarkTally(b *testing.B) {
	ops := parseOperations(b, defaultOperations)
	needs := NeedsOf(ops, Options{})
	s := NewSummarizer(ops, Options{MinSampleSize: 2})
	dst := make([]float64, len(ops))
	for _, rows := range []int{100, 250, 2500} {
		const sets = 20
		perValue := func(b *testing.B, n int) {
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/value")
		}
		b.Run(fmt.Sprintf("make/rows=%d", rows), func(b *testing.B) {
			segs := benchSegments(rows*sets, sets, benchData[1].make)
			b.ReportAllocs()
			tallies := make([]Tally, sets)
			i := 0
			for b.Loop() {
				s.Tally(&tallies[i%sets], segs[i%sets].Values, needs)
				i++
			}
			perValue(b, rows)
		})
		for _, n := range []int{1, 4, 10, 60, 240} {
			for _, how := range []string{"samples", "tallies"} {
				b.Run(fmt.Sprintf("window/of=%s/rows=%d/segments=%d", how, rows, n), func(b *testing.B) {
					segs := benchSegments(rows*n*sets, n*sets, benchData[1].make)
					if how == "tallies" {
						for i := range segs {
							segs[i].Tally = new(Tally)
							s.Tally(segs[i].Tally, segs[i].Values, needs)
						}
					}
					b.ReportAllocs()
					i := 0
					for b.Loop() {
						s.Summarize(dst, Real, segs[i*n:(i+1)*n])
						i = (i + 1) % sets
					}
					perValue(b, n*rows)
				})
			}
		}
	}
}
