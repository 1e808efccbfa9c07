package config

import (
	"encoding/json"
	"strings"
)

// JSONSchema is the JSON Schema (draft 2020-12) of the file, for editors.
func JSONSchema() []byte {
	root := objectSchema("Configuration of kafka-aggregator.")
	sections := map[string]map[string]any{"": root}
	for _, k := range Keys() {
		cut := strings.LastIndex(k.Path, ".")
		owner, name := "", k.Path
		if cut >= 0 {
			owner, name = k.Path[:cut], k.Path[cut+1:]
		}
		properties := sections[owner]["properties"].(map[string]any)
		switch k.Type() {
		case "list of sections":
			item := objectSchema("One of " + name + ".")
			list := map[string]any{"type": "array", "description": k.Doc, "items": item}
			if k.Path == "aggregations" {
				item["required"] = []string{"name", "topics"}
				list["minItems"] = 1
			}
			if k.Scalar != "" {
				list["items"] = map[string]any{"anyOf": []any{item, map[string]any{"type": "string"}}}
			}
			properties[name] = list
			sections[k.Path+"[]"] = item
		case "section":
			section := objectSchema(k.Doc)
			sections[k.Path] = section
			properties[name] = section
			if k.Scalar != "" {
				properties[name] = map[string]any{"description": k.Doc, "anyOf": []any{section, map[string]any{"type": "string"}, map[string]any{"const": false}}}
			}
		default:
			properties[name] = k.schema()
		}
	}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "kafka-aggregator"
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic("BUG: config: schema without JSON: " + err.Error())
	}
	return append(text, '\n')
}

func objectSchema(doc string) map[string]any {
	return map[string]any{"type": []string{"object", "null"}, "description": doc, "additionalProperties": false, "properties": map[string]any{}}
}

// schema of a single value. Keys may stand without a value, hence null.
func (k Key) schema() map[string]any {
	text := map[string]any{"type": "string"}
	if k.Values != nil {
		text["enum"] = k.Values
	}
	var s map[string]any
	switch k.Type() {
	case "text":
		s = map[string]any{"type": []string{"string", "null"}}
		if k.Values != nil {
			all := make([]any, 0, len(k.Values)+1)
			for _, v := range k.Values {
				all = append(all, v)
			}
			s["enum"] = append(all, nil)
		}
		if k.list {
			s = map[string]any{"type": []string{"string", "array", "null"}, "items": text}
		}
	case "duration":
		s = map[string]any{"type": []string{"string", "integer", "null"}, "pattern": `^-?([0-9]+(\.[0-9]+)?d)?([0-9.]+(ns|us|µs|ms|s|m|h))*$|^0$`, "maximum": 0, "minimum": 0}
	case "true or false":
		s = map[string]any{"type": []string{"boolean", "null"}}
	case "whole number":
		s = map[string]any{"type": []string{"integer", "null"}}
	case "number":
		s = map[string]any{"type": []string{"number", "null"}}
	case "list of texts":
		s = map[string]any{"type": []string{"array", "null"}, "items": text}
	case "map of texts":
		if k.overlay {
			text = map[string]any{"type": []string{"string", "number", "boolean"}}
		}
		s = map[string]any{"type": []string{"object", "null"}, "additionalProperties": text}
	}
	s["description"] = k.Doc
	if !k.Secret {
		s["default"] = k.zero
	}
	return s
}
