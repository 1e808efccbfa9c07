package agent

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// randomColumns are n records of the given number of columns, some of them
// absent in all records, with offsets from first on.
func randomColumns(rng *rand.Rand, n, width int, first int64) *columns {
	c := &columns{}
	c.grow(width)
	for range n {
		first += 1 + rng.Int64N(3)
		c.offsets, c.times = append(c.offsets, first), append(c.times, rng.Int64N(1000))
	}
	for s := range width {
		if rng.IntN(4) == 0 {
			continue
		}
		c.scalars[s] = []float64{}
		for row := range n {
			c.scalars[s] = append(c.scalars[s], rng.NormFloat64())
			if rng.IntN(3) == 0 {
				c.rests[s] = append(c.rests[s], stats.Residual{Row: int32(row), Value: int16(rng.IntN(99))})
			}
		}
	}
	c.rewind()
	return c
}

// TestAddColumns: a pane is the same whether records are added one after the
// other or column by column.
func TestAddColumns(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	layouts := []*layout{
		{isArray: make([]bool, 3), limit: 40},
		{isArray: make([]bool, 5), limit: 40}, // a newer schema has come
		{isArray: []bool{false, false, false, false, false, true}, limit: 40},
	}
	for _, l := range layouts {
		l.isPooled = make([]bool, len(l.isArray))
	}
	by := map[bool]int{}
	for range 300 {
		rows, cols := &pane{last: -1}, &pane{last: -1}
		last := int64(-1)
		for _, l := range layouts {
			for range rng.IntN(4) {
				width := 1 + rng.IntN(3)
				c := randomColumns(rng, 1+rng.IntN(15), width, last)
				slots := rng.Perm(min(len(l.isArray), 5))[:width]
				if rng.IntN(20) > 0 { // else some of it comes twice
					last = c.offsets[len(c.offsets)-1]
				}
				add := func(p *pane) {
					c.rewind()
					var row codec.Row
					blank(&row, len(l.isArray))
					for i, o := range c.offsets {
						if o <= p.last {
							c.next(nil, l.isArray, slots)
							continue
						}
						c.next(&row, l.isArray, slots)
						p.add(&row, o, c.times[i], l)
					}
				}
				add(rows)
				done := cols.addColumns(c, slots, l)
				if by[done]++; !done {
					add(cols)
				}
			}
			if rows.rows != cols.rows || rows.folded != cols.folded || rows.first != cols.first || rows.last != cols.last || rows.slots != cols.slots ||
				!equal(rows.times, cols.times) || !equal(rows.offsets, cols.offsets) {
				t.Fatalf("records differ:\n%+v\n%+v", rows, cols)
			}
			for s := range rows.slots {
				a, b := rows.column(s), cols.column(s)
				for i := range a {
					if math.Float64bits(a[i]) != math.Float64bits(b[i]) {
						t.Fatalf("slot %d row %d: %v and %v", s, i, a[i], b[i])
					}
				}
				if !equal(rows.rests[s], cols.rests[s]) || !equal(rows.arrays[s].ends, cols.arrays[s].ends) {
					t.Fatalf("slot %d: %+v %+v and %+v %+v", s, rows.rests[s], rows.arrays[s], cols.rests[s], cols.arrays[s])
				}
			}
			if !reflect.DeepEqual(rows.large, cols.large) {
				t.Fatalf("sketches differ")
			}
		}
	}
	if by[true] < 100 || by[false] < 100 {
		t.Errorf("column by column: %v", by)
	}
}

// equal tells nothing from empty.
func equal[T comparable](a, b []T) bool {
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
}
