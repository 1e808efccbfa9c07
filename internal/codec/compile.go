package codec

import (
	"fmt"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/eventtime"
)

// Decoder reads the numeric fields of the records of one source schema. It
// is not safe for concurrent use; Clone makes another one for another
// goroutine.
type Decoder struct {
	aggregated  *Aggregated
	main        program
	subs        []*program
	absent      []int32 // slots of aggregated that this schema, or a branch of its top, lacks
	lists       []list
	enums       [][]float64 // by enum: what its symbols are as samples
	others      []*Branch
	keyed       []keyed
	maxElements int
	times       []timeReader
	noTimes     []eventtime.Time // of a record in which none is read

	more    bool        // there are lists, others or times
	room    int         // values that the lists of the record may still have
	noted   []int32     // others of the record
	values  [][]float64 // by list: those of one element
	scratch decimalScratch
	element [1]float64 // where a program for elements puts one
}

// NewDecoder compiles a decoder from the schema that records were written
// with. Row slots are those of a.Fields; fields of the writer's schema that a
// lacks are skipped, and slots that the writer's schema lacks are set to
// stats.Absent.
func NewDecoder(writer *Schema, sel Selection, a *Aggregated) (*Decoder, error) {
	p, err := project(writer, sel)
	if err != nil {
		return nil, err
	}
	d := &Decoder{aggregated: a, maxElements: sel.MaxElements}
	if d.maxElements <= 0 {
		d.maxElements = DefaultMaxElements
	}
	c := &compiler{d: d, p: p, slots: make([]int32, len(p.fields)), subOf: map[*typ]int32{}}
	present := make([]bool, len(a.Fields))
	for i, f := range p.fields {
		c.slots[i] = -1
		if !p.wanted[i] {
			continue
		}
		if slot, ok := a.Slot(f); ok && !present[slot] {
			c.slots[i] = int32(slot)
			present[slot] = true
		}
	}
	for slot, ok := range present {
		if !ok {
			d.absent = append(d.absent, int32(slot))
		}
	}
	if err := c.times(sel.Time); err != nil {
		return nil, err
	}
	if p.root.take == takeBranches {
		c.branches(&d.main, p.root)
	} else {
		c.place(&d.main, p.root)
	}
	d.prepare()
	return d, nil
}

// Clone is a decoder for the same schema that can be used at the same time.
func (d *Decoder) Clone() *Decoder {
	c := &Decoder{
		aggregated: d.aggregated, main: d.main, subs: d.subs, absent: d.absent, lists: d.lists, enums: d.enums, others: d.others, keyed: d.keyed, maxElements: d.maxElements,
		times: d.times, noTimes: d.noTimes,
	}
	c.prepare()
	return c
}

// prepare makes what a decoder has for itself.
func (d *Decoder) prepare() {
	d.more = len(d.lists)+len(d.others)+len(d.noTimes) > 0
	d.values = make([][]float64, len(d.lists))
	for i := range d.lists {
		d.values[i] = make([]float64, len(d.lists[i].slots))
	}
}

type compiler struct {
	d     *Decoder
	p     *projection
	slots []int32 // by field; -1: not wanted
	subOf map[*typ]int32
	local map[int]int32 // within a list: where the value of an element is that is of a field; nil outside

	timeSel TimeSelection
	timeOf  map[string]int // index in it by path
}

// wanted collects the fields that are decoded at or below a place.
func (c *compiler) wanted(pl *place, to []int) []int {
	switch pl.take {
	case takeScalar, takeArray:
		if c.slots[pl.field] >= 0 {
			to = append(to, pl.field)
		}
	case takeRecord, takeBranches, takeList, takeKeys:
		for _, in := range pl.inside {
			if in != nil {
				to = c.wanted(in, to)
			}
		}
	}
	return to
}

// branches emits the code for a union at the top. What a branch lacks is
// absent before it is read; a branch without samples makes all fields null.
func (c *compiler) branches(p *program, pl *place) {
	var all []int
	in := map[int]int{} // branches by field
	read := 0
	for _, b := range pl.inside {
		if b == nil {
			continue
		}
		read++
		fields := c.wanted(b, nil)
		slices.Sort(fields)
		for _, f := range slices.Compact(fields) {
			in[f]++
			all = append(all, f)
		}
	}
	var fields []int
	for _, f := range all {
		if n := in[f]; n > 0 {
			fields = append(fields, f)
			if n < read {
				c.d.absent = append(c.d.absent, c.slots[f])
			}
			in[f] = 0
		}
	}
	c.union(p, pl.typ, "", func(i int) bool { return pl.inside[i] != nil },
		func(i int) { c.place(p, pl.inside[i]) }, func() { c.null(p, fields, "") })
}

