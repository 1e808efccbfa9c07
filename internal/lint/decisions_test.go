package lint

import (
	"path"
	"strings"
	"testing"
)

// TestIndexOfDecisions: each page in docs/decisions is in the list of them.
func TestIndexOfDecisions(t *testing.T) {
	const dir, index = "docs/decisions", "README.md"
	listed := ""
	var pages []string
	for _, f := range tree(t) {
		switch {
		case path.Dir(f.path) != dir:
		case path.Base(f.path) == index:
			listed = f.text
		default:
			pages = append(pages, path.Base(f.path))
		}
	}
	for _, p := range pages {
		if !strings.Contains(listed, "]("+p+")") {
			t.Errorf("%s/%s has no row in %s/%s", dir, p, dir, index)
		}
	}
	if len(pages) == 0 {
		t.Errorf("no page in %s", dir)
	}
}
