package lint

import (
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// TestMap: what DESIGN.md names in backquotes is there: files and folders,
// methods and fields (Partition.Add), names of packages (codec.Derive) and other
// names of the code. The map in it leads to each package.
func TestMap(t *testing.T) {
	n := newNames(t)
	text := read(t, design)
	for i, line := range strings.Split(text, "\n") {
		dir := ""
		for _, s := range span.FindAllString(line, -1) {
			if why := n.missing(strings.Trim(s, "`"), &dir); why != "" {
				t.Errorf("%s:%d: %s %s", design, i+1, s, why)
			}
		}
	}
	for _, block := range fence.FindAllString(text, -1) {
		for _, m := range member.FindAllString(block, -1) {
			if why := n.missing(m, new(string)); why != "" {
				t.Errorf("%s: in a picture: %s %s", design, m, why)
			}
		}
	}
	for p := range imports {
		if !strings.Contains(section(t, text, mapHeading), "`"+p+"/") {
			t.Errorf("%s: %q does not lead to %s", design, mapHeading, p)
		}
	}
}

const mapHeading = "Where to change what"

var (
	member   = regexp.MustCompile(`\b[A-Za-z]+\.[A-Za-z]\w*`)
	oneWord  = regexp.MustCompile(`^[A-Za-z_]\w*$`)
	pathLike = regexp.MustCompile(`^[\w.*{},/-]+$`)
	choices  = regexp.MustCompile(`\{([^{}]*)\}`)
	nameLike = regexp.MustCompile(`[A-Za-z_]\w*(\.[a-z_]\w*)*`)
)

// names are what a document may name.
type names struct {
	files   []string                   // and folders, from the root
	members map[string]map[string]bool // of types: methods and fields; of packages: declarations
	in      map[string][]string        // types that a type embeds
	words   map[string]bool            // of Go files, also with dots, such as settings of a topic; paths of imports
}

func newNames(t *testing.T) *names {
	n := &names{members: map[string]map[string]bool{}, in: map[string][]string{}, words: map[string]bool{}}
	for _, f := range tree(t) {
		n.files = append(n.files, f.path)
		for d := path.Dir(f.path); d != "." && !slices.Contains(n.files, d); d = path.Dir(d) {
			n.files = append(n.files, d)
		}
	}
	for _, f := range goTree(t) {
		if f.dir == "internal/lint" {
			continue // this test knows words that nobody else does
		}
		for _, w := range nameLike.FindAllString(f.text, -1) {
			n.words[w] = true
			for _, part := range strings.Split(w, ".") {
				n.words[part] = true
			}
		}
		for _, spec := range f.syntax.Imports {
			n.words[strings.Trim(spec.Path.Value, `"`)] = true
		}
		for _, decl := range f.syntax.Decls {
			n.declare(f.syntax.Name.Name, decl)
		}
	}
	return n
}

func (n *names) add(of, name string) {
	if n.members[of] == nil {
		n.members[of] = map[string]bool{}
	}
	n.members[of][name] = true
}

// declare notes what a declaration of a package makes known.
func (n *names) declare(pkg string, decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			n.add(pkg, d.Name.Name)
		} else {
			n.add(typeName(d.Recv.List[0].Type), d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				for _, id := range s.Names {
					n.add(pkg, id.Name)
				}
			case *ast.TypeSpec:
				n.add(pkg, s.Name.Name)
				n.fields(s)
			}
		}
	}
}

func (n *names) fields(s *ast.TypeSpec) {
	of, ok := s.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range of.Fields.List {
		for _, id := range f.Names {
			n.add(s.Name.Name, id.Name)
		}
		if len(f.Names) == 0 {
			n.in[s.Name.Name] = append(n.in[s.Name.Name], typeName(f.Type))
		}
	}
}

// typeName is the name of a type without its package, pointer and parameters.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.IndexExpr:
		return typeName(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

func (n *names) has(of, name string) bool {
	return n.members[of][name] || slices.ContainsFunc(n.in[of], func(in string) bool { return in != of && n.has(in, name) })
}

// missing says what is wrong with a name, "" if nothing is, or if it is none. A
// file without its folder is in that of the file before it in the line, dir, or
// anywhere if there was none.
func (n *names) missing(name string, dir *string) string {
	isFile := slices.Contains([]string{".go", ".md", ".py", ".yaml", ".html", ".css", ".json"}, path.Ext(name))
	switch {
	case !pathLike.MatchString(name), strings.HasPrefix(name, "/"), n.words[name] && strings.Contains(name, "/"):
		return ""
	case isFile || strings.Contains(name, "/"):
		for _, one := range expand(strings.TrimSuffix(name, "/")) {
			bare := !strings.Contains(one, "/")
			if bare {
				one = path.Join(*dir, one)
			}
			if !slices.ContainsFunc(n.files, func(f string) bool {
				if bare && *dir == "" {
					f = path.Base(f)
				}
				ok, _ := path.Match(one, f)
				return ok
			}) {
				return "is not there: " + one
			}
			if !bare {
				*dir = path.Dir(one)
			}
		}
	case member.FindString(name) == name:
		of, what, _ := strings.Cut(name, ".")
		_, option := config.Lookup(name)
		switch {
		case option, n.has(of, what):
		case n.members[of] != nil:
			return "is not there: " + of + " has no " + what
		case !n.words[name] && !n.words[of]: // a setting of the brokers, or a library's
			return "is not there"
		}
	case oneWord.MatchString(name):
		if !n.words[name] {
			return "is no word of the code"
		}
	}
	return ""
}

// expand gives what a path with {a,b} stands for.
func expand(p string) (out []string) {
	at := choices.FindStringSubmatchIndex(p)
	if at == nil {
		return []string{p}
	}
	for _, c := range strings.Split(p[at[2]:at[3]], ",") {
		out = append(out, expand(p[:at[0]]+c+p[at[1]:])...)
	}
	return out
}
