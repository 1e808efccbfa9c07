package lint

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	span    = regexp.MustCompile("`[^`\n]*`")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+?) *$`)
	scheme  = regexp.MustCompile(`^[a-z]+:`)
)

// TestLinks: a link in a document leads to a file that exists and, with a #,
// to a heading in it. Links to other sites are not followed.
func TestLinks(t *testing.T) {
	documents := map[string]string{}
	for _, f := range tree(t) {
		if path.Ext(f.path) == ".md" {
			documents[f.path] = fence.ReplaceAllString(f.text, "")
		}
	}
	for name, text := range documents {
		for _, m := range link.FindAllStringSubmatch(span.ReplaceAllString(text, ""), -1) {
			if scheme.MatchString(m[1]) {
				continue
			}
			target, anchor, _ := strings.Cut(m[1], "#")
			to := name
			if target != "" {
				to = path.Join(path.Dir(name), target)
			}
			if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(to))); err != nil {
				t.Errorf("%s: %s leads nowhere", name, m[1])
				continue
			}
			if document, ok := documents[to]; ok && anchor != "" && !anchors(document)[anchor] {
				t.Errorf("%s: %s: no such heading", name, m[1])
			}
		}
	}
}

// anchors are the names that headings get: lower case, hyphens for spaces,
// no punctuation.
func anchors(document string) map[string]bool {
	names := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(document, -1) {
		names[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r):
				return unicode.ToLower(r)
			}
			return -1
		}, m[1])] = true
	}
	return names
}
