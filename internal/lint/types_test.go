package lint

import (
	"go/ast"
	"testing"
)

// mostFields is how many fields a type may have. One with more has several owners
// in it: give each its own type, with its methods and tests. What a test keeps of the
// world it made is not counted.
const mostFields = 25

func TestFieldsOfTypes(t *testing.T) {
	for _, f := range goTree(t) {
		if f.test {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if of, ok := spec.Type.(*ast.StructType); ok && of.Fields.NumFields() > mostFields {
				t.Errorf("%s: %s has %d fields, at most %d", f.at(spec), spec.Name, of.Fields.NumFields(), mostFields)
			}
			return true
		})
	}
}
