package cli

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"
)

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// appendJSON writes any decoded Avro value, or rows of a table, as JSON. NaN
// and the infinities, which JSON cannot express as numbers, become the texts
// "NaN", "Infinity" and "-Infinity"; bytes become hexadecimal; times RFC 3339.
func appendJSON(dst []byte, v any) []byte {
	switch t := v.(type) {
	case nil:
		return append(dst, "null"...)
	case float64:
		return appendFloat(dst, t, 64)
	case float32:
		return appendFloat(dst, float64(t), 32)
	case []byte:
		return appendText(dst, hex.EncodeToString(t))
	case time.Time:
		return appendText(dst, t.UTC().Format(time.RFC3339Nano))
	case time.Duration:
		return appendText(dst, t.String())
	case json.RawMessage:
		return append(dst, t...)
	case object:
		dst = append(dst, '{')
		for i, m := range t {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendText(dst, m.name), ':')
			dst = appendJSON(dst, m.value)
		}
		return append(dst, '}')
	case map[string]any:
		var o object
		for _, name := range slices.Sorted(maps.Keys(t)) {
			o = append(o, member{name, t[name]})
		}
		return appendJSON(dst, o)
	case fmt.Stringer:
		return appendText(dst, t.String())
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Slice, reflect.Array:
		dst = append(dst, '[')
		for i := range r.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, r.Index(i).Interface())
		}
		return append(dst, ']')
	case reflect.Pointer:
		if r.IsNil() {
			return append(dst, "null"...)
		}
		return appendJSON(dst, r.Elem().Interface())
	case reflect.String:
		return appendText(dst, r.String())
	}
	text, err := json.Marshal(v)
	if err != nil {
		return appendText(dst, fmt.Sprint(v))
	}
	return append(dst, text...)
}

func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	var text []byte
	if bits == 32 {
		text, _ = json.Marshal(float32(f)) // a finite float has JSON
	} else {
		text, _ = json.Marshal(f)
	}
	return append(dst, text...)
}

func appendText(dst []byte, s string) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		panic("BUG: cli: a text without JSON: " + err.Error())
	}
	return append(dst, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
}
