package config_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
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

// FuzzRepeated holds that the cost of reading a text is in proportion to its
// length, whatever is in it again and again: it finds what the YAML library
// does for each level, for each further key, and for all that follows.
func FuzzRepeated(f *testing.F) {
	for _, unit := range []string{"[", "{a: ", "- ", "? ", "a:\n ", "- !!a\n", "&a ", "*a ", "]  ", "-\n", "\t\"", "\\\t", "a: b\n", "''", "|\n ", "# [\n"} {
		f.Add("a: ", unit, "")
		f.Add("a: \"", unit, "\"")
		f.Add("aggregations: [", unit, "]")
	}
	f.Fuzz(func(t *testing.T, before, unit, after string) {
		if len(unit) == 0 || len(before)+len(after) > 1000 {
			t.Skip()
		}
		text := before + strings.Repeat(unit, 100_000/len(unit)) + after
		var begin, end runtime.MemStats
		runtime.ReadMemStats(&begin)
		_, err := config.Load(config.Sources{File: "f.yaml", Text: []byte(text)})
		runtime.ReadMemStats(&end)
		if spent := end.TotalAlloc - begin.TotalAlloc; spent > 200<<20 {
			t.Errorf("allocated %d MiB", spent>>20)
		}
		if err != nil && len(err.Error()) > 100<<10 {
			t.Errorf("an error of %d bytes", len(err.Error()))
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