// null emits the code that makes fields null. Within a list these are the values
// of an element; an array in it that is null adds nothing.
func (c *compiler) null(p *program, fields []int, path string) {
	at := origin{path: path}
	for _, f := range fields {
		local, ok := c.local[f]
		switch {
		case ok:
			p.emit(instr{op: opNull, slot: local, n: 1}, at)
		case c.local != nil:
		case c.p.fields[f].Array:
			p.emit(instr{op: opNullArray, slot: c.slots[f], n: 1}, at)
		default:
			p.emit(instr{op: opNull, slot: c.slots[f], n: 1}, at)
		}
	}
}

// place emits the code for everything at a place.
func (c *compiler) place(p *program, pl *place) {
	fields := c.wanted(pl, nil)
	c.time(p, pl)
	if len(fields) == 0 && !(len(pl.inside) > 0 && c.timed(pl)) {
		c.skip(p, pl.typ, pl.path)
		return
	}
	switch {
	case pl.take == takeScalar:
		c.scalar(p, pl.typ, c.target(pl.field), pl.path)
	case pl.take == takeBranches:
		c.several(p, pl, fields)
	case pl.branch < 0:
		c.inside(p, pl, pl.typ)
	default:
		c.union(p, pl.typ, pl.path, func(i int) bool { return i == pl.branch },
			func(i int) { c.inside(p, pl, pl.typ.branches[i]) }, func() { c.null(p, fields, pl.path) })
	}
}

// several emits the code for a union of which each branch has fields of its own:
// all of them are null but those of the branch.
func (c *compiler) several(p *program, pl *place, fields []int) {
	slices.Sort(fields)
	c.null(p, slices.Compact(fields), pl.path)
	c.union(p, pl.typ, pl.path, func(int) bool { return true }, func(i int) {
		if pl.inside[i] == nil {
			c.other(p, pl.typ.branches[i], pl.path)
			c.skip(p, pl.typ.branches[i], pl.path)
			return
		}
		c.place(p, pl.inside[i])
	}, nil)
}

// inside emits the code for an array, map or record that is known to be there.
func (c *compiler) inside(p *program, pl *place, t *typ) {
	switch pl.take {
	case takeRecord:
		for _, in := range pl.inside {
			c.place(p, in)
		}
		return
	case takeList:
		c.list(p, pl, t)
		return
	case takeKeys:
		c.keys(p, pl, t)
		return
	}
	in := instr{op: opArray, slot: c.slots[pl.field]}
	if c.local != nil {
		in.op = opAppend
	}
	if op, null, ok := bulk(t.elem); ok && !c.unsigned(t.elem, pl.field) {
		in.n, in.m = int32(op), null
	} else {
		in.n = int32(opElement)
		sub := &program{min: t.elem.minSize()}
		c.scalar(sub, t.elem, target{field: pl.field}, pl.path)
		in.m = c.addSub(sub)
	}
	p.emit(in, origin{path: pl.path})
}

// bulk recognises the elements that an instruction reads many of at once.
func bulk(t *typ) (op opcode, null int32, ok bool) {
	switch t.kind {
	case kindDouble:
		return opDouble, 0, true
	case kindFloat:
		return opFloat, 0, true
	case kindInt:
		return opInt, 0, true
	case kindLong:
		return opLong, 0, true
	}
	return nullable(t)
}

// unsigned is true for a long that holds an unsigned integer.
func (c *compiler) unsigned(t *typ, field int) bool {
	return t.kind == kindLong && (t.unsigned || c.p.about[field].unsigned)
}

func (c *compiler) addSub(p *program) int32 {
	c.d.subs = append(c.d.subs, p)
	return int32(len(c.d.subs) - 1)
}

// target is where a number of a field is stored.
type target struct {
	field int
	slot  int32
	rest  int32 // Element of its rests
}

func (c *compiler) target(field int) target {
	if at, ok := c.local[field]; ok {
		return target{field, at, local}
	}
	return target{field: field, slot: c.slots[field]}
}

