package stats

import "testing"

// BenchmarkSketch is the cost of a sample in a window that is too large to be
// kept, and of the window itself.
func BenchmarkSketch(b *testing.B) {
	for _, operations := range []string{"median", "mean", "mean stdev", defaultOperations, "kurtosis", "first last slope"} {
		b.Run("add/"+operations, func(b *testing.B) {
			segs := benchSegments(1<<18, 64, benchData[1].make)
			k := NewSketch(NeedsOf(parseOperations(b, operations), Options{}), 0, 1)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				k.Add(&segs[i%len(segs)])
				i++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(1<<12), "ns/value")
		})
	}
	for _, data := range benchData {
		b.Run("quantiles/"+data.name, func(b *testing.B) {
			segs := benchSegments(1<<18, 64, data.make)
			k := NewSketch(NeedsOf(parseOperations(b, "median"), Options{}), 0, 1)
			i := 0
			for b.Loop() {
				k.Add(&segs[i%len(segs)])
				i++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(1<<12), "ns/value")
		})
	}
	b.Run("summarize", func(b *testing.B) {
		ops := parseOperations(b, defaultOperations)
		segs := benchSegments(1<<20, 4, benchData[1].make)
		for i := range segs {
			k := NewSketch(NeedsOf(ops, Options{}), 0, uint64(i))
			k.Add(&segs[i])
			segs[i] = Segment{Sketch: k}
		}
		s, dst := NewSummarizer(ops, Options{}), make([]float64, len(ops))
		b.ReportAllocs()
		for b.Loop() {
			s.Summarize(dst, Real, segs)
		}
	})
}
