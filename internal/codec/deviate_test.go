package codec

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// deviate adds to a schema what says nothing about the bytes of a record, most
// of it wrong.
func deviate(r *rand.Rand, v any) any {
	wrong := []any{nil, 1, -1.5, "x", "null", "", true, []any{}, []any{"a", 1, nil}, map[string]any{"a": []any{}}, json.Number("1e400")}
	junk := func() any { return wrong[r.IntN(len(wrong))] }
	add := func(m map[string]any, attributes ...string) {
		for _, a := range attributes {
			if _, there := m[a]; !there && r.IntN(4) == 0 {
				m[a] = junk()
			}
		}
	}
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = deviate(r, v[i])
		}
	case string:
		if _, primitive := primitives[v]; primitive && r.IntN(3) == 0 {
			return deviate(r, map[string]any{"type": v})
		}
	case map[string]any:
		typ, _ := v["type"].(string)
		add(v, "default", "aliases", "order", "custom", "type-", "Fields")
		if _, there := v["logicalType"]; !there && r.IntN(2) == 0 {
			v["logicalType"] = []any{"zeit", "Decimal", 5, nil, []any{"decimal"}}[r.IntN(5)]
			if typ == "bytes" || typ == "fixed" {
				v["logicalType"], v["precision"], v["scale"] = "decimal", r.IntN(2), -r.IntN(2)
				if v["precision"] == 1 {
					v["scale"] = 127
				}
			}
			if typ == "double" || typ == "string" || typ == "record" || typ == "array" || typ == "enum" {
				v["logicalType"] = []any{"decimal", "date", "timestamp-millis", "duration"}[r.IntN(4)]
				add(v, "precision", "scale")
			}
		}
		if typ == "record" {
			add(v, "size", "symbols", "items", "values")
			if _, nested := v["name"]; nested && r.IntN(3) == 0 {
				v["namespace"] = []any{nil, 5, []any{}}[r.IntN(3)]
			}
			for _, f := range v["fields"].([]any) {
				f := f.(map[string]any)
				f["type"] = deviate(r, f["type"])
				add(f, "default", "aliases", "order", "custom", "precision", "scale", "namespace", "fields")
				if r.IntN(5) == 0 {
					f["aliases"] = []any{f["name"], "q", "q"}
				}
			}
		}
		for _, of := range []string{"items", "values"} {
			if typ == "array" && of == "items" || typ == "map" && of == "values" {
				v[of] = deviate(r, v[of])
			}
		}
	}
	return v
}

// TestDeviationsDoNotMatter: what decoding does not need makes no difference.
func TestDeviationsDoNotMatter(t *testing.T) {
	for seed := range uint64(1000) {
		r := newRand(seed)
		top := randomRecord(r)
		if seed%4 == 0 {
			top = randomTop(r)
		}
		clean := top.text()
		var v any
		if err := json.Unmarshal([]byte(clean), &v); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(deviate(r, v))
		if err != nil {
			t.Fatal(err)
		}
		got, want := ours(parse(t, string(text)).root, "", nil), ours(parse(t, clean).root, "", nil)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: got\n%s\nwant\n%s\n%s", seed, strings.Join(got, "\n"), strings.Join(want, "\n"), text)
		}
	}
}