// scalar emits the code that stores one number, or null.
func (c *compiler) scalar(p *program, t *typ, to target, path string) {
	at, slot := origin{path: path}, to.slot
	switch t.kind {
	case kindDouble:
		p.emit(instr{op: opDouble, slot: slot, n: 1}, at)
	case kindFloat:
		p.emit(instr{op: opFloat, slot: slot, n: 1}, at)
	case kindInt:
		p.emit(instr{op: opInt, slot: slot, n: 1}, at)
	case kindLong:
		op := opLong
		if c.unsigned(t, to.field) {
			op = opUnsigned
		}
		p.emit(instr{op: op, slot: slot, n: 1, m: to.rest}, at)
	case kindBoolean:
		p.emit(instr{op: opBoolean, slot: slot, n: 1}, at)
	case kindEnum:
		p.emit(instr{op: opEnum, slot: slot, n: int32(t.size), m: c.enum(t, to.field)}, at)
	case kindDecimalBytes:
		p.emit(instr{op: opDecimalBytes, slot: slot, n: 1, m: int32(t.scale)}, at)
	case kindBigDecimal:
		p.emit(instr{op: opAnyDecimal, slot: slot, n: 1, m: 2}, at)
	case kindAnyDecimal:
		p.emit(instr{op: opAnyDecimal, slot: slot, n: 1, m: int32(t.scale)}, at)
	case kindDecimalFixed:
		p.emit(instr{op: opDecimalFixed, slot: slot, n: int32(t.size), m: int32(t.scale)}, at)
	case kindUnion:
		if op, null, ok := nullable(t); ok {
			p.emit(instr{op: op, slot: slot, n: 1, m: null}, at)
			return
		}
		s := c.p.sel.sampling(t)
		c.union(p, t, path, func(i int) bool { return s.takes(t.branches[i]) },
			func(i int) { c.scalar(p, t.branches[i], to, path) },
			func() { p.emit(instr{op: opNull, slot: slot, n: 1}, at) })
	default:
		panic(fmt.Sprintf("BUG: %s is no number", t))
	}
}

// nullable recognises the unions that have an instruction of their own.
func nullable(t *typ) (op opcode, null int32, ok bool) {
	if len(t.branches) != 2 {
		return 0, 0, false
	}
	for i, b := range t.branches {
		if b.kind != kindNull {
			continue
		}
		switch t.branches[1-i].kind {
		case kindDouble:
			return opNullableDouble, int32(i), true
		case kindFloat:
			return opNullableFloat, int32(i), true
		}
	}
	return 0, 0, false
}

// union emits a jump table and the code of each branch, which each leads to
// the same place. Branches that are not taken are passed over, and then all
// lead through the code of none, so that it is there once, however many they are.
func (c *compiler) union(p *program, t *typ, path string, taken func(i int) bool, take func(i int), none func()) {
	at := origin{path: path}
	table := len(p.targets)
	p.targets = append(p.targets, make([]int32, len(t.branches))...)
	p.emit(instr{op: opUnion, n: int32(len(t.branches)), m: int32(table)}, at)
	var toNone, toEnd []int32
	jump := func(list *[]int32) {
		*list = append(*list, p.label())
		p.emit(instr{op: opJump}, at)
	}
	var empty []int // branches without bytes
	last := -1      // of those that are taken
	for i, b := range t.branches {
		switch {
		case taken(i):
			last = i
		case b.minSize() == 0:
			empty = append(empty, i)
		default:
			p.targets[table+i] = p.label()
			c.other(p, b, path)
			c.skip(p, b, path)
			jump(&toNone)
		}
	}
	if len(empty)+len(toNone) > 0 {
		if n := len(toNone) - 1; n >= 0 && int(toNone[n]) == len(p.code)-1 { // it would lead to the next instruction
			p.code, p.origins, toNone = p.code[:len(p.code)-1], p.origins[:len(p.code)-1], toNone[:n]
		}
		here := p.label()
		for _, i := range empty {
			p.targets[table+i] = here
		}
		for _, j := range toNone {
			p.code[j].n = here
		}
		none()
		if last >= 0 {
			jump(&toEnd)
		}
	}
	for i := range t.branches {
		if !taken(i) {
			continue
		}
		p.targets[table+i] = p.label()
		take(i)
		if i < last {
			jump(&toEnd)
		}
	}
	end := p.label()
	for _, j := range toEnd {
		p.code[j].n = end
	}
}
