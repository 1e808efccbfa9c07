package lint

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// TestDocumented: every package and every exported name says what it is.
func TestDocumented(t *testing.T) {
	packages := map[string]bool{}
	for _, f := range goTree(t) {
		if f.syntax.Doc != nil {
			packages[f.dir] = true
		} else if !packages[f.dir] {
			packages[f.dir] = false
		}
		if f.test {
			continue
		}
		var before string // comment of the declaration before, which may speak of two: "Sum and Mean are …"
		for _, decl := range f.syntax.Decls {
			for _, id := range undocumented(decl) {
				if !slices.Contains(words(before), id.Name) {
					t.Errorf("%s: %s has no comment", f.at(id), id.Name)
				}
			}
			before = comment(decl)
		}
	}
	for dir, documented := range packages {
		if !documented {
			t.Errorf("package %s has no comment", dir)
		}
	}
}

func comment(decl ast.Decl) string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		return d.Doc.Text()
	case *ast.GenDecl:
		return d.Doc.Text()
	}
	return ""
}

func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
}

func undocumented(decl ast.Decl) (ids []*ast.Ident) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || exportedType(d.Recv.List[0].Type)) && !wellKnown[d.Name.Name] {
			ids = append(ids, d.Name)
		}
	case *ast.GenDecl:
		if d.Doc != nil && d.Tok != token.TYPE {
			return nil // the comment of a group
		}
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
					ids = append(ids, s.Name)
				}
			case *ast.ValueSpec:
				for _, id := range s.Names {
					if id.IsExported() && s.Doc == nil && s.Comment == nil {
						ids = append(ids, id)
					}
				}
			}
		}
	}
	return ids
}

// wellKnown methods mean the same on every type.
var wellKnown = map[string]bool{"String": true, "Error": true, "Unwrap": true, "Close": true}

func exportedType(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.StarExpr:
		return exportedType(x.X)
	case *ast.IndexExpr:
		return exportedType(x.X)
	case *ast.Ident:
		return x.IsExported()
	}
	return false
}
