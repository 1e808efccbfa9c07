package codec

// kind is an Avro type, with the types that count as decimal set apart from
// the bytes and fixed that carry them.
type kind uint8

const (
	kindNull kind = iota
	kindBoolean
	kindInt
	kindLong
	kindFloat
	kindDouble
	kindBytes
	kindString
	kindFixed
	kindEnum
	kindRecord
	kindArray
	kindMap
	kindUnion
	kindDecimalBytes
	kindDecimalFixed
	kindBigDecimal // bytes with a value and its scale
	kindAnyDecimal // a record of a value and its scale
)

// Schema is a source schema, as far as the reading of records needs it. It
// does not change, so it is safe for concurrent use.
type Schema struct{ root *typ }

// typ is a node of the schema with names resolved: a graph in which every use
// of a named type is the same *typ, so that it is as large as the schema's
// text and not as its expansion, and recursion is a cycle.
type typ struct {
	kind      kind
	logical   string // date, uuid, …; only where it applies to the type. Or a connect.name that means as much
	ignored   string // why a logical type is ignored
	name      string // of a record, enum or fixed
	namespace string
	fields    []member
	elem      *typ // of an array, or the values of a map
	branches  []*typ
	size      int      // bytes of a fixed, symbols of an enum
	symbols   []string // of an enum, unless they are more than maxSymbols
	scale     int      // of a decimal; of kindAnyDecimal, which of the two fields is the scale
	unsigned  bool     // a long that holds an unsigned one
	connect   string   // of a record: its connect.name, or its own name
	units     string

	min      int64 // least encoded bytes, see minSize
	minState uint8
}

// member is a field of a record.
type member struct {
	name, units, doc string
	typ              *typ
}

// fullName is the name of a named type with its namespace.
func (t *typ) fullName() string {
	if t.namespace == "" {
		return t.name
	}
	return t.namespace + "." + t.name
}

// numeric is true for a scalar whose values are samples.
func (t *typ) numeric(booleans bool) bool {
	switch t.kind {
	case kindInt, kindLong:
		return t.logical == ""
	case kindFloat, kindDouble, kindDecimalBytes, kindDecimalFixed, kindBigDecimal, kindAnyDecimal:
		return true
	}
	return t.kind == kindBoolean && booleans
}

// unitsOf looks for units on the type itself, or on the one branch or the
// elements that hold the values.
func unitsOf(t *typ) string {
	if t.units != "" {
		return t.units
	}
	switch t.kind {
	case kindArray:
		return unitsOf(t.elem)
	case kindUnion:
		for _, b := range t.branches {
			if b.kind != kindRecord {
				if u := unitsOf(b); u != "" {
					return u
				}
			}
		}
	}
	return ""
}

// maxMin is where minSize saturates: no body is longer.
const maxMin = 1 << 40

// minSize is a lower bound of the encoded size. It is 0 only for types of
// which every value is zero bytes long (and for a record that contains
// itself without a way out, which has no values).
func (t *typ) minSize() int64 {
	switch t.kind {
	case kindNull:
		return 0
	case kindFloat:
		return 4
	case kindDouble:
		return 8
	case kindFixed, kindDecimalFixed:
		return int64(t.size)
	case kindAnyDecimal:
		return 2
	case kindRecord:
		if t.minState != 0 { // known, or being computed further up
			return t.min
		}
		t.minState = 1
		var sum int64
		for i := range t.fields {
			sum = min(sum+t.fields[i].typ.minSize(), maxMin)
		}
		t.min = sum
		return sum
	}
	return 1
}
