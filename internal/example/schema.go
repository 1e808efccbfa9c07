package example

import (
	"encoding/json"
	"fmt"
	"strings"
)

type schemaField struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Units string `json:"units"`
	Doc   string `json:"doc"`
}

type schemaRecord struct {
	Type   string        `json:"type"`
	Name   string        `json:"name"`
	Doc    string        `json:"doc"`
	Fields []schemaField `json:"fields"`
}

// Schema is the Avro schema of an example topic: time (seconds since the Unix
// epoch, UTC), then the values.
func Schema(topic string, fields int) string {
	record := schemaRecord{
		Type: "record",
		Name: recordName(topic),
		Doc:  "An example of telemetry.",
		Fields: []schemaField{
			{Name: "time", Type: "double", Units: "s", Doc: "When the record was made: seconds since the Unix epoch, UTC."},
		},
	}
	for i := range fields {
		s := shapeOf(i)
		record.Fields = append(record.Fields, schemaField{Name: fmt.Sprintf("value%d", i), Type: "double", Units: s.units, Doc: s.doc})
	}
	text, err := json.Marshal(record)
	if err != nil {
		panic("BUG: a schema of strings does not marshal: " + err.Error())
	}
	return string(text)
}

// recordName turns a topic's name into a legal Avro name.
func recordName(topic string) string {
	legal := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z':
			return r
		}
		return '_'
	}, topic)
	if legal == "" || legal[0] >= '0' && legal[0] <= '9' {
		return "_" + legal
	}
	return legal
}

// countFields reads back how many values a schema made by Schema has. ok is
// false for any other schema.
func countFields(text string) (fields int, ok bool) {
	var record schemaRecord
	if json.Unmarshal([]byte(text), &record) != nil || record.Type != "record" || len(record.Fields) < 2 {
		return 0, false
	}
	for i, f := range record.Fields {
		name := "time"
		if i > 0 {
			name = fmt.Sprintf("value%d", i-1)
		}
		if f.Name != name || f.Type != "double" {
			return 0, false
		}
	}
	return len(record.Fields) - 1, true
}
