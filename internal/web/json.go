package web

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"reflect"
	"strings"
)

// status is the whole Status as JSON.
func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(appendJSON(nil, reflect.ValueOf(s.options.Status())), '\n'))
}

// appendJSON writes v as encoding/json would, except that a list without
// entries is [] and that what JSON cannot hold is null: NaN and the infinities,
// and a time beyond the year 9999 that some clock has stamped. A status must be
// readable above all when something is wrong.
func appendJSON(dst []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		if math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0) {
			return append(dst, "null"...)
		}
	case reflect.Slice:
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, v.Index(i))
		}
		return append(dst, ']')
	case reflect.Struct:
		if _, ok := v.Interface().(json.Marshaler); !ok {
			return appendStruct(dst, v)
		}
	}
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return append(dst, "null"...)
	}
	return append(dst, text...)
}

func appendStruct(dst []byte, v reflect.Value) []byte {
	return append(appendMembers(append(dst, '{'), v), '}')
}

// appendMembers writes the members of a struct; those of an embedded one stand among
// them.
func appendMembers(dst []byte, v reflect.Value) []byte {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag := f.Tag.Get("json")
		name, option, _ := strings.Cut(tag, ",")
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct && name == "":
			dst = appendMembers(dst, v.Field(i))
			continue
		case !f.IsExported() || tag == "-" || option == "omitempty" && v.Field(i).IsZero():
			continue
		}
		if name == "" {
			name = f.Name
		}
		if !bytes.HasSuffix(dst, []byte{'{'}) {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), name...), `":`...)
		dst = appendJSON(dst, v.Field(i))
	}
	return dst
}
