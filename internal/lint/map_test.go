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
// names of the code. What stands in brackets behind a file is declared in it. The
// map leads to each package.
func TestMap(t *testing.T) {
	n := newNames(t)
	text := read(t, design)
	for i, line := range strings.Split(text, "\n") {
		dir, file, behind := "", "", 0 // the last file named, and where its name ends
		for _, at := range span.FindAllStringIndex(line, -1) {
			name := line[at[0]+1 : at[1]-1]
			why := n.missing(name, &dir)
			if path.Ext(name) == ".go" {
				file, behind = path.Join(dir, path.Base(name)), at[1]
			} else if between := line[behind:at[0]]; why == "" && n.at[file] != nil && n.declared[name] &&
				strings.HasPrefix(between, " (") && !strings.Contains(between, ")") && !n.at[file][name] {
				why = "is not declared in " + file
			}
			if why != "" {
				t.Errorf("%s:%d: `%s` %s", design, i+1, name, why)
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
	files    []string                   // and folders, from the root
	members  map[string]map[string]bool // of types: methods and fields; of packages: declarations
	declared map[string]bool            // all these, as codec.Derive, Derive or Partition.Add
	at       map[string]map[string]bool // the same by file
	in       map[string][]string        // types that a type embeds
	words    map[string]bool            // of Go files, also with dots, such as settings of a topic; paths of imports
}

func newNames(t *testing.T) *names {
	n := &names{members: map[string]map[string]bool{}, declared: map[string]bool{}, at: map[string]map[string]bool{}, in: map[string][]string{}, words: map[string]bool{}}
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
		n.at[f.path] = map[string]bool{}
		for _, decl := range f.syntax.Decls {
			n.declare(f, decl)
		}
	}
	return n
}

// declare notes what a declaration makes known.
func (n *names) declare(f goFile, decl ast.Decl) {
	add := func(of string, id *ast.Ident, more ...string) {
		if n.members[of] == nil {
			n.members[of] = map[string]bool{}
		}
		n.members[of][id.Name] = true
		for _, name := range append(more, of+"."+id.Name) {
			n.declared[name], n.at[f.path][name] = true, true
		}
	}
	pkg := f.syntax.Name.Name
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil {
			add(typeName(d.Recv.List[0].Type), d.Name)
		} else {
			add(pkg, d.Name, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				for _, id := range s.Names {
					add(pkg, id, id.Name)
				}
			case *ast.TypeSpec:
				add(pkg, s.Name, s.Name.Name)
				of, ok := s.Type.(*ast.StructType)
				if !ok {
					continue
				}
				for _, field := range of.Fields.List {
					for _, id := range field.Names {
						add(s.Name.Name, id)
					}
					if len(field.Names) == 0 {
						n.in[s.Name.Name] = append(n.in[s.Name.Name], typeName(field.Type))
					}
				}
			}
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
