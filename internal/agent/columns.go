package agent

import (
	"cmp"
	"math"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// columns are decoded records, column by column, as a pane or a frame has
// them. They are read row by row, in order.
type columns struct {
	times, offsets []int64
	scalars        [][]float64 // by slot; nil where all are absent
	rests          [][]stats.Residual
	arrays         []arrayColumn // by slot; empty for scalars

	row   int   // to be read next
	rest  []int // by slot, the rest to be read next
	begin []int // by slot, where the array of the row begins
}

// rewind goes to the first row.
func (c *columns) rewind() {
	n := len(c.scalars)
	c.row = 0
	c.rest, c.begin = append(c.rest[:0], make([]int, n)...), append(c.begin[:0], make([]int, n)...)
}

// next reads a row; into nil, it passes over it. slots says which slot of the
// row a slot of the columns gets into; the other ones of the row are left alone.
func (c *columns) next(to *codec.Row, isArray []bool, slots []int) {
	if to != nil {
		to.Rests = to.Rests[:0]
	}
	for s, values := range c.scalars {
		slot := slots[s]
		element, end := 0, c.row+1 // of rests
		if isArray[slot] {
			a := &c.arrays[s]
			element, end = c.begin[s], c.begin[s]
			if c.row < len(a.ends) {
				end = int(a.ends[c.row])
			}
			c.begin[s] = end
			if to != nil {
				to.Arrays[slot] = a.values[element:end]
			}
		}
		if to != nil {
			to.Scalars[slot] = stats.Absent
			if values != nil {
				to.Scalars[slot] = values[c.row]
			}
		}
		rests := c.rests[s]
		if isArray[slot] {
			rests = c.arrays[s].rests
		}
		for ; c.rest[s] < len(rests) && int(rests[c.rest[s]].Row) < end; c.rest[s]++ {
			r := rests[c.rest[s]]
			if to == nil {
				continue
			}
			rest := codec.Rest{Slot: int32(slot), Value: r.Value}
			if isArray[slot] {
				rest.Element = r.Row - int32(element)
			}
			to.Rests = append(to.Rests, rest)
		}
	}
	c.row++
}

// blank makes a row of n slots, all absent.
func blank(row *codec.Row, n int) {
	row.Scalars, row.Arrays, row.Rests = row.Scalars[:0], row.Arrays[:0], row.Rests[:0]
	for range n {
		row.Scalars, row.Arrays = append(row.Scalars, stats.Absent), append(row.Arrays, nil)
	}
}

// limit has the pane at index i keep at most as many rows as it may: one that
// was kept whole is folded now as it would have been.
func (p *Partition) limit(i int) *pane {
	c := p.panes[i]
	c.whole = false
	over := c.rows > c.limit(p.layout)
	for _, slot := range p.layout.pooled {
		over = over || slot < c.slots && len(c.arrays[slot].values) > c.poolLimit(slot, p.layout)
	}
	if !over {
		return c
	}
	var cols columns
	slots := make([]int, c.slots)
	for s := range c.slots {
		slots[s] = s
		cols.scalars = append(cols.scalars, c.column(s))
	}
	cols.rests, cols.arrays = c.rests, c.arrays
	cols.rewind()
	out := p.take(false)
	out.start, out.opened, out.seed, out.partial, out.final = c.start, c.opened, c.seed, c.partial, c.final
	out.need(c.versions)
	p.panes[i] = out
	if p.current == c {
		p.current = out
	}
	var row codec.Row
	blank(&row, c.slots)
	for i := range c.rows {
		cols.next(&row, p.layout.isArray, slots)
		out.add(&row, c.offsets[i], c.times[i], p.layout)
	}
	p.release(c)
	return out
}

// grow makes room for n slots, keeping what memory there is.
func (c *columns) grow(n int) {
	for len(c.scalars) < n {
		c.scalars, c.rests, c.arrays = append(c.scalars, nil), append(c.rests, nil), append(c.arrays, arrayColumn{})
	}
	c.scalars, c.rests, c.arrays = c.scalars[:n], c.rests[:n], c.arrays[:n]
	for i := range c.rests {
		c.rests[i] = c.rests[i][:0]
	}
}

// searchRests is the index of the first residual of a value from index i on.
func searchRests(rests []stats.Residual, i int) int {
	at, _ := slices.BinarySearchFunc(rests, i, func(r stats.Residual, i int) int { return cmp.Compare(int(r.Row), i) })
	return at
}

// begin is where the array of a row begins, or would begin, among the values.
func (c *arrayColumn) begin(row int) int {
	if row = min(row, len(c.ends)); row > 0 {
		return int(c.ends[row-1])
	}
	return 0
}

func sameBits(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }
