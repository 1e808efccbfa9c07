package codec

import "strings"

// whyNot says why a type that is not taken is not.
func (t *typ) whyNot() string {
	if t.logical != "" && t.kind != kindDecimalBytes && t.kind != kindDecimalFixed {
		switch t.logical {
		case "uuid", "duration":
			return t.logical + " is not a number"
		}
		return t.logical + " is a point in time, not a quantity"
	}
	switch t.kind {
	case kindNull:
		return "null has no values"
	case kindBoolean:
		return "booleans count only when asked for (fields.booleans)"
	case kindMap:
		return "maps count only when asked for (fields.maps)"
	case kindEnum:
		return t.whyNotEnum()
	}
	if t.ignored != "" {
		return t.String() + " is not numeric; " + t.ignored
	}
	return t.String() + " is not numeric"
}

var kindNames = [...]string{
	"null", "boolean", "int", "long", "float", "double", "bytes", "string",
	"fixed", "enum", "record", "array", "map", "union", "decimal", "decimal", "decimal", "decimal",
}

// String is the type for people: ["null","float"], array<double>.
func (t *typ) String() string { return t.text(0) }

func (t *typ) text(depth int) string {
	if depth > 4 {
		return "…"
	}
	switch t.kind {
	case kindArray:
		return "array<" + t.elem.text(depth+1) + ">"
	case kindMap:
		return "map<" + t.elem.text(depth+1) + ">"
	case kindUnion:
		parts := make([]string, 0, len(t.branches))
		for i, b := range t.branches {
			if i == 16 {
				parts = append(parts, "…")
				break
			}
			parts = append(parts, `"`+b.text(depth+1)+`"`)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case kindRecord, kindEnum, kindFixed:
		if t.logical == "" {
			return kindNames[t.kind] + " " + t.fullName()
		}
	case kindDecimalBytes, kindDecimalFixed, kindBigDecimal, kindAnyDecimal:
		return "decimal"
	}
	if t.logical != "" {
		return kindNames[t.kind] + " " + t.logical
	}
	if t.unsigned {
		return "unsigned " + kindNames[t.kind]
	}
	return kindNames[t.kind]
}
