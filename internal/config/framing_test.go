package config_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
)

const version = "89791762-2336-4186-9674-299b90a802e2"

func TestFraming(t *testing.T) {
	guid, err := framing.ParseGUID(version)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]map[framing.Kind]string{
		"":                                     {framing.Prefix: "schema 1"},
		"    framing: {single_object: true}\n": {framing.Prefix: "schema 1", framing.SingleObject: "schema with fingerprint 0000000000000002"},
		"    framing: {glue: {schemas: {" + version + ": 7}}}\n":                                   {framing.Glue: "schema 7"},
		"    framing: {glue: {schemas: {" + strings.ToUpper(version) + ": '{source_topic}-x'}}}\n": {framing.Glue: "newest schema of subject t.a-x"},
		"    framing: {bare: {id: 9}}\n":                                                           {framing.Prefix: "schema 1", framing.Glue: "schema 9", framing.Bare: "schema 9", framing.SingleObject: "schema 9"},
		"    framing: {bare: {subject: '{source_topic}-value'}}\n":                                 {framing.Prefix: "schema 1", framing.Glue: "newest schema of subject t.a-value", framing.Bare: "newest schema of subject t.a-value", framing.SingleObject: "newest schema of subject t.a-value"},
	} {
		a := aggregation(t, text)
		r, err := a.Framing.Reader("t.a")
		if err != nil {
			t.Fatal(err)
		}
		if s := r.Subjects; len(s) != 1 || s[0] != "t.a-value" {
			t.Errorf("%s: subjects %q", text, s)
		}
		for kind, value := range map[framing.Kind][]byte{
			framing.Prefix: framing.AppendPrefix(nil, 1), framing.Glue: framing.AppendGlue(nil, guid),
			framing.SingleObject: framing.AppendSingle(nil, 2), framing.Bare: []byte("bare"),
		} {
			got := ""
			if f, err := r.Read([]kgo.RecordHeader{{Key: "h"}}, value); err == nil {
				got = r.Name(f.Ref)
			}
			if kind == framing.Prefix && want[kind] == "" {
				continue // always known
			}
			if got != want[kind] {
				t.Errorf("%s: %s is read by %q, want %q", text, kind, got, want[kind])
			}
		}
	}
	a := aggregation(t, "    framing: {subjects: [a, 'b.{source_topic}']}\n")
	if r, err := a.Framing.Reader("t"); err != nil || strings.Join(r.Subjects, " ") != "a b.t" {
		t.Errorf("subjects %q, %v", r.Subjects, err)
	}
}

func TestFramingProblems(t *testing.T) {
	for text, want := range map[string]string{
		"{subjects: ['']}":                         "framing.subjects[0]: is empty",
		"{glue: {schemas: {x: 7}}}":                `framing.glue.schemas[x]: "x" is not a UUID`,
		"{glue: {schemas: {" + version + ": 0}}}":  `"0" is neither the id of a schema nor a subject`,
		"{glue: {schemas: {" + version + ": ''}}}": `"" is neither the id of a schema nor a subject`,
		"{glue: {schemas: {" + version + ": 1, " + strings.ToUpper(version) + ": 2}}}": "is the same as",
		"{bare: {id: -1}}":            "framing.bare.id: -1 is out of range",
		"{bare: {id: 1, subject: s}}": "framing.bare.id: stands beside subject",
	} {
		_, err := config.Load(config.Sources{File: "a.yaml", Text: []byte("aggregations:\n  - name: a\n    topics: {include: [a]}\n    framing: " + text + "\n")})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
