package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Sums that were merged in any order give the results of the whole window.
func TestPowerSumsMerge(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	parts := make([]*PowerSums, 5)
	for i := range parts {
		parts[i] = NewPowerSums(4)
	}
	for range 400 {
		seg, kind := goldenWindow(r.IntN(100_000))
		for _, p := range parts {
			p.Reset()
		}
		rests := seg.Residuals
		for row, x := range seg.Values {
			p := parts[r.IntN(len(parts))]
			if len(rests) > 0 && int(rests[0].Row) == row {
				v, _ := joinInt64(x, rests[0].Value)
				p.AddInt(v)
				rests = rests[1:]
			} else {
				p.Add(x)
			}
		}
		for n := len(parts); n > 1; n-- { // any two, until one is left
			i := r.IntN(n - 1)
			parts[i].Merge(parts[n-1])
		}
		p := parts[0]
		want := summarize(t, "samples sum mean rms stdev variance pstdev pvariance stderr skewness kurtosis", Options{}, kind, seg)
		got := map[string]float64{
			"samples": float64(p.N()), "sum": p.Sum(), "mean": p.Mean(), "rms": p.RMS(),
			"pstdev": p.deviation(populationVariance), "pvariance": p.variance(populationVariance),
			"skewness": p.Skewness(), "kurtosis": p.Kurtosis(),
		}
		if p.N() > 1 {
			got["stdev"], got["variance"], got["stderr"] = p.deviation(sampleVariance), p.variance(sampleVariance), p.deviation(meanVariance)
		}
		for name, v := range got {
			if math.Float64bits(v) != math.Float64bits(want[name]) {
				t.Fatalf("%s = %v merged, %v at once", name, v, want[name])
			}
		}
	}
}

// The largest and smallest products find room.
func TestPowerSumsExtremes(t *testing.T) {
	p := NewPowerSums(4)
	for range 1000 {
		p.Add(math.MaxFloat64)
		p.Add(-math.MaxFloat64)
		p.Add(math.SmallestNonzeroFloat64)
	}
	if got := p.Sum(); got != 1000*math.SmallestNonzeroFloat64 {
		t.Errorf("sum = %v", got)
	}
	if got := p.RMS(); got != math.Sqrt(2.0/3)*math.MaxFloat64 {
		t.Errorf("rms = %v", got)
	}
	if got := p.Kurtosis(); got != -1.5 {
		t.Errorf("kurtosis = %v", got)
	}
}
