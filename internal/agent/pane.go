package agent

import (
	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// pane holds the samples of one slice from one source partition: the
// mergeable partial of the windows that the slice is in. Scalars lie slot by slot in one block
// (scalars[slot*room+row]), so that adding a record writes, and summarising a
// field reads, without looking at a slice header per field.
type pane struct {
	owner       *Partition
	start       int64  // of the slice, ns
	opened      mark   // the record of the feed that it was opened with
	first, last int64  // offsets of its first and newest record in the source partition
	seed        uint64 // of its sketches
	versions    []int  // of each output: newest version of its schema that a record needs
	partial     bool   // some of its records may be missing
	final       bool   // the slice is: no record gets into it any more but those that were there before
	users       int    // windows that are being computed from it
	gone        bool   // none will be computed any more
	whole       bool   // all records are kept in rows, as they may have to be shipped

	// Records are kept in rows. Above layout.limit of them they are folded
	// into sketches, and so again whenever the rows are full: see fold.go.
	folded  int     // records that are in sketches
	rows    int     // records that are kept
	times   []int64 // event time of each row, ns
	offsets []int64 // of each row
	room    int     // rows that fit
	hint    int     // rows that may come
	slots   int     // columns that there are
	scalars []float64
	rests   [][]stats.Residual // by slot
	arrays  []arrayColumn      // by slot; empty for scalars
	large   []sketches         // by slot; nil as long as there are none
	pieces  []pieces           // of records that come in several messages
	tallies tallies            // of its scalars; see tallies.go
}

// arrayColumn holds the arrays of one field, one after the other: row r is
// values[ends[r-1]:ends[r]]. Rows are residuals' indexes into values.
type arrayColumn struct {
	values []float64
	ends   []int32
	rests  []stats.Residual
	folded int // rows whose elements are in a sketch: those of a pooled array
}

// need notes which versions a record needs.
func (p *pane) need(versions []int) {
	if len(p.versions) < len(versions) {
		p.versions = make([]int, len(versions))
	}
	for i, v := range versions {
		p.versions[i] = max(p.versions[i], v)
	}
}

// version is what the output's records of the pane need.
func (p *pane) version(output int) int {
	if output < len(p.versions) {
		return p.versions[output]
	}
	return 0
}

func (c *arrayColumn) reset() {
	c.values, c.ends, c.rests, c.folded = c.values[:0], c.ends[:0], c.rests[:0], 0
}

const firstRoom = 16

// add appends the record at an offset of the source partition.
func (p *pane) add(row *codec.Row, offset, t int64, l *layout) {
	n := len(row.Scalars)
	if p.rows == p.room || n > p.slots {
		p.grow(n, l)
	}
	at := p.rows
	for _, v := range row.Scalars {
		p.scalars[at] = v
		at += p.room
	}
	for range p.slots - n { // fields that came with a newer schema
		p.scalars[at] = stats.Absent
		at += p.room
	}
	for slot, values := range row.Arrays {
		if l.isArray[slot] {
			p.arrays[slot].add(values, p.rows)
		}
	}
	for _, r := range row.Rests {
		p.addRest(r, l.isArray[r.Slot])
	}
	if p.rows == 0 && p.folded == 0 {
		p.first = offset
	}
	p.last = offset
	p.times = append(p.times, t)
	p.offsets = append(p.offsets, offset)
	p.rows++
	for _, slot := range l.pooled {
		if slot < p.slots && len(p.arrays[slot].values) > p.poolLimit(slot, l) {
			p.foldPool(slot, l)
		}
	}
}

func (c *arrayColumn) add(values []float64, row int) {
	c.pad(row)
	c.values = append(c.values, values...)
	c.ends = append(c.ends, int32(len(c.values)))
}

// pad makes rows without an array up to row.
func (c *arrayColumn) pad(row int) {
	for len(c.ends) < row {
		c.ends = append(c.ends, int32(len(c.values)))
	}
}

func (p *pane) addRest(r codec.Rest, array bool) {
	if array {
		c := &p.arrays[r.Slot]
		begin := int32(0)
		if p.rows > 0 {
			begin = c.ends[p.rows-1]
		}
		c.rests = append(c.rests, stats.Residual{Row: begin + r.Element, Value: r.Value})
		return
	}
	p.rests[r.Slot] = append(p.rests[r.Slot], stats.Residual{Row: int32(p.rows), Value: r.Value})
}

// grow makes room for another row and for the given number of slots.
func (p *pane) grow(slots int, l *layout) {
	if p.rows == p.limit(l) {
		p.fold(l)
		if slots <= p.slots {
			return
		}
	}
	room := p.room
	if p.rows == room {
		room = min(max(firstRoom, 2*room, p.hint), p.limit(l))
	}
	p.resize(room, max(slots, p.slots))
}

// resize makes room for as many rows, and for as many slots, as are given.
func (p *pane) resize(room, slots int) {
	block := make([]float64, slots*room)
	for s := range slots {
		to := block[s*room : s*room+p.rows]
		if s < p.slots {
			copy(to, p.scalars[s*p.room:])
			continue
		}
		fill(to, stats.Absent)
	}
	for len(p.rests) < slots {
		p.rests = append(p.rests, nil)
		p.arrays = append(p.arrays, arrayColumn{})
	}
	p.scalars, p.room, p.slots = block, room, slots
}

func fill(values []float64, v float64) {
	for i := range values {
		values[i] = v
	}
}

// addColumns adds records column by column. It does as add would with one
// after the other, and does nothing, which it reports, where that is not so
// simple: with arrays, near the limit of rows, and with records that are here.
func (p *pane) addColumns(c *columns, slots []int, l *layout) bool {
	n := len(c.offsets)
	if n == 0 || c.offsets[0] <= p.last || p.folded > 0 || p.rows+n > p.limit(l) {
		return false
	}
	for s := range c.scalars {
		if l.isArray[slots[s]] {
			return false
		}
	}
	width := len(l.isArray)
	if p.rows+n > p.room || width > p.slots {
		room := p.room
		if p.rows+n > room {
			room = min(max(p.rows+n, 2*room, p.hint), p.limit(l))
		}
		p.resize(room, max(width, p.slots))
	}
	for s := range p.slots {
		fill(p.scalars[s*p.room+p.rows:s*p.room+p.rows+n], stats.Absent)
	}
	for s, values := range c.scalars {
		slot := slots[s]
		copy(p.scalars[slot*p.room+p.rows:slot*p.room+p.rows+n], values)
		for _, r := range c.rests[s] {
			p.rests[slot] = append(p.rests[slot], stats.Residual{Row: int32(p.rows) + r.Row, Value: r.Value})
		}
	}
	for slot := range width {
		if l.isArray[slot] { // as add does with a nil array
			p.arrays[slot].pad(p.rows + n)
		}
	}
	if p.rows == 0 {
		p.first = c.offsets[0]
	}
	p.last = c.offsets[n-1]
	p.times = append(p.times, c.times...)
	p.offsets = append(p.offsets, c.offsets...)
	p.rows += n
	return true
}

// column is the scalars of a slot, nil if the pane has no such slot.
func (p *pane) column(slot int) []float64 {
	if slot >= p.slots {
		return nil
	}
	return p.scalars[slot*p.room : slot*p.room+p.rows]
}

// reset empties the pane for another window; the memory stays.
func (p *pane) reset() {
	for i := range p.rests {
		p.rests[i] = p.rests[i][:0]
		p.arrays[i].reset()
	}
	clear(p.versions)
	tallies, size := p.tallies.list, p.tallies.size
	*p = pane{versions: p.versions, hint: p.hint, room: p.room, slots: p.slots, times: p.times[:0], offsets: p.offsets[:0], scalars: p.scalars, rests: p.rests, arrays: p.arrays}
	p.tallies.list, p.tallies.size = tallies, size
}

// count is the number of records.
func (p *pane) count() int64 { return int64(p.folded + p.rows) }

// size is the memory that the pane's samples take, in bytes.
func (p *pane) size() int64 {
	n := int64(cap(p.scalars)+cap(p.times)+cap(p.offsets)) * 8
	for i := range p.arrays {
		n += int64(cap(p.arrays[i].values))*8 + int64(cap(p.arrays[i].ends))*4
	}
	for i := range p.pieces {
		n += int64(cap(p.pieces[i].body))
	}
	for i := range p.large {
		n += p.large[i].size()
	}
	return n + p.tallies.size
}
