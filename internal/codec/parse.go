package codec

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxName bounds the bytes of a name with its namespace: they are put before
// the names of all that is inside.
const maxName = 4096

// ParseSchema reads the schema that records were written with, and the schemas
// that it refers to, each after those that it refers to itself. It judges only
// what decoding needs (names of fields, types, sizes) and is liberal there:
// wrong defaults, aliases, orders, docs and attributes of any kind are passed
// over, an invalid logical type is ignored, a name is taken as it stands. So it
// reads whatever an Avro library writes with. The error says what is missing.
func ParseSchema(text string, references ...string) (*Schema, error) {
	size := len(text)
	for _, r := range references {
		size += len(r)
	}
	if size > MaxText {
		return nil, fmt.Errorf("schema of %d bytes, with what it refers to, is larger than %d", size, MaxText)
	}
	p := &parser{namedTypes: namedTypes{full: map[typeName]*typ{}, short: map[string]*typ{}}}
	for _, r := range references {
		var unused *typ
		if err := p.text(r, &unused); err != nil {
			return nil, fmt.Errorf("a schema that is referred to: %w", err)
		}
	}
	s := new(Schema)
	if err := p.text(text, &s.root); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	if err := p.resolve(); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	for _, t := range p.records {
		t.minSize()
		for i := range t.fields {
			if m := &t.fields[i]; m.units == "" {
				m.units = unitsOf(m.typ)
			}
		}
	}
	return s, nil
}

// parser turns JSON into the graph of types.
type parser struct {
	namedTypes
	records []*typ
}

func (p *parser) text(text string, at **typ) error {
	v, err := readJSON(text)
	if err != nil {
		return err
	}
	return p.typ(v, "", at)
}

var primitives = map[string]kind{
	"null": kindNull, "boolean": kindBoolean, "int": kindInt, "long": kindLong,
	"float": kindFloat, "double": kindDouble, "bytes": kindBytes, "string": kindString,
}

// plain are the primitive types without attributes.
var plain = func() (out [kindString + 1]*typ) {
	for _, k := range primitives {
		out[k] = &typ{kind: k}
	}
	return out
}()

// typ puts the type that v describes into *at, at once or, if it is defined
// further down, in resolve.
func (p *parser) typ(v *jsonValue, ns string, at **typ) error {
	switch v.kind {
	case jsonString:
		if k, ok := primitives[v.text]; ok {
			*at = plain[k]
			return nil
		}
		return p.refer(v.text, ns, at)
	case jsonList:
		return p.union(v, ns, at)
	case jsonObject:
		return p.object(v, ns, at)
	}
	return errors.New("a type is none of a name, a list and an object")
}

