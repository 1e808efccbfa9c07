package codec

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
