package codec

import (
	"fmt"
	"slices"
	"strings"
)

// list is an array or map whose elements are more than numbers: records, arrays,
// or whatever else. Each element is decoded by a program into values of its own,
// of which value i is then put behind the others of slots[i]. What is an array in
// an element is appended to its slot at once (opAppend).
type list struct {
	path  string
	isMap bool
	least int64   // bytes of an element
	slots []int32 // of the values of an element
	all   []int32 // of the outermost list: all slots that are in it
}

// local is the Element of the rests of a value that is not in its slot yet.
const local = -1

// list emits the code for an array or map.
func (c *compiler) list(p *program, pl *place, t *typ) {
	l := list{path: pl.path, isMap: t.kind == kindMap, least: max(t.elem.minSize(), 1)}
	if l.isMap {
		l.least++ // the key's length
	}
	outer := c.local
	if outer == nil {
		for _, f := range c.wanted(pl, nil) {
			l.all = append(l.all, c.slots[f])
		}
	}
	c.local = map[int]int32{}
	c.values(pl.inside[0], &l)
	sub := &program{min: t.elem.minSize()}
	c.place(sub, pl.inside[0])
	c.local = outer
	c.d.lists = append(c.d.lists, l)
	p.emit(instr{op: opList, slot: int32(len(c.d.lists) - 1), m: c.addSub(sub)}, origin{path: pl.path})
}

// values finds the values that each element has.
func (c *compiler) values(pl *place, l *list) {
	switch pl.take {
	case takeScalar:
		if _, ok := c.local[pl.field]; !ok && c.slots[pl.field] >= 0 {
			c.local[pl.field] = int32(len(l.slots))
			l.slots = append(l.slots, c.slots[pl.field])
		}
	case takeRecord, takeBranches:
		for _, in := range pl.inside {
			if in != nil {
				c.values(in, l)
			}
		}
	}
}

// list decodes an array or a map. A record's lists may have max_elements values
// and two for each byte: more could only come of records that are null, each of
// which is one byte for any number of fields.
func (d *Decoder) list(p *program, pc int, b []byte, pos int, row *Row, depth int) (int, error) {
	in := &p.code[pc]
	l, sub, values := &d.lists[in.slot], d.subs[in.m], d.values[in.slot]
	for _, slot := range l.all {
		row.buffers[slot] = row.buffers[slot][:0]
	}
	count := 0
	for {
		items, next, end, reason := block(b, pos)
		if reason != "" {
			return p.fail(pc, 0, pos, reason)
		}
		if items == 0 {
			pos = next
			break
		}
		have := count
		if len(l.slots) > 0 {
			have = len(row.buffers[l.slots[0]]) // of other lists of the same field, too
		}
		reason = d.tooMany(items, l.least, len(b)-next, have)
		if reason == "" && items*int64(len(values)) > int64(d.room) {
			reason = fmt.Sprintf("%d elements with %d fields each, far more than the bytes of the record", items, len(values))
		}
		if reason != "" {
			return p.fail(pc, 0, pos, reason)
		}
		d.room -= int(items) * len(values)
		for _, slot := range l.slots {
			row.buffers[slot] = slices.Grow(row.buffers[slot], int(items))
		}
		pos = next
		for range items {
			key := pos
			if l.isMap {
				next, reason := skipText(b, pos)
				if reason != "" {
					return p.fail(pc, 0, pos, reason)
				}
				pos = next
			}
			from := pos
			rests := len(row.Rests)
			var err error
			if pos, err = d.run(sub, b, pos, values, row, depth+1); err != nil {
				return pos, l.at(err, count, b[key:from])
			}
			for i := rests; i < len(row.Rests); i++ {
				if r := &row.Rests[i]; r.Element == local {
					r.Slot = l.slots[r.Slot]
					r.Element = int32(len(row.buffers[r.Slot]))
				}
			}
			for i, slot := range l.slots {
				row.buffers[slot] = append(row.buffers[slot], values[i])
			}
			count++
		}
		if end >= 0 && pos != end {
			return p.fail(pc, 0, pos, fmt.Sprintf("array block ends at byte %d, its head says %d", pos, end))
		}
	}
	for _, slot := range l.all {
		if row.buffers[slot] == nil {
			row.buffers[slot] = make([]float64, 0, 1) // an empty array is not a missing one
		}
		row.Arrays[slot] = row.buffers[slot]
		row.Scalars[slot] = 0
	}
	return pos, nil
}

// at says in the path of an error which element it is in; key is that of a map's,
// with its length before it.
func (l *list) at(err error, element int, key []byte) error {
	e, ok := err.(*DecodeError)
	if !ok {
		return err
	}
	brackets, with := "[]", fmt.Sprintf("[%d]", element)
	if l.isMap {
		_, from := varint(key, 0)
		brackets, with = "{}", fmt.Sprintf("{%.40q}", key[from:])
	}
	if rest, ok := strings.CutPrefix(e.Path, l.path+brackets); ok {
		e.Path = l.path + with + rest
	}
	return err
}
