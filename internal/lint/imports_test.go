package lint

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// imports says which of our packages a package may import, itself aside. They
// go downwards only; a package that is not here is not allowed.
var imports = map[string][]string{
	"cmd/kafka-aggregator": {"internal/cli"},
	"internal/cli": {"internal/cluster", "internal/config", "internal/demo", "internal/estimate", "internal/example", "internal/framing", "internal/pipeline",
		"internal/registry", "internal/stats", "internal/status", "internal/survey", "internal/web", "internal/worker"},
	"internal/demo": {"internal/config", "internal/example", "internal/registry", "internal/sandbox"},
	"internal/estimate": {"internal/agent", "internal/cluster", "internal/codec", "internal/config", "internal/example", "internal/pipeline",
		"internal/registry", "internal/sandbox", "internal/survey"},
	"internal/survey":  {"internal/cluster", "internal/codec", "internal/config", "internal/framing", "internal/pipeline", "internal/registry"},
	"internal/cluster": {"internal/config", "internal/registry"},
	"internal/status":  {},
	"internal/web":     {"internal/status"},
	"internal/worker": {"internal/agent", "internal/assignment", "internal/brokers", "internal/cluster", "internal/codec", "internal/config", "internal/eventtime", "internal/framing", "internal/invariants", "internal/pipeline",
		"internal/recovery", "internal/registry", "internal/stats", "internal/status", "internal/window"},
	"internal/brokers":    {"internal/agent", "internal/recovery", "internal/window"},
	"internal/recovery":   {"internal/agent", "internal/window"},
	"internal/pipeline":   {"internal/agent", "internal/codec", "internal/config", "internal/framing", "internal/stats", "internal/window"},
	"internal/assignment": {},
	"internal/agent":      {"internal/codec", "internal/eventtime", "internal/invariants", "internal/stats", "internal/window"},
	"internal/invariants": {},
	"internal/config":     {"internal/codec", "internal/eventtime", "internal/framing", "internal/stats", "internal/window"},
	"internal/codec":      {"internal/eventtime", "internal/stats"},
	"internal/eventtime":  {},
	"internal/example":    {"internal/framing", "internal/registry"},
	"internal/framing":    {},
	"internal/registry":   {"internal/framing"},
	"internal/sandbox":    {},
	"internal/stats":      {"internal/invariants"},
	"internal/window":     {},
	"internal/lint":       {"internal/config"},
	"internal/sim": {"internal/agent", "internal/codec", "internal/config", "internal/registry", "internal/stats", "internal/status",
		"internal/window", "internal/worker"},
}

// forTests are packages that tests may import too: they start what a test
// runs against.
var forTests = []string{"internal/sandbox", "internal/example"}

// outside are folders whose programs stand beside the product; they may import
// any of our packages, and none of our packages may import them.
var outside = []string{"bench/", "test/"}

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range goTree(t) {
		if slices.ContainsFunc(outside, func(o string) bool { return strings.HasPrefix(f.dir+"/", o) }) {
			continue
		}
		allowed, known := imports[f.dir]
		if !known {
			t.Errorf("%s: package %s is not in the table of imports", f.path, f.dir)
			continue
		}
		seen[f.dir] = true
		for _, spec := range f.syntax.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			name, ours := strings.CutPrefix(name, module+"/")
			if !ours || name == f.dir || slices.Contains(allowed, name) || f.test && slices.Contains(forTests, name) {
				continue
			}
			t.Errorf("%s: %s may not import %s", f.at(spec), f.dir, name)
		}
	}
	for dir := range imports {
		if !seen[dir] {
			t.Errorf("the table of imports has %s, which does not exist", dir)
		}
	}
}

// computing packages know neither the network nor the clock.
var computing = []string{"internal/agent", "internal/assignment", "internal/codec", "internal/eventtime", "internal/framing", "internal/pipeline", "internal/recovery", "internal/stats", "internal/window"}

func TestComputingPackagesDoNoIO(t *testing.T) {
	for _, f := range goTree(t) {
		if f.test || !slices.Contains(computing, f.dir) {
			continue
		}
		for _, spec := range f.syntax.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if slices.Contains([]string{"net", "net/http", "os", "log", "log/slog", "math/rand", "math/rand/v2"}, name) {
				t.Errorf("%s: %s imports %s", f.at(spec), f.dir, name)
			}
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" &&
					slices.Contains([]string{"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTimer", "NewTicker"}, s.Sel.Name) {
					t.Errorf("%s: %s asks the clock: time.%s", f.at(n), f.dir, s.Sel.Name)
				}
			}
			return true
		})
	}
}

// TestPackageNames: a name says what is inside, and does not take that of a
// library that stands beside it in the same file.
func TestPackageNames(t *testing.T) {
	empty := []string{"util", "utils", "common", "pkg", "helper", "helpers", "misc", "shared", "base", "lib"}
	taken := []string{"kafka", "avro", "http", "prometheus", "schemaregistry"}
	for _, f := range goTree(t) {
		for dir := f.dir; dir != "."; dir = path.Dir(dir) {
			if name := path.Base(dir); slices.Contains(empty, name) {
				t.Errorf("%s: the folder name %q says nothing", f.path, name)
			}
		}
		if name := f.syntax.Name.Name; strings.HasPrefix(f.dir, "internal/") && slices.Contains(taken, name) {
			t.Errorf("%s: the package name %q is a library's", f.path, name)
		}
	}
}
