package codec

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// logicalTypes are those of the Avro specification, with the types that each
// applies to. On any other type it is ignored, and so is one that is not here.
var logicalTypes = map[string][]kind{
	"decimal":                {kindBytes, kindFixed},
	"big-decimal":            {kindBytes},
	"uuid":                   {kindString, kindFixed},
	"date":                   {kindInt},
	"time-millis":            {kindInt},
	"time-micros":            {kindLong},
	"timestamp-millis":       {kindLong},
	"timestamp-micros":       {kindLong},
	"timestamp-nanos":        {kindLong},
	"local-timestamp-millis": {kindLong},
	"local-timestamp-micros": {kindLong},
	"local-timestamp-nanos":  {kindLong},
	"duration":               {kindFixed},
}

// unsignedLongs are what a long is called by those who keep 64 bits without a sign
// in it. The specification has no such type.
var unsignedLongs = []string{"uint64", "ulong", "unsigned-long"}

// setLogical notes the logical type that the attributes of v give t, if it is
// valid. One that is not is ignored, as the specification wants: the type is
// what it is without.
func (t *typ) setLogical(v *jsonValue) {
	logical := v.str(attrLogicalType)
	if t.kind == kindLong && slices.Contains(unsignedLongs, strings.ToLower(logical)) {
		t.unsigned = true
	}
	applies := false
	for _, k := range logicalTypes[logical] {
		applies = applies || k == t.kind
	}
	if !applies {
		return
	}
	switch logical {
	case "decimal":
	case "big-decimal":
		t.kind = kindBigDecimal
		fallthrough
	default:
		t.logical = logical
		return
	}
	scale, why := decimalScale(v, t)
	if why != "" {
		t.ignored = "its logical type decimal is invalid, since " + why
		return
	}
	t.logical, t.scale = logical, scale
	t.kind = map[kind]kind{kindBytes: kindDecimalBytes, kindFixed: kindDecimalFixed}[t.kind]
}

// decimalScale checks the attributes of a decimal by the rules of the
// specification, which are also those of Avro's Java.
func decimalScale(v *jsonValue, t *typ) (scale int, why string) {
	precision, ok := integer(v.get(attrPrecision))
	switch {
	case v.get(attrPrecision) == nil:
		return 0, "it has no precision"
	case !ok || precision <= 0:
		return 0, "its precision is no positive integer"
	}
	if v.get(attrScale) != nil {
		if scale, ok = integer(v.get(attrScale)); !ok || scale < 0 {
			return 0, "its scale is no integer from 0 on"
		}
	}
	if scale > precision {
		return 0, fmt.Sprintf("its scale %d is above its precision %d", scale, precision)
	}
	if t.kind == kindFixed && float64(precision) > math.Floor(math.Log10(2)*float64(8*t.size-1)) {
		return 0, fmt.Sprintf("%d bytes are too few for %d digits", t.size, precision)
	}
	return scale, ""
}

// integer is a JSON number that is an integer of 32 bits.
func integer(v *jsonValue) (int, bool) {
	if v == nil || v.kind != jsonNumber || strings.HasPrefix(v.text, "+") {
		return 0, false
	}
	n, err := strconv.ParseInt(v.text, 10, 32)
	return int(n), err == nil
}

// lifted is t with the logical type, or Connect's, that stands beside it, in v. The
// specification wants it inside, but many schemas have
// {"name":"t","type":"long","logicalType":"timestamp-millis"} and mean it.
func (t *typ) lifted(v *jsonValue) *typ {
	if t.logical != "" || t.ignored != "" || v.str(attrLogicalType) == "" && v.str(attrConnectName) == "" {
		return t
	}
	switch t.kind {
	case kindInt, kindLong, kindDouble, kindBytes, kindString, kindFixed:
	default:
		return t
	}
	other := *t
	other.setLogical(v)
	other.setConnect(v)
	return &other
}
