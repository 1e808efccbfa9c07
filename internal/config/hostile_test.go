package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// size is half of what a configuration may have.
const size = 500_000

func fill(unit string) string { return strings.Repeat(unit, size/len(unit)) }

// growing is as many lines as fit, of a format with the line's number.
func growing(format string) string {
	var b strings.Builder
	for i := 0; b.Len() < size-50; i++ {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// staircase has each line further in than the one before.
func staircase(line string, levels int) string {
	var b strings.Builder
	for i := range levels {
		b.WriteString(strings.Repeat(" ", i) + line + "\n")
	}
	return b.String()
}

// laughs is a list of lists of lists by aliases, each ten times the one before.
func laughs() string {
	var b strings.Builder
	b.WriteString("kafka:\n  brokers: [&a0 'h:1', &a0b 'h:2']\n")
	for i := 1; i < 20; i++ {
		fmt.Fprintf(&b, "x%d: &a%d [%s]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10))
	}
	return b.String()
}

// TestHostile: whatever stands in a file, reading it costs memory and work in
// proportion to its length, and what is refused is refused at a line.
func TestHostile(t *testing.T) {
	const some = "aggregations: [{name: a, topics: {include: [x]}}]\n"
	aggregations := func(n int) string {
		var b strings.Builder
		b.WriteString("aggregations:\n- &a {name: a0, topics: {include: [x]}}\n")
		for i := 1; i < n; i++ {
			b.WriteString("- *a\n")
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		text string
		want string // of the first problem; empty: none
	}{
		"brackets":               {fill("["), "f.yaml:1:33: nested more than 32 levels deep"},
		"braces":                 {fill("{"), "f.yaml:1:33: nested more than 32 levels deep"},
		"maps in a row":          {fill("{a: "), "nested more than 32 levels deep"},
		"lists of maps":          {fill("[{a: "), "nested more than 32 levels deep"},
		"brackets over lines":    {fill("[\n"), "f.yaml:33:1: nested more than 32 levels deep"},
		"brackets in a value":    {"kafka: {brokers: " + fill("["), "nested more than 32 levels deep"},
		"list of lists":          {fill("- "), "f.yaml:1:65: nested more than 32 levels deep"},
		"complex keys":           {fill("? "), "f.yaml:1:65: nested more than 32 levels deep"},
		"complex keys and lists": {fill("? - "), "nested more than 32 levels deep"},
		"keys by indentation":    {staircase("a:", 1400), "f.yaml:33:34: nested more than 32 levels deep"},
		"lists by indentation":   {staircase("-", 1400), "f.yaml:33:33: nested more than 32 levels deep"},
		"list below a key":       {"kafka:\n" + staircase("- a:", 1000), "nested more than 32 levels deep"},
		"pairs in a list":        {"a: [" + fill("b: ") + "]", "nested more than 32 levels deep"},
		"words with colons":      {"kafka: {brokers: [" + fill("b:") + "]}", "is not host:port"},
		"tags":                   {fill("!!a "), "nested more than 32 levels deep"},
		"anchors":                {"a: " + fill("&a "), "nested more than 32 levels deep"},
		"closing":                {fill("]"), "f.yaml:1:"},
		"braces closing":         {fill("}"), "f.yaml:1:"},
		"anchors of a word":      {fill("&a"), "f.yaml:1:"},
		"aliases":                {"kafka: {brokers: [" + fill("*a,") + "]}", "f.yaml:1:"},
		"stars":                  {fill("*"), "f.yaml:1:"},
		"keys of one map":        {growing("k%d: 1\n"), "f.yaml:10001:7: more than 10000 keys in one map"},
		"keys of an inner map":   {some + "worker:\n" + growing("  k%d: 1\n"), "more than 10000 keys in one map"},
		"keys in braces":         {"worker: {" + growing("k%d: 1, ") + "}", "worker.k0: unknown key"},
		"a key again and again":  {fill("worker:\n"), "more than 10000 keys in one map"},
		"unknown keys":           {strings.Repeat("- {a: 1, b: 2, c: 3, d: 4, e: 5}\n", 7000), "want a map, not a list"},
		"unknown keys of entries": {"aggregations:\n" + strings.Repeat("- {a: 1, b: 2, c: 3, d: 4, e: 5, wimdow: 3}\n", 6000),
			"aggregations[0].a: unknown key"},
		"words":                  {"topics: [" + fill("a,") + "]", "more than 200000 words and marks"},
		"lines of a list":        {fill("- a\n"), "more than 200000 words and marks"},
		"documents":              {fill("---\n"), "f.yaml:1001:1: more than 1000 times ---"},
		"ends":                   {fill("...\n"), "f.yaml:1001:1: more than 1000 times ..."},
		"comments":               {fill("#\n"), "more than 200000 words and marks"},
		"directives":             {fill("%\n"), "f.yaml:"},
		"blocks of text":         {fill("|\n"), "f.yaml:"},
		"folded blocks":          {fill(">\n"), "f.yaml:"},
		"commercial at":          {fill("@"), "f.yaml:1:1: "},
		"exclamation marks":      {fill("!"), ""},
		"new lines":              {fill("\n"), "f.yaml:101:1: more than 100 blank lines"},
		"blank lines of a block": {"worker:\n  id: |\n" + fill(" \n"), "more than 100 blank lines"},
		"blank lines in between": {"worker:\n  id: |\n" + fill(strings.Repeat(" \n", 100)+"   a\n"), ""},
		"carriage returns":       {fill("\r"), ""},
		"blanks":                 {fill(" "), ""},
		"tabs":                   {fill("\t"), "f.yaml:1:101: more than 100 tabs in one line"},
		"tabs in a text":         {"worker: {id: \"" + fill("\ta") + "\"}", "more than 100 tabs in one line"},
		"tabs of lines":          {fill("# a\ta\n"), ""},
		"tags of entries":        {"a:\n" + fill("- !!str\n"), "more than 1000 times !!str"},
		"anchors of entries":     {"a:\n" + fill("- &a\n"), "more than 1000 times &"},
		"empty entries":          {"a:\n" + fill("-\n"), "more than 10000 keys and entries without a value"},
		"a bracket too many":     {"a: []" + fill("]  "), "f.yaml:1:"},
		"a comment":              {"# " + fill("["), ""},
		"a plain text":           {"worker: {group: " + fill("g") + "}", ""},
		"a text":                 {"worker: {id: '" + fill("[{") + "'}", ""},
		"a text of escapes":      {"worker: {id: \"" + fill(`\u005b`) + "\"}", ""},
		"a block":                {"worker:\n  id: |\n" + fill("    - [{\n"), ""},
		"a quote without end":    {"worker: '" + fill("a\n"), "f.yaml:1:"},
		"quotes without end":     {"worker: \"" + fill("a\n"), "f.yaml:1:"},
		"a word as the file":     {fill("a"), "want a map, not \"aaa"},
		"a long key":             {fill("a") + ": 1", "unknown key"},
		"a long regexp":          {"aggregations: [{name: a, topics: {include: ['(" + fill("x") + "']}}]", "is not a regular expression"},
		"a long broker":          {"kafka: {brokers: ['" + fill("x") + "']}", "is not host:port"},
		"a large regexp":         {"aggregations: [{name: a, topics: {include: [" + strings.Repeat("'(a{25}){40}', ", 2000) + "]}}]", "too large"},
		"large patterns":         {"aggregations: [{name: a, topics: {include: [a]}, fields: {exclude: [" + strings.Repeat("'/(a{25}){40}/', ", 2000) + "]}}]", "too large"},
		"laughs":                 {laughs(), "unknown key"},
		"laughs of lists":        {"kafka: {brokers: &a [h:1]}\nhttp: {hosts: &b [*a, *a]}\naggregations: [{name: x, operations: [*b, *b]}]", "want a text"},
		"an entry many times":    {aggregations(60_000), "more than 200000 values with aliases and merged maps"},
		"a large entry":          {"aggregations:\n- &a\n  name: a\n  topics: {include: [" + strings.Repeat("a,", 5000) + "]}\n" + strings.Repeat("- *a\n", 50_000), "aliases and merged maps"},
		"merged many times":      {"aggregations:\n- &a {name: a, topics: {include: [x]}}\n- <<: [" + strings.Repeat("*a, ", 60_000) + "]\n  name: b\n", ""},
		"merged large maps":      {"worker: &a {" + growingTo("k%d: 1, ", 9_000) + "}\nhttp: {<<: [" + strings.Repeat("*a, ", 30_000) + "]}\n", "unknown key"},
		"a map in itself":        {"worker: &a {<<: *a}", "more than 200 maps are merged"},
		"an alias of itself":     {"worker: {id: &a *a}", "f.yaml:1:"},
		"a list in itself":       {"kafka: {brokers: &a [*a, *a]}", "want a text"},
		"NUL":                    {"kafka:\n  client_id: \"a\x00b\"\n", "f.yaml:2:16: control character 0x00"},
		"NULs":                   {fill("\x00"), "f.yaml:1:1: control character 0x00"},
		"an escape":              {"kafka: # \x1b[2J\n", "f.yaml:1:10: control character 0x1b"},
		"UTF-16 with a mark":     {"\xff\xfek\x00a\x00", "f.yaml:1:1: is written in UTF-16"},
		"UTF-16 without":         {"k\x00a\x00f\x00", "f.yaml:1:1: is written in UTF-16"},
		"UTF-16 the other way":   {"\x00k\x00a\x00f", "f.yaml:1:1: is written in UTF-16"},
		"UTF-32":                 {"\x00\x00\xfe\xff\x00\x00\x00k", "f.yaml:1:1: is written in UTF-32"},
		"Latin-1":                {"# m\xfcde\nkafka: {}\n", "f.yaml:1:4: byte 0xfc is not UTF-8"},
		"a mark of UTF-8":        {"\ufeffworker: {group: g}\n", ""},
		"gzip":                   {"\x1f\x8b\x08\x00\x00\x00", "f.yaml:1:1: control character 0x1f"},
		"too large":              {strings.Repeat("#", 1<<20+1), "f.yaml: has more than 1048576 bytes"},
		"brackets that do not count": {some + "# " + strings.Repeat("[", 500) + "\nworker:\n  group: \"" + strings.Repeat("{", 100) + "\"\n  id: 'it''s " + strings.Repeat("[", 100) + "' # " +
			strings.Repeat("- ", 100) + "\nlog: {level: info} # " + strings.Repeat("? ", 100) + "\nexample:\n  prefix: example\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := config.Load(config.Sources{File: "f.yaml", Text: []byte(c.text)})
			runtime.ReadMemStats(&after)
			if spent := after.TotalAlloc - before.TotalAlloc; spent > 600<<20 {
				t.Errorf("allocated %d MiB", spent>>20)
			}
			if c.want == "" {
				if err != nil {
					t.Fatalf("%.500v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("was accepted")
			}
			if text := err.Error(); len(text) > 64<<10 || !strings.Contains(strings.SplitN(text, "\n", 2)[0], c.want) {
				t.Errorf("want %s in the first line, got %d bytes: %.1000s", c.want, len(text), text)
			}
			for _, p := range err.(*config.Error).Problems {
				if p.Origin.Line == 0 && name != "too large" && !strings.HasSuffix(p.Message, "more problems") {
					t.Errorf("no line: %.200v", p)
				}
			}
		})
	}
}

// growingTo is growing with a number of units.
func growingTo(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// TestFilesThatAreNone: devices, folders and pipes named as a file.
func TestFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, 100<<20); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		dir:                            "is a directory",
		"/dev/zero":                    "has more than 1048576 bytes",
		large:                          "has more than 1048576 bytes",
		filepath.Join(dir, "missing"):  "no such file",
		filepath.Join(large, "inside"): "not a directory",
	} {
		_, err := config.Load(config.Sources{File: name})
		if err == nil || !strings.HasPrefix(err.Error(), name+": cannot be read: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{dir, "/dev/zero", large} {
		if _, err := config.Password("", name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("password of %s: %v", name, err)
		}
		for _, files := range []config.TLS{{CA: name}, {Cert: name, Key: name}} {
			if _, err := files.Client(); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("certificates of %s: %v", name, err)
			}
		}
	}
}

// TestPipe: <(command) is a pipe; its text comes later and in pieces.
func TestPipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Skip(err)
	}
	go func() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0) // waits for a reader
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		for _, part := range []string{"worker:\n", "  group: piped\n"} {
			if _, err := f.WriteString(part); err != nil {
				t.Error(err)
			}
		}
	}()
	l, err := config.Load(config.Sources{File: name})
	if err != nil || l.Worker.Group != "piped" {
		t.Error(l, err)
	}
}
