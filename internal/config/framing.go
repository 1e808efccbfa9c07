package config

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
)

// Framing is how source records name their schema, beside the header
// __value_schema_id and the 5-byte prefix.
type Framing struct {
	Subjects     []string    `yaml:"subjects"` // none: {source_topic}-value
	SingleObject bool        `yaml:"single_object"`
	Glue         GlueFraming `yaml:"glue"`
	Bare         BareFraming `yaml:"bare"`
}

// GlueFraming has for UUIDs of schema versions in AWS Glue the id of the schema in
// the registry, or a subject.
type GlueFraming struct {
	Schemas map[string]string `yaml:"schemas"`
}

// BareFraming names the schema of records that name none. One of them is set, or
// none.
type BareFraming struct {
	Subject string `yaml:"subject"`
	ID      int    `yaml:"id"`
}

// Reader reads the framing of the records of a topic. The error is that of a UUID.
func (f *Framing) Reader(topic string) (*framing.Reader, error) {
	of := func(subject string) string { return strings.ReplaceAll(subject, Placeholder, topic) }
	s := framing.Settings{SingleObject: f.SingleObject, Bare: framing.Schema{ID: f.Bare.ID, Subject: of(f.Bare.Subject)}}
	for _, subject := range f.Subjects {
		s.Subjects = append(s.Subjects, of(subject))
	}
	if len(s.Subjects) == 0 {
		s.Subjects = []string{topic + "-value"}
	}
	if len(f.Glue.Schemas) > 0 {
		s.Glue = make(map[framing.GUID]framing.Schema, len(f.Glue.Schemas))
	}
	for text, schema := range f.Glue.Schemas {
		version, err := framing.ParseGUID(text)
		if err != nil {
			return nil, fmt.Errorf("framing.glue.schemas: %q %w", text, err)
		}
		if id, err := strconv.Atoi(schema); err == nil {
			s.Glue[version] = framing.Schema{ID: id}
		} else {
			s.Glue[version] = framing.Schema{Subject: of(schema)}
		}
	}
	return framing.NewReader(s), nil
}

func (f *Framing) check(c checker) {
	for i, subject := range f.Subjects {
		if subject == "" {
			c.add(fmt.Sprintf("subjects[%d]", i), "write for example '"+Placeholder+"-value'", "is empty")
		}
	}
	seen := map[framing.GUID]string{}
	for _, text := range slices.Sorted(maps.Keys(f.Glue.Schemas)) {
		at, schema := "glue.schemas["+text+"]", f.Glue.Schemas[text]
		version, err := framing.ParseGUID(text)
		if err != nil {
			c.add(at, "write the SchemaVersionId as Glue shows it", "%q %v", text, err)
		} else if first, ok := seen[version]; ok {
			c.add(at, "keep one of them", "is the same as %s", first)
		}
		seen[version] = text
		if id, err := strconv.Atoi(schema); schema == "" || err == nil && (id < 1 || id > math.MaxInt32) {
			c.add(at, "write an id such as 7, or a subject such as '"+Placeholder+"-value'", "%q is neither the id of a schema nor a subject", schema)
		}
	}
	if f.Bare.ID != 0 {
		c.within("bare.id", f.Bare.ID, 1, math.MaxInt32)
		if f.Bare.Subject != "" {
			c.add("bare.id", "keep one of them", "stands beside subject")
		}
	}
}
