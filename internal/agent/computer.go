package agent

import (
	"cmp"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Result is the aggregated record of a window.
type Result struct {
	Output     int   // index of the window's shape
	Start, End int64 // ns
	Time       int64 // middle, ns; the record's timestamp
	Count      int64
	Key        []byte
	Value      []byte
	Ranges     []Range
	Partial    bool // records that belong to the window may be missing

	Approximation Approximation
}

// Range says from which offsets of a source partition a window was computed:
// Count records from First to Last, both included.
type Range struct {
	Partition   int32
	First, Last int64
	Count       int64
}

// Computer turns final windows into aggregated records. It owns scratch
// memory and is used by one goroutine; it serves one agent configuration
// (operations and options).
type Computer struct {
	ops     int
	sum     *stats.Summarizer
	results codec.Results
	one     []float64 // results of one element of an array

	rankError float64 // of the field that is being computed
	tallied   bool    // the panes of the window are

	segments []stats.Segment
	element  [][]float64 // gathered samples of some elements, by pane
	rests    [][]stats.Residual
	times    [][]int64
}

// NewComputer makes a computer for the operations of an agent.
func NewComputer(ops []stats.Operation, opts stats.Options) *Computer {
	return &Computer{ops: len(ops), sum: stats.NewSummarizer(ops, opts), one: make([]float64, len(ops))}
}

// Compute makes the aggregated record of a window. Partitions go in the order
// of their ids and records in the order of their offsets, so the bytes do not
// depend on when and by whom the records were read.
func (c *Computer) Compute(a *Agent, w Window) Result {
	size := a.set.Grid.Shapes[w.Output].Size
	r := Result{Output: w.Output, Start: w.Start, End: window.End(w.Start, size), Partial: w.partial}
	r.Time = r.Start + (r.End-r.Start)/2
	version := w.version
	for _, c := range w.panes {
		version = max(version, c.version(w.Output))
		r.Count += c.count()
		r.extend(Range{Partition: c.owner.ID, First: c.first, Last: c.last, Count: c.count()})
	}
	v := a.outputs[w.Output].versions[version]
	c.tally(a, w)
	c.fields(v.Schema.Fields, v.slots, w.panes, &r.Approximation)
	r.Key = Key(a.Topic, "", r.Start, size)
	r.Value = v.Encoder.Append(nil, codec.Head{
		Time:  seconds(r.Time),
		Start: floorMillis(r.Start), End: floorMillis(r.End),
		Size: seconds(size), Count: r.Count,
	}, &c.results)
	return r
}

// extend adds the range of a slice to that of its partition.
func (r *Result) extend(s Range) {
	for i, have := range r.Ranges {
		if have.Partition == s.Partition {
			r.Ranges[i] = Range{s.Partition, min(have.First, s.First), max(have.Last, s.Last), have.Count + s.Count}
			return
		}
	}
	r.Ranges = append(r.Ranges, s)
	slices.SortFunc(r.Ranges, func(x, y Range) int { return cmp.Compare(x.Partition, y.Partition) })
}

// seconds is the nearest double to a time in ns, if that is a whole number of
// microseconds. As a time of today in ns is no double itself, rounding would else
// come twice, and a last digit too much with it (1450940918.3500001 for .35).
func seconds(ns int64) float64 {
	unit := int64(1e9)
	for ; unit > 1 && ns%10 == 0; unit /= 10 {
		ns /= 10
	}
	return float64(ns) / float64(unit)
}

// fields computes the results of all fields. Of a window in which samples were
// folded it notes the approximate fields.
func (c *Computer) fields(fields []codec.Field, slots []int, panes []*pane, a *Approximation) {
	folded := slices.ContainsFunc(panes, func(p *pane) bool { return p.large != nil })
	n := len(fields) * c.ops
	c.results.Scalars = slices.Grow(c.results.Scalars[:0], n)[:n]
	for len(c.results.Arrays) < n {
		c.results.Arrays = append(c.results.Arrays, nil)
	}
	for i, slot := range slots {
		f := &fields[i]
		at := i * c.ops
		c.rankError = 0
		switch {
		case f.Array && f.Pool:
			c.pooled(c.results.Scalars[at:at+c.ops], slot, f.Kind, panes)
		case f.Array:
			c.elements(c.results.Arrays[at:at+c.ops], slot, f.Kind, panes)
		default:
			c.scalar(c.results.Scalars[at:at+c.ops], slot, f.Kind, panes)
		}
		if folded {
			a.add(f.Name, c.rankError)
		}
	}
}

func (c *Computer) scalar(dst []float64, slot int, kind stats.Kind, panes []*pane) {
	c.segments = c.segments[:0]
	for _, p := range panes {
		if values := p.column(slot); values != nil {
			seg := stats.Segment{Values: values, Residuals: p.rests[slot], Times: p.times, Sketch: p.sketch(slot, 0)}
			if c.tallied {
				seg.Tally = &p.tallies.list[slot]
			}
			c.segments = append(c.segments, seg)
		}
	}
	c.summarize(dst, kind)
}

// summarize computes the statistics of the segments.
func (c *Computer) summarize(dst []float64, kind stats.Kind) {
	c.sum.Summarize(dst, kind, c.segments)
	c.rankError = max(c.rankError, c.sum.RankError())
}

// scratch makes room to gather for n panes.
func (c *Computer) scratch(n int) {
	for len(c.element) < n {
		c.element, c.rests, c.times = append(c.element, nil), append(c.rests, nil), append(c.times, nil)
	}
}

// elements computes each element of an array for itself. dst[op] becomes an
// array as long as the longest of the window.
func (c *Computer) elements(dst [][]float64, slot int, kind stats.Kind, panes []*pane) {
	c.scratch(len(panes))
	longest := 0
	for _, p := range panes {
		if slot < p.slots {
			longest = max(longest, p.arrays[slot].longest())
			if slot < len(p.large) {
				longest = max(longest, len(p.large[slot].list))
			}
		}
	}
	for op := range dst {
		dst[op] = slices.Grow(dst[op][:0], longest)[:longest]
	}
	rows := 1
	for _, p := range panes {
		rows = max(rows, p.rows)
	}
	wide := min(max(1, tileSamples/rows), tileWidth)
	for from := 0; from < longest; from += wide {
		n := min(wide, longest-from)
		for i, p := range panes {
			if slot < p.slots {
				c.element[i] = p.tile(slot, from, n, c.element[i])
			}
		}
		for k := range n {
			c.element1(slot, from+k, k, panes)
			c.summarize(c.one, kind)
			for op, v := range c.one {
				dst[op][from+k] = v
			}
		}
	}
}

// An array's elements are gathered tile by tile, some of them from all rows at
// once, because one of them alone takes a cache line from each row.
const (
	tileWidth   = 16
	tileSamples = 1 << 18
)

// element1 makes the segments of element e, which is column k of the tiles.
func (c *Computer) element1(slot, e, k int, panes []*pane) {
	c.segments = c.segments[:0]
	for i, p := range panes {
		if slot >= p.slots {
			continue
		}
		seg := stats.Segment{Values: c.element[i][k*p.rows : (k+1)*p.rows], Times: p.times, Sketch: p.sketch(slot, e)}
		if len(p.arrays[slot].rests) > 0 {
			c.rests[i] = p.elementRests(slot, e, c.rests[i][:0])
			seg.Residuals = c.rests[i]
		}
		c.segments = append(c.segments, seg)
	}
}

// pooled computes one statistic over the elements of all arrays.
func (c *Computer) pooled(dst []float64, slot int, kind stats.Kind, panes []*pane) {
	c.scratch(len(panes))
	c.segments = c.segments[:0]
	for i, p := range panes {
		if slot >= p.slots {
			continue
		}
		values, rests, times := p.flatten(slot, c.element[i][:0], c.rests[i][:0], c.times[i][:0])
		c.element[i], c.rests[i], c.times[i] = values, rests, times
		c.segments = append(c.segments, stats.Segment{Values: values, Residuals: rests, Times: times, Sketch: p.sketch(slot, 0)})
	}
	c.summarize(dst, kind)
}

func (a *arrayColumn) longest() int {
	n, begin := int32(0), int32(0)
	for _, end := range a.ends {
		n, begin = max(n, end-begin), end
	}
	return int(n)
}

// tile gathers n elements of each row, from element number from on, into
// columns of p.rows values one after the other, which it returns: Null where
// the whole array was null, Absent where it is shorter or was not there.
func (p *pane) tile(slot, from, n int, out []float64) []float64 {
	col, marks := &p.arrays[slot], p.column(slot)
	rows := len(marks)
	out = slices.Grow(out[:0], n*rows)[:n*rows]
	begin := 0
	for row, mark := range marks {
		end := begin
		if row < len(col.ends) {
			end = int(col.ends[row])
		}
		at := row
		have := min(max(end-begin-from, 0), n)
		if have > 0 {
			for _, v := range col.values[begin+from : begin+from+have] {
				out[at] = v
				at += rows
			}
		}
		if have < n {
			none := stats.Absent
			if stats.IsNull(mark) {
				none = stats.Null
			}
			for range n - have {
				out[at] = none
				at += rows
			}
		}
		begin = end
	}
	return out
}

// elementRests appends the residuals of element e, by row.
func (p *pane) elementRests(slot, e int, rests []stats.Residual) []stats.Residual {
	col := &p.arrays[slot]
	begin, next := 0, 0 // next in col.rests, which are in order of their index
	for row, end := range col.ends {
		if at := begin + e; at < int(end) {
			for next < len(col.rests) && int(col.rests[next].Row) < at {
				next++
			}
			if next < len(col.rests) && int(col.rests[next].Row) == at {
				rests = append(rests, stats.Residual{Row: int32(row), Value: col.rests[next].Value})
			}
		}
		begin = int(end)
	}
	return rests
}

// flatten appends all elements of all rows, and for each the time of its row.
// A null array is one null.
func (p *pane) flatten(slot int, values []float64, rests []stats.Residual, times []int64) ([]float64, []stats.Residual, []int64) {
	col, marks := &p.arrays[slot], p.column(slot)
	begin, next := 0, 0
	for row := col.folded; row < len(marks); row++ {
		mark := marks[row]
		end := begin
		if row < len(col.ends) {
			end = int(col.ends[row])
		}
		for ; next < len(col.rests) && int(col.rests[next].Row) < end; next++ {
			at := len(values) + int(col.rests[next].Row) - begin
			rests = append(rests, stats.Residual{Row: int32(at), Value: col.rests[next].Value})
		}
		values = append(values, col.values[begin:end]...)
		if stats.IsNull(mark) {
			values = append(values, stats.Null)
		}
		for len(times) < len(values) {
			times = append(times, p.times[row])
		}
		begin = end
	}
	return values, rests, times
}
