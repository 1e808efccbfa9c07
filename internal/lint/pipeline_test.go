package lint

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ofPipelines are what a pipeline is made of: from a source schema to fields,
// versions, decoder and encoder. By package; of config they are methods.
var ofPipelines = map[string][]string{
	"internal/codec": {"ParseSchema", "Project", "NewDecoder", "Derive", "ParseAggregated", "NewEncoder"},
	"internal/agent": {"NewComputer", "Version"},
	"internal/stats": {"NeedsOf"},
}

var ofConfiguration = []string{"ParseOperations", "Selection", "Statistics"}

// TestOnePipeline: what a worker does with a topic and what plan says of it, what
// bench measures and what tests expect come from internal/pipeline, which alone
// puts a pipeline together. internal/agent, which it is made of, cannot import it,
// so its tests do so themselves.
func TestOnePipeline(t *testing.T) {
	there := false
	for _, f := range goTree(t) {
		if f.dir == "internal/pipeline" || f.test && f.dir == "internal/agent" {
			there = true
			continue
		}
		names := map[string]string{} // of imports: the package
		for _, spec := range f.syntax.Imports {
			full, _ := strconv.Unquote(spec.Path.Value)
			dir, ours := strings.CutPrefix(full, module+"/")
			if !ours {
				continue
			}
			name := path.Base(dir)
			if spec.Name != nil {
				name = spec.Name.Name
			}
			names[name] = dir
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			var used ast.Expr
			switch n := n.(type) {
			case *ast.CallExpr:
				used = n.Fun
			case *ast.CompositeLit:
				used = n.Type
			}
			s, ok := used.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, _ := s.X.(*ast.Ident)
			if x != nil && slices.Contains(ofPipelines[names[x.Name]], s.Sel.Name) {
				t.Errorf("%s: %s.%s: take it from internal/pipeline", f.at(n), x.Name, s.Sel.Name)
			}
			if _, call := n.(*ast.CallExpr); call && f.dir != "internal/config" && slices.Contains(ofConfiguration, s.Sel.Name) {
				t.Errorf("%s: %s: take it from internal/pipeline", f.at(n), s.Sel.Name)
			}
			return true
		})
	}
	if !there {
		t.Error("internal/pipeline is not there")
	}
}
