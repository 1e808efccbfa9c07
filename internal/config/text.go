package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setText sets a value from the text of an environment variable or a flag.
// Lists are separated by commas, or a JSON list; maps are a=b,c=d.
func setText(v reflect.Value, text string) error {
	switch {
	case v.Type() == durationType:
		d, err := ParseDuration(text)
		if err != nil {
			return err
		}
		v.SetInt(int64(d))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return notNumber(text, "a whole number", err)
		}
		v.SetInt(n)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return notNumber(text, "a number", err)
		}
		v.SetFloat(f)
	case reflect.Slice:
		v.Set(reflect.ValueOf(splitList(text)))
	case reflect.Map:
		m := make(map[string]string)
		for _, item := range splitList(text) {
			key, value, ok := strings.Cut(item, "=")
			if !ok {
				return fmt.Errorf("%q is not name=value", item)
			}
			m[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
		v.Set(reflect.ValueOf(m))
	default:
		panic("BUG: config: cannot set a " + v.Type().String())
	}
	return nil
}

func notNumber(text, what string, err error) error {
	if errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("%s is out of range", text)
	}
	return fmt.Errorf("%q is not %s", text, what)
}

// splitList reads "a, b" or ["a", "b"]; the second form is for texts with commas.
func splitList(text string) []string {
	list := []string{}
	if strings.HasPrefix(strings.TrimSpace(text), "[") && json.Unmarshal([]byte(text), &list) == nil {
		return list
	}
	list = []string{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// format writes a value as it stands in a file.
func format(v reflect.Value) string {
	if d, ok := v.Interface().(time.Duration); ok {
		return FormatDuration(d)
	}
	switch v.Kind() {
	case reflect.String:
		return quote(v.String())
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = quote(v.Index(i).String())
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.Map:
		m := v.Interface().(map[string]string)
		var items []string
		for _, name := range slices.Sorted(maps.Keys(m)) {
			items = append(items, quote(name)+": "+quote(m[name]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	return fmt.Sprint(v.Interface())
}

// quote leaves plain words alone and puts all else into YAML's quotes.
func quote(s string) string {
	lower := strings.ToLower(s)
	plain := s != "" && lower != "true" && lower != "false" && lower != "null"
	for i, c := range s {
		letter := c == '_' || c == '/' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		plain = plain && (letter || i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '.' || c == ':'))
	}
	switch {
	case plain && !strings.HasSuffix(s, ":"):
		return s
	case strings.ContainsFunc(s, func(c rune) bool {
		return c < ' ' || c == 0x7f || c == 0x85 || c >= 0x2028 && c <= 0x2029 || c == 0xfeff
	}):
		return strconv.QuoteToASCII(s)
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
