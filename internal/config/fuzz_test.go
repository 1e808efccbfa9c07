package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// FuzzLoad holds that no text makes Load panic, that every refusal says where
// and what, and that what it accepts can be shown and read again with the same
// values.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/problems/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	more, err := filepath.Glob("../../examples/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range append(files, more...) {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("a: &a {<<: *a}"))
	f.Add([]byte("worker: &a {<<: [*a, *a], group: x}"))
	f.Add([]byte("? {a: b}\n: c\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := config.Load(config.Sources{File: "f.yaml", Text: text})
		if err != nil {
			for _, p := range err.(*config.Error).Problems {
				if p.Message == "" {
					t.Errorf("no message: %+v", p)
				}
			}
			return
		}
		if l.Kafka.SASL.Password+l.SchemaRegistry.Password+l.SchemaRegistry.Token+l.AggregatedSchemaRegistry.Password+l.AggregatedSchemaRegistry.Token != "" {
			return // hidden, so not the same again
		}
		shown := l.YAML()
		again, err := config.Load(config.Sources{File: "f.yaml", Text: []byte(shown)})
		if err != nil {
			t.Fatalf("%v\n%s", err, shown)
		}
		a, b := l.Settings(), again.Settings()
		for i := range a {
			if a[i].Path != b[i].Path || a[i].Value != b[i].Value {
				t.Fatalf("%+v became %+v\n%s", a[i], b[i], shown)
			}
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"1s", "250ms", "1m30s", "1d", "1.5d12h", "-1s", "106751d", "106752d", "1d-25h", "0", "9223372036s", "d", "1dd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := config.ParseDuration(s)
		if err != nil {
			return
		}
		again, err := config.ParseDuration(config.FormatDuration(d))
		if err != nil || again != d {
			t.Errorf("%q is %d, written %q, read %d, %v", s, d, config.FormatDuration(d), again, err)
		}
	})
}
