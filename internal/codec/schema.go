package codec

import (
	"fmt"
	"strings"

	"github.com/twmb/avro"
)

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
)

var primitives = map[string]kind{
	"null": kindNull, "boolean": kindBoolean, "int": kindInt, "long": kindLong,
	"float": kindFloat, "double": kindDouble, "bytes": kindBytes, "string": kindString,
}

// typ is a node of the schema with names resolved: a graph in which every use
// of a named type is the same *typ, so that it is as large as the schema's
// text and not as its expansion, and recursion is a cycle.
type typ struct {
	kind     kind
	logical  string // date, uuid, …; only where it applies to the type
	name     string // full name of a record, enum or fixed
	fields   []member
	elem     *typ // of an array, or the values of a map
	branches []*typ
	size     int // bytes of a fixed, symbols of an enum
	scale    int // of a decimal
	units    string

	min      int64 // least encoded bytes, see minSize
	minState uint8
}

// member is a field of a record.
type member struct {
	name, units, doc string
	typ              *typ
}

// linker turns the library's tree into the graph.
type linker struct{ named map[string]*typ }

// link resolves the names of a schema.
func link(s *avro.Schema) (*typ, error) {
	l := &linker{named: map[string]*typ{}}
	return l.typ(s.Root(), "")
}

func (l *linker) typ(n *avro.SchemaNode, ns string) (*typ, error) {
	units := property(n.Props, "units", "unit")
	if k, ok := primitives[n.Type]; ok {
		t := &typ{kind: k, units: units}
		t.setLogical(n.LogicalType, n.Precision, n.Scale)
		return t, nil
	}
	switch n.Type {
	case "array":
		elem, err := l.typ(n.Items, ns)
		return &typ{kind: kindArray, elem: elem, units: units}, err
	case "map":
		elem, err := l.typ(n.Values, ns)
		return &typ{kind: kindMap, elem: elem, units: units}, err
	case "union":
		t := &typ{kind: kindUnion, units: units}
		for i := range n.Branches {
			b, err := l.typ(&n.Branches[i], ns)
			if err != nil {
				return nil, err
			}
			t.branches = append(t.branches, b)
		}
		return t, nil
	case "fixed", "enum", "record", "error":
		return l.define(n, units)
	}
	if t := l.lookup(n.Type, ns); t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("schema uses the type %q, which it does not define", n.Type)
}

func (l *linker) define(n *avro.SchemaNode, units string) (*typ, error) {
	full, ns := n.Name, n.Namespace
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		ns = full[:i]
	} else if ns != "" {
		full = ns + "." + full
	}
	t := &typ{name: full, units: units}
	l.named[full] = t
	switch n.Type {
	case "fixed":
		t.kind, t.size = kindFixed, n.Size
		t.setLogical(n.LogicalType, n.Precision, n.Scale)
	case "enum":
		t.kind, t.size = kindEnum, len(n.Symbols)
	default:
		t.kind = kindRecord
		t.fields = make([]member, len(n.Fields))
		for i := range n.Fields {
			f := &n.Fields[i]
			ft, err := l.typ(&f.Type, ns)
			if err != nil {
				return nil, err
			}
			m := member{name: f.Name, typ: fieldLogical(ft, f.Props), doc: f.Doc}
			if m.doc == "" {
				m.doc = property(f.Props, "description")
			}
			m.units = property(f.Props, "units", "unit")
			if m.units == "" {
				m.units = unitsOf(ft)
			}
			t.fields[i] = m
		}
	}
	return t, nil
}

func (l *linker) lookup(name, ns string) *typ {
	if ns != "" && !strings.Contains(name, ".") {
		if t := l.named[ns+"."+name]; t != nil {
			return t
		}
	}
	return l.named[name]
}

// fieldLogical lifts a logical type that stands beside a field's type onto
// the type. The specification wants it inside, but many schemas have
// {"name":"t","type":"long","logicalType":"timestamp-millis"} and mean it.
func fieldLogical(t *typ, props map[string]any) *typ {
	logical := property(props, "logicalType")
	if logical == "" || t.logical != "" {
		return t
	}
	switch t.kind {
	case kindInt, kindLong, kindBytes, kindString, kindFixed:
	default:
		return t
	}
	lifted := *t
	precision, _ := props["precision"].(int64)
	scale, _ := props["scale"].(int64)
	if logical == "decimal" && (precision <= 0 || scale < 0 || scale > precision) {
		return t
	}
	lifted.setLogical(logical, int(precision), int(scale))
	return &lifted
}

// setLogical notes a logical type where it applies; elsewhere it is ignored,
// as the specification wants.
func (t *typ) setLogical(logical string, precision, scale int) {
	integer := t.kind == kindInt || t.kind == kindLong
	switch {
	case logical == "decimal" && precision > 0 && t.kind == kindBytes:
		t.kind, t.scale, t.logical = kindDecimalBytes, scale, logical
	case logical == "decimal" && precision > 0 && t.kind == kindFixed && t.size > 0:
		t.kind, t.scale, t.logical = kindDecimalFixed, scale, logical
	case logical == "date" && t.kind == kindInt,
		integer && strings.HasPrefix(logical, "time-"),
		t.kind == kindLong && strings.HasPrefix(logical, "timestamp-"),
		t.kind == kindLong && strings.HasPrefix(logical, "local-timestamp-"),
		logical == "big-decimal" && t.kind == kindBytes,
		logical == "duration" && t.kind == kindFixed,
		logical == "uuid" && (t.kind == kindString || t.kind == kindFixed):
		t.logical = logical
	}
}

// numeric is true for a scalar whose values are samples.
func (t *typ) numeric(booleans bool) bool {
	switch t.kind {
	case kindInt, kindLong:
		return t.logical == ""
	case kindFloat, kindDouble, kindDecimalBytes, kindDecimalFixed:
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
			if b.kind != kindRecord && b.kind != kindUnion {
				if u := unitsOf(b); u != "" {
					return u
				}
			}
		}
	}
	return ""
}

// property is the first of the named attributes that is a non-empty string.
func property(props map[string]any, names ...string) string {
	for _, n := range names {
		if s, ok := props[n].(string); ok && s != "" {
			return s
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
