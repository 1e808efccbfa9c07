package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestPickerAgainstSort(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 8))
	var p picker
	for i := range 4000 {
		n := 1 + r.IntN(300)
		if i%100 == 0 {
			n = 1 + r.IntN(20_000)
		}
		values := nasty(r, n)
		switch r.IntN(6) {
		case 0:
			for i := range values {
				values[i] = math.Round(values[i])
			}
		case 1:
			values[r.IntN(n)] = math.Inf(1)
		case 2:
			values[r.IntN(n)] = math.Inf(-1)
		case 3:
			values[r.IntN(n)] = math.MaxFloat64
			values[r.IntN(n)] = -math.MaxFloat64
		case 4: // so close that their width underflows
			for i := range values {
				values[i] = math.Float64frombits(uint64(r.IntN(50)))
			}
		}
		var ranks []int
		for range 1 + r.IntN(8) {
			ranks = append(ranks, r.IntN(n))
		}
		slices.Sort(ranks)
		ranks = slices.Compact(ranks)
		got := make([]float64, len(ranks))
		p.pick(got, ranks, values, slices.Min(values), slices.Max(values))
		slices.Sort(values)
		for i, rank := range ranks {
			if got[i] != values[rank] {
				t.Fatalf("rank %d of %d is %v, want %v", rank, n, got[i], values[rank])
			}
		}
	}
}
