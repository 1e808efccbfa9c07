package codec

import "fmt"

// Decoder reads the numeric fields of the records of one source schema. It
// is not safe for concurrent use; Clone makes another one for another
// goroutine.
type Decoder struct {
	aggregated  *Aggregated
	main        program
	subs        []*program
	absent      []int32 // slots of aggregated that this schema, or a branch of its top, lacks
	maxElements int
	scratch     decimalScratch
	element     [1]float64 // where a program for elements puts one
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
	if p.root.take == takeBranches {
		c.branches(&d.main, p.root)
	} else {
		c.place(&d.main, p.root)
	}
	return d, nil
}

// Clone is a decoder for the same schema that can be used at the same time.
func (d *Decoder) Clone() *Decoder {
	return &Decoder{aggregated: d.aggregated, main: d.main, subs: d.subs, absent: d.absent, maxElements: d.maxElements}
}

type compiler struct {
	d     *Decoder
	p     *projection
	slots []int32 // by field; -1: not wanted
	subOf map[*typ]int32
}

// wanted collects the fields that are decoded at or below a place.
func (c *compiler) wanted(pl *place, to []int) []int {
	switch pl.take {
	case takeScalar, takeArray:
		if c.slots[pl.field] >= 0 {
			to = append(to, pl.field)
		}
	case takeRecord, takeBranches:
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
	all := c.wanted(pl, nil)
	in := make(map[int]int, len(all)) // branches by field
	read := 0
	for _, f := range all {
		in[f]++
	}
	for _, b := range pl.inside {
		if b != nil {
			read++
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

// null emits the code that makes fields null.
func (c *compiler) null(p *program, fields []int, path string) {
	for _, f := range fields {
		op := opNull
		if c.p.fields[f].Array {
			op = opNullArray
		}
		p.emit(instr{op: op, slot: c.slots[f], n: 1}, origin{path: path})
	}
}

// place emits the code for everything at a place.
func (c *compiler) place(p *program, pl *place) {
	fields := c.wanted(pl, nil)
	if len(fields) == 0 {
		c.skip(p, pl.typ, pl.path)
		return
	}
	switch {
	case pl.take == takeScalar:
		c.scalar(p, pl.typ, c.slots[pl.field], pl.path)
	case pl.branch < 0:
		c.inside(p, pl, pl.typ)
	default:
		c.union(p, pl.typ, pl.path, func(i int) bool { return i == pl.branch },
			func(i int) { c.inside(p, pl, pl.typ.branches[i]) }, func() { c.null(p, fields, pl.path) })
	}
}

// inside emits the code for an array or record that is known to be there.
func (c *compiler) inside(p *program, pl *place, t *typ) {
	if pl.take == takeRecord {
		for _, in := range pl.inside {
			c.place(p, in)
		}
		return
	}
	in := instr{op: opArray, slot: c.slots[pl.field]}
	switch t.elem.kind {
	case kindDouble:
		in.n = int32(opDouble)
	case kindFloat:
		in.n = int32(opFloat)
	case kindInt:
		in.n = int32(opInt)
	case kindLong:
		if in.n = int32(opLong); t.elem.unsigned {
			in.n = int32(opUnsigned)
		}
	default:
		if op, null, ok := nullable(t.elem); ok {
			in.n, in.m = int32(op), null
			break
		}
		in.n = int32(opElement)
		sub := &program{min: t.elem.minSize()}
		c.scalar(sub, t.elem, 0, "")
		in.m = c.addSub(sub)
	}
	p.emit(in, origin{path: pl.path})
}

func (c *compiler) addSub(p *program) int32 {
	c.d.subs = append(c.d.subs, p)
	return int32(len(c.d.subs) - 1)
}

// scalar emits the code that stores one number, or null, in slot.
func (c *compiler) scalar(p *program, t *typ, slot int32, path string) {
	at := origin{path: path}
	switch t.kind {
	case kindDouble:
		p.emit(instr{op: opDouble, slot: slot, n: 1}, at)
	case kindFloat:
		p.emit(instr{op: opFloat, slot: slot, n: 1}, at)
	case kindInt:
		p.emit(instr{op: opInt, slot: slot, n: 1}, at)
	case kindLong:
		op := opLong
		if t.unsigned {
			op = opUnsigned
		}
		p.emit(instr{op: op, slot: slot, n: 1}, at)
	case kindBoolean:
		p.emit(instr{op: opBoolean, slot: slot, n: 1}, at)
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
		c.union(p, t, path, func(i int) bool { return t.branches[i].numeric(c.p.sel.Booleans) },
			func(i int) { c.scalar(p, t.branches[i], slot, path) },
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

// maxInline is how many branches a union may have that is passed over in place.
const maxInline = 16

// skip emits the code that passes over a value.
func (c *compiler) skip(p *program, t *typ, path string) {
	if t.minSize() == 0 {
		return // zero bytes long
	}
	at := origin{path: path}
	switch t.kind {
	case kindBoolean:
		p.emit(instr{op: opSkipBoolean, n: 1}, at)
	case kindInt:
		p.emit(instr{op: opSkipInt, n: 1}, at)
	case kindLong:
		p.emit(instr{op: opSkipLong, n: 1}, at)
	case kindFloat, kindDouble, kindFixed, kindDecimalFixed:
		at.size = int32(min(t.minSize(), 1<<30-1)) // no body is that long
		p.emit(instr{op: opSkipBytes, n: at.size}, at)
	case kindAnyDecimal:
		for i := range t.fields {
			c.skip(p, t.fields[i].typ, path)
		}
	case kindBytes, kindString, kindDecimalBytes, kindBigDecimal:
		p.emit(instr{op: opSkipText, n: 1}, at)
	case kindEnum:
		p.emit(instr{op: opSkipEnum, n: int32(t.size)}, at)
	case kindArray:
		p.emit(instr{op: opSkipArray, m: c.sub(t.elem)}, at)
	case kindMap:
		p.emit(instr{op: opSkipMap, m: c.sub(t.elem)}, at)
	case kindRecord:
		p.emit(instr{op: opCall, m: c.sub(t)}, at)
	case kindUnion:
		if len(t.branches) > maxInline {
			p.emit(instr{op: opCall, m: c.sub(t)}, at)
			return
		}
		c.skipUnion(p, t, path)
	}
}

func (c *compiler) skipUnion(p *program, t *typ, path string) {
	c.union(p, t, path, func(int) bool { return true }, func(i int) { c.skip(p, t.branches[i], path) }, nil)
}

// sub is the program that skips a type. Each type has one, however often it
// is used, so that a recursive type ends and a large one is not repeated.
func (c *compiler) sub(t *typ) int32 {
	if i, ok := c.subOf[t]; ok {
		return i
	}
	p := &program{min: t.minSize()}
	i := c.addSub(p)
	c.subOf[t] = i
	switch t.kind {
	case kindRecord:
		for j := range t.fields {
			c.skip(p, t.fields[j].typ, t.fields[j].name)
		}
	case kindUnion:
		c.skipUnion(p, t, "")
	default:
		c.skip(p, t, "")
	}
	return i
}
