package lint

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/lsst-sqre/kafka-aggregator"

// notOurs are folders that are made, not written.
var notOurs = map[string]bool{".git": true, "build": true, "bin": true, "target": true, "__pycache__": true, ".venv": true}

// file is a text file of the repository.
type file struct {
	path string // from the root, with slashes
	text string
}

// tree reads all text files of the repository.
func tree(t *testing.T) []file {
	t.Helper()
	root := os.DirFS(filepath.Join("..", ".."))
	if _, err := fs.Stat(root, "go.mod"); err != nil {
		t.Fatal(err)
	}
	var files []file
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && notOurs[d.Name()]:
			return fs.SkipDir
		case !d.Type().IsRegular(), d.Name() == ".git": // a file in a worktree
			return nil
		}
		text, err := fs.ReadFile(root, p)
		if err == nil && bytes.IndexByte(text, 0) < 0 {
			files = append(files, file{p, string(text)})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// goFile is a Go file with its syntax.
type goFile struct {
	file
	dir    string // "internal/stats"
	test   bool
	set    *token.FileSet
	syntax *ast.File
}

func goTree(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	for _, f := range tree(t) {
		if path.Ext(f.path) != ".go" || strings.Contains(f.path, "testdata/") {
			continue
		}
		set := token.NewFileSet()
		syntax, err := parser.ParseFile(set, f.path, f.text, parser.ParseComments)
		if err != nil {
			t.Error(err)
			continue
		}
		files = append(files, goFile{f, path.Dir(f.path), strings.HasSuffix(f.path, "_test.go"), set, syntax})
	}
	return files
}

// at is the place of a node, as file:line.
func (f goFile) at(n ast.Node) string {
	p := f.set.Position(n.Pos())
	p.Column = 0
	return p.String()
}
