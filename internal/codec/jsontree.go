package codec

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of a schema's text.
const (
	MaxText      = 4 << 20   // bytes of a source schema, with all that it refers to
	maxJSONDepth = 1000      // objects and lists within each other, as many as Avro's Java takes
	maxJSONNodes = 1_000_000 // values that are kept
)

// jsonKind is the type of a JSON value.
type jsonKind uint8

const (
	jsonOther jsonKind = iota // null, true, false
	jsonNumber
	jsonString
	jsonList
	jsonObject
)

// jsonValue is a value in the text of a schema. An object keeps only the
// attributes that decoding needs; numbers keep their digits.
type jsonValue struct {
	kind jsonKind
	key  attribute   // in an object: which attribute this is
	text string      // of a string, or the digits of a number
	list []jsonValue // elements of a list, attributes of an object
}

// attribute is a name in an object of a schema.
type attribute uint8

const (
	attrUnknown attribute = iota
	attrType
	attrName
	attrNamespace
	attrFields
	attrItems
	attrValues
	attrSymbols
	attrSize
	attrLogicalType
	attrPrecision
	attrScale
	attrDoc
	attrDescription
	attrUnits
	attrUnit
	attrConnectName
	attrConnectParameters
	attrColumnType // in connect.parameters
)

// attributes are those that say how to read a record, or what a field is.
// Everything else (default, aliases, order, …) says nothing about the bytes.
var attributes = map[string]attribute{
	"type": attrType, "name": attrName, "namespace": attrNamespace, "fields": attrFields, "items": attrItems,
	"values": attrValues, "symbols": attrSymbols, "size": attrSize, "logicalType": attrLogicalType,
	"precision": attrPrecision, "scale": attrScale, "doc": attrDoc, "description": attrDescription,
	"units": attrUnits, "unit": attrUnit,
	"connect.name": attrConnectName, "connect.parameters": attrConnectParameters, "__debezium.source.column.type": attrColumnType,
}

// get is the attribute of an object, nil if it has none of that name.
func (v *jsonValue) get(a attribute) *jsonValue {
	for i := range v.list {
		if v.kind == jsonObject && v.list[i].key == a {
			return &v.list[i]
		}
	}
	return nil
}

// str is the attribute of an object if it is a string that is not empty.
func (v *jsonValue) str(as ...attribute) string {
	for _, a := range as {
		if s := v.get(a); s != nil && s.kind == jsonString && s.text != "" {
			return s.text
		}
	}
	return ""
}

// readJSON reads the text of a schema as liberally as any library that writes
// with it: comments and a byte order mark are passed over, of attributes with
// the same name the last one holds, and what stands behind the schema is not
// looked at. Time and memory are in proportion to the text.
func readJSON(text string) (*jsonValue, error) {
	r := &jsonReader{in: strings.TrimPrefix(text, "\ufeff")}
	v := new(jsonValue)
	if err := r.value(v, 0, true); err != nil {
		return nil, err
	}
	return v, nil
}

type jsonReader struct {
	in    string
	at    int
	nodes int
}

var errCut = errors.New("ends in the middle")

func (r *jsonReader) errorf(format string, args ...any) error {
	return fmt.Errorf("byte %d: %s", r.at, fmt.Sprintf(format, args...))
}

// space passes over white space and comments.
func (r *jsonReader) space() error {
	for r.at < len(r.in) {
		switch c := r.in[r.at]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			r.at++
		case strings.HasPrefix(r.in[r.at:], "//"):
			end := strings.IndexAny(r.in[r.at:], "\r\n")
			if end < 0 {
				end = len(r.in) - r.at
			}
			r.at += end
		case strings.HasPrefix(r.in[r.at:], "/*"):
			end := strings.Index(r.in[r.at+2:], "*/")
			if end < 0 {
				return errCut
			}
			r.at += end + 4
		default:
			return nil
		}
	}
	return errCut
}

// value reads what comes next into v. Without keep it is passed over.
func (r *jsonReader) value(v *jsonValue, depth int, keep bool) error {
	if err := r.space(); err != nil {
		return err
	}
	if r.nodes++; keep && r.nodes > maxJSONNodes {
		return fmt.Errorf("has more than %d parts", maxJSONNodes)
	}
	var err error
	switch c := r.in[r.at]; {
	case c == '{' || c == '[':
		if depth == maxJSONDepth {
			return r.errorf("nested deeper than %d levels", maxJSONDepth)
		}
		r.at++
		if c == '{' {
			v.kind = jsonObject
			return r.object(v, depth+1, keep)
		}
		v.kind = jsonList
		return r.list(v, depth+1, keep)
	case c == '"':
		v.kind = jsonString
		v.text, err = r.string(keep)
	case c == '-' || c >= '0' && c <= '9':
		v.kind = jsonNumber
		v.text, err = r.number()
	default:
		v.kind = jsonOther
		err = r.word()
	}
	return err
}