func (p *parser) union(v *jsonValue, ns string, at **typ) error {
	t := &typ{kind: kindUnion, branches: make([]*typ, len(v.list))}
	*at = t
	for i := range v.list {
		if v.list[i].kind == jsonList {
			return errors.New("a union stands in a union")
		}
		if err := p.typ(&v.list[i], ns, &t.branches[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) object(v *jsonValue, ns string, at **typ) error {
	is := v.get(attrType)
	if is == nil {
		return errors.New("an object has no type")
	}
	units := v.str(attrUnits, attrUnit)
	if is.kind != jsonString { // {"type": {"type": …}}
		if err := p.typ(is, ns, at); err != nil {
			return err
		}
		if *at != nil {
			*at = (*at).lifted(v)
			*at = (*at).withUnits(units)
		}
		return nil
	}
	if k, ok := primitives[is.text]; ok {
		t := &typ{kind: k, units: units}
		t.setLogical(v)
		t.setConnect(v)
		*at = t
		return nil
	}
	switch is.text {
	case "array":
		return p.container(v, kindArray, attrItems, ns, at)
	case "map":
		return p.container(v, kindMap, attrValues, ns, at)
	case "record", "error", "enum", "fixed":
		t, err := p.define(v, is.text, ns)
		*at = t
		return err
	}
	return p.refer(is.text, ns, at)
}

// withUnits is t with units of its own, if there are any.
func (t *typ) withUnits(units string) *typ {
	if units == "" || t.units != "" || t.kind == kindRecord {
		return t
	}
	other := *t
	other.units = units
	return &other
}

func (p *parser) container(v *jsonValue, k kind, of attribute, ns string, at **typ) error {
	t := &typ{kind: k, units: v.str(attrUnits, attrUnit)}
	*at = t
	inside := v.get(of)
	if inside == nil {
		return fmt.Errorf("%s that does not say what is in it", kindNames[k])
	}
	return p.typ(inside, ns, &t.elem)
}

// define reads a record, enum or fixed.
func (p *parser) define(v *jsonValue, is, ns string) (*typ, error) {
	t := &typ{namespace: ns, units: v.str(attrUnits, attrUnit)}
	if n := v.get(attrNamespace); n != nil && n.kind == jsonString {
		t.namespace = n.text
	}
	if n := v.get(attrName); n != nil && n.kind == jsonString {
		t.name = n.text
		if i := strings.LastIndexByte(n.text, '.'); i >= 0 {
			t.namespace, t.name = n.text[:i], n.text[i+1:]
		}
	}
	if len(t.namespace)+len(t.name) > maxName {
		return nil, fmt.Errorf("%s has a name of more than %d bytes", is, maxName)
	}
	var err error
	switch is {
	case "fixed":
		t.kind = kindFixed
		if t.size, err = fixedSize(v.get(attrSize)); err == nil {
			t.setLogical(v)
			t.setConnect(v)
		}
	case "enum":
		t.kind = kindEnum
		symbols := v.get(attrSymbols)
		if symbols == nil || symbols.kind != jsonList {
			err = errors.New("has no list of symbols")
			break
		}
		if t.size = len(symbols.list); t.size <= maxSymbols {
			for i := range symbols.list {
				t.symbols = append(t.symbols, symbols.list[i].text)
			}
		}
	default:
		t.kind = kindRecord
		p.records = append(p.records, t)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", is, t.fullName(), err)
	}
	first := p.add(t) // before its fields, which may name it
	if t.kind == kindRecord {
		if err := p.fields(v.get(attrFields), t); err != nil {
			return nil, fmt.Errorf("%s %s: %w", is, t.fullName(), err)
		}
		t.setConnectRecord(v)
	}
	if first == nil {
		return t, nil
	}
	if !first.same(t) {
		return nil, fmt.Errorf("the name %s is given to two types that differ", t.fullName())
	}
	return first, nil
}

// fixedSize is the size of a fixed: an integer, which some write as a string.
func fixedSize(v *jsonValue) (int, error) {
	if v == nil || v.kind != jsonNumber && v.kind != jsonString {
		return 0, errors.New("has no size")
	}
	n, err := strconv.ParseUint(v.text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("has the size %.20s, which is no number of bytes", v.text)
	}
	return int(n), nil
}

func (p *parser) fields(v *jsonValue, t *typ) error {
	if v == nil || v.kind != jsonList {
		return errors.New("has no list of fields")
	}
	t.fields = make([]member, len(v.list))
	for i := range v.list {
		f, m := &v.list[i], &t.fields[i]
		name := f.get(attrName)
		if name == nil || name.kind != jsonString {
			return fmt.Errorf("field %d has no name", i+1)
		}
		if len(name.text) > maxName {
			return fmt.Errorf("field %d has a name of more than %d bytes", i+1, maxName)
		}
		m.name, m.doc, m.units = name.text, f.str(attrDoc, attrDescription), f.str(attrUnits, attrUnit)
		if err := p.field(f, t.namespace, &m.typ); err != nil {
			return fmt.Errorf("field %s: %w", m.name, err)
		}
	}
	return nil
}

// field reads the type of a field.
func (p *parser) field(f *jsonValue, ns string, at **typ) error {
	is := f.get(attrType)
	if is == nil {
		return errors.New("it has no type")
	}
	if of, ok := flat[is.text]; ok && is.kind == jsonString && f.get(of) != nil && p.find(is.text, ns) == nil {
		return p.object(f, ns, at)
	}
	if err := p.typ(is, ns, at); err != nil {
		return err
	}
	if *at != nil {
		*at = (*at).lifted(f)
	}
	return nil
}

// flat are the types that some libraries take without an object around them:
// {"name": "x", "type": "array", "items": "double"}.
var flat = map[string]attribute{
	"record": attrFields, "error": attrFields, "enum": attrSymbols, "fixed": attrSize, "array": attrItems, "map": attrValues,
}
