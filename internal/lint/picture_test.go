package lint

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// design is the document that has the pictures and the map.
const design = "DESIGN.md"

// TestPictureOfPackages holds the picture in DESIGN.md to the table of imports.
// UPDATE=1 draws it anew.
func TestPictureOfPackages(t *testing.T) {
	for p := range imports {
		if above(p, p) {
			t.Fatalf("the table of imports goes in a circle from %s", p)
		}
	}
	text, begin, end := read(t, design), "```mermaid\n%% packages\n", "```\n"
	before, rest, found := strings.Cut(text, begin)
	drawn, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no block that begins with %q", design, begin)
	}
	want := picture()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(filepath.Join("..", "..", design), []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if drawn != want {
		t.Errorf("%s: the picture of the packages is not that of the table of imports; draw it anew with UPDATE=1 go test ./internal/lint. It has to be\n%s", design, want)
	}
}

// picture is the table of imports as a mermaid flowchart, without the arrows
// that a longer way stands for.
func picture() string {
	id := func(p string) string { return strings.ReplaceAll(path.Base(p), "-", "_") }
	ids := func(ps []string, between string) string {
		out := make([]string, len(ps))
		for i, p := range ps {
			out[i] = id(p)
		}
		return strings.Join(out, between)
	}
	height := map[string]int{}
	var heightOf func(p string) int
	heightOf = func(p string) int {
		for _, q := range imports[p] {
			height[p] = max(height[p], 1+heightOf(q))
		}
		return height[p]
	}
	for p := range imports {
		heightOf(p)
	}
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	for _, p := range slices.SortedFunc(maps.Keys(imports), func(p, q string) int {
		return cmp.Or(height[q]-height[p], cmp.Compare(p, q))
	}) {
		next := slices.Sorted(slices.Values(imports[p]))
		next = slices.DeleteFunc(next, func(q string) bool {
			return slices.ContainsFunc(imports[p], func(r string) bool { return above(r, q) })
		})
		fmt.Fprintf(&b, "    %s[%q]", id(p), p)
		if len(next) > 0 {
			fmt.Fprintf(&b, " --> %s", ids(next, " & "))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "    classDef computing fill:#dcefdc,stroke:#3c763d,color:#000\n    class %s computing\n", ids(computing, ","))
	return b.String()
}

// above reports whether a way of imports leads from one package to another.
func above(from, to string) bool {
	seen := map[string]bool{}
	var search func(p string) bool
	search = func(p string) bool {
		return slices.ContainsFunc(imports[p], func(q string) bool {
			if q == to {
				return true
			}
			if seen[q] {
				return false
			}
			seen[q] = true
			return search(q)
		})
	}
	return search(from)
}

// TestPackagesAreDescribed: DESIGN.md says of each package what it is.
func TestPackagesAreDescribed(t *testing.T) {
	described := map[string]bool{}
	for line := range strings.Lines(section(t, read(t, design), "Packages")) {
		if cells := strings.Split(line, "|"); len(cells) > 2 && imports[strings.Trim(cells[1], " `")] != nil {
			described[strings.Trim(cells[1], " `")] = true
		}
	}
	for p := range imports {
		if !described[p] {
			t.Errorf("%s: the table of packages has no row for `%s`", design, p)
		}
	}
}

// read is the text of a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section is the part of a document under a heading.
func section(t *testing.T, document, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut(document, "\n## "+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", design, heading)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	return rest
}