// more reads what stands behind an element: a comma, or the end.
func (r *jsonReader) more(end byte) (bool, error) {
	if err := r.space(); err != nil {
		return false, err
	}
	switch c := r.in[r.at]; c {
	case ',', end:
		r.at++
		return c == ',', nil
	default:
		return false, r.errorf("%q, not a comma or %c", c, end)
	}
}

// empty passes over the end of what has nothing in it.
func (r *jsonReader) empty(end byte) (bool, error) {
	if err := r.space(); err != nil {
		return false, err
	}
	if r.in[r.at] != end {
		return false, nil
	}
	r.at++
	return true, nil
}

func (r *jsonReader) list(v *jsonValue, depth int, keep bool) error {
	if none, err := r.empty(']'); none || err != nil {
		return err
	}
	for {
		var element jsonValue
		if err := r.value(&element, depth, keep); err != nil {
			return err
		}
		if keep {
			v.list = append(v.list, element)
		}
		if more, err := r.more(']'); !more || err != nil {
			return err
		}
	}
}

func (r *jsonReader) object(v *jsonValue, depth int, keep bool) error {
	if none, err := r.empty('}'); none || err != nil {
		return err
	}
	for {
		if err := r.space(); err != nil {
			return err
		}
		if r.in[r.at] != '"' {
			return r.errorf("%q, not the name of an attribute", r.in[r.at])
		}
		name, err := r.string(keep)
		if err != nil {
			return err
		}
		if err := r.space(); err != nil {
			return err
		}
		if r.in[r.at] != ':' {
			return r.errorf("%q, not a colon", r.in[r.at])
		}
		r.at++
		element := jsonValue{key: attributes[name]}
		known := keep && element.key != attrUnknown
		if err := r.value(&element, depth, known); err != nil {
			return err
		}
		if known {
			if before := v.get(element.key); before != nil {
				*before = element
			} else {
				v.list = append(v.list, element)
			}
		}
		if more, err := r.more('}'); !more || err != nil {
			return err
		}
	}
}

func (r *jsonReader) word() error {
	for _, w := range []string{"null", "true", "false"} {
		if strings.HasPrefix(r.in[r.at:], w) {
			r.at += len(w)
			return nil
		}
	}
	return r.errorf("%q is no JSON", r.in[r.at])
}

func (r *jsonReader) number() (string, error) {
	start := r.at
	r.at++
	for r.at < len(r.in) && strings.IndexByte("0123456789+-.eE", r.in[r.at]) >= 0 {
		r.at++
	}
	return r.in[start:r.at], nil
}

// string reads a string; with keep it returns what it says.
func (r *jsonReader) string(keep bool) (string, error) {
	r.at++
	start := r.at
	for ; r.at < len(r.in); r.at++ {
		switch c := r.in[r.at]; {
		case c == '"':
			r.at++
			return r.in[start : r.at-1], nil
		case c == '\\':
			return r.escaped(start, keep)
		}
	}
	return "", errCut
}

// escaped reads the rest of a string that began at start and has an escape
// where the reader is.
func (r *jsonReader) escaped(start int, keep bool) (string, error) {
	var out []byte
	from := start
	for r.at < len(r.in) {
		switch c := r.in[r.at]; {
		case c == '"':
			r.at++
			if !keep {
				return "", nil
			}
			return string(append(out, r.in[from:r.at-1]...)), nil
		case c != '\\':
			r.at++
			continue
		}
		if keep {
			out = append(out, r.in[from:r.at]...)
		}
		if r.at+1 >= len(r.in) {
			return "", errCut
		}
		c := r.in[r.at+1]
		r.at += 2
		i := strings.IndexByte(`"\/bfnrt`, c)
		switch {
		case i >= 0:
			out = append(out, "\"\\/\b\f\n\r\t"[i])
		case c == 'u':
			u, ok := r.hex()
			if !ok {
				return "", r.errorf("\\u is followed by other than 4 hexadecimal digits")
			}
			if utf16.IsSurrogate(u) {
				u = r.pair(u)
			}
			out = utf8.AppendRune(out, u)
		default:
			return "", r.errorf("\\%c is no escape", c)
		}
		if !keep {
			out = out[:0]
		}
		from = r.at
	}
	return "", errCut
}

// pair completes a surrogate pair; half of one is the replacement character.
func (r *jsonReader) pair(first rune) rune {
	at := r.at
	if strings.HasPrefix(r.in[at:], `\u`) {
		r.at += 2
		if second, ok := r.hex(); ok {
			if u := utf16.DecodeRune(first, second); u != utf8.RuneError {
				return u
			}
		}
	}
	r.at = at
	return utf8.RuneError
}

func (r *jsonReader) hex() (rune, bool) {
	if r.at+4 > len(r.in) {
		return 0, false
	}
	var u rune
	for _, c := range []byte(r.in[r.at : r.at+4]) {
		i := strings.IndexByte("0123456789abcdef", c|0x20)
		if i < 0 || c < '0' {
			return 0, false
		}
		u = u<<4 | rune(i)
	}
	r.at += 4
	return u, true
}
