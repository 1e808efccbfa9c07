package codec

// A decoder is a program: a flat list of instructions that a loop runs over
// the bytes of a record. Values next to each other that are treated alike
// are one instruction with a count, so that a record of 11 doubles is one or
// two instructions. Unions are jumps. What occurs an unknown number of times
// (elements of arrays, values of maps) or in many places (records that are
// skipped) is a program of its own that is run from the first one.

type opcode uint8

const (
	// n values next to each other, into n slots next to each other
	opDouble opcode = iota
	opFloat
	opInt
	opLong // m is the Element of its rests: local, or 0
	opBoolean
	opNullableDouble // union of null and double; m is the index of null
	opNullableFloat

	opDecimalBytes // one value; m is the scale
	opDecimalFixed // one value of n bytes; m is the scale
	opAnyDecimal   // one value with its scale: a record with the scale first (m is 0) or last (1), or bytes (2)
	opUnsigned     // n longs that hold unsigned ones
	opEnum         // one enum of n symbols, whose values are Decoder.enums[m]
	opAppend       // as opArray, behind what the slot has already: an array within an array or map
	opKeys         // a map: Decoder.keyed[slot]; what is no field is skipped by program m
	opList         // an array or map: Decoder.lists[slot], elements by program m
	opArray        // n is the element's opcode; m the program for opElement, the index of null for opNullable…
	opElement      // only as the n of opArray: elements are decoded by the program m
	opNull         // reads nothing, marks n slots as null
	opNullArray    // reads nothing, marks slot as a null array

	opOther // reads nothing, notes branch n of Decoder.others
	opUnion // n branches; m is where their targets start in program.targets
	opJump  // to instruction n

	opSkipBytes // n bytes
	opSkipInt   // n ints …
	opSkipLong
	opSkipBoolean
	opSkipText  // n bytes or strings
	opSkipEnum  // one enum of n symbols
	opSkipArray // elements by program m
	opSkipMap   // values by program m
	opCall      // the program m

	opTime // reads the time at this place by times[m], and does not move on
)

type instr struct {
	op   opcode
	slot int32
	n    int32
	m    int32
}

// origin tells errors which field a part of an instruction reads. size is
// the encoded size of it where that is fixed.
type origin struct {
	path string
	size int32
}

type program struct {
	code    []instr
	origins [][]origin // by instruction, in the order in which it reads
	targets []int32    // jump tables of unions
	barrier int        // instructions before this one are not extended: a jump leads to the one after
	min     int64      // least bytes that one run consumes
}

// mergeable are the instructions whose n counts values, to which a value
// that comes right after can be added.
func (op opcode) mergeable() bool {
	switch op {
	case opDouble, opFloat, opInt, opLong, opUnsigned, opBoolean, opNullableDouble, opNullableFloat, opNull,
		opSkipBytes, opSkipInt, opSkipLong, opSkipBoolean, opSkipText:
		return true
	}
	return false
}

func (op opcode) stores() bool { return op <= opNull }

// emit appends an instruction, or extends the last one where that says the same.
func (p *program) emit(in instr, from origin) {
	if last := len(p.code) - 1; last >= p.barrier && in.op.mergeable() {
		prev := &p.code[last]
		next := in.slot == 0 && prev.slot == 0
		if in.op.stores() {
			next = in.slot == prev.slot+prev.n
		}
		if prev.op == in.op && prev.m == in.m && next && int64(prev.n)+int64(in.n) < 1<<30 {
			prev.n += in.n
			p.origins[last] = append(p.origins[last], from)
			return
		}
	}
	p.code = append(p.code, in)
	p.origins = append(p.origins, []origin{from})
}

// label is the place of the next instruction, for jumps to lead to.
func (p *program) label() int32 {
	p.barrier = len(p.code)
	return int32(len(p.code))
}

// where finds the field that instruction pc was reading: part counts values,
// or bytes for opSkipBytes.
func (p *program) where(pc, part int) string {
	o := p.origins[pc]
	if p.code[pc].op == opSkipBytes {
		for _, x := range o {
			if part -= int(x.size); part < 0 {
				return x.path
			}
		}
	} else if part < len(o) {
		return o[part].path
	}
	return o[len(o)-1].path
}
