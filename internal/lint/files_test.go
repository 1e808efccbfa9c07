package lint

import (
	"go/format"
	"path"
	"regexp"
	"strings"
	"testing"
)

// tooLong is for the lines of a file: past that there is a second idea in it.
const tooLong = 400

func TestFormAndLength(t *testing.T) {
	for _, f := range goTree(t) {
		formatted, err := format.Source([]byte(f.text))
		if err != nil {
			t.Error(err)
		} else if string(formatted) != f.text {
			t.Errorf("%s: not formatted; run gofmt -w", f.path)
		}
		if n := strings.Count(f.text, "\n"); n > tooLong {
			t.Errorf("%s: %d lines, at most %d: there is a second idea in it", f.path, n, tooLong)
		}
	}
}

// leftovers are words that a finished text does not have. The expressions do
// not match themselves.
var leftovers = map[string]*regexp.Regexp{
	"a note to oneself":             regexp.MustCompile(`\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b`),
	"a stub":                        regexp.MustCompile(`panic\("not implemente[d]|unimplemente[d]`),
	"a path of one machine":         regexp.MustCompile(`(^|[\s"'=(:` + "`" + `])/(root|work|home/\w+|Users/\w+|mnt)/\w`),
	"a conflict of a merge":         regexp.MustCompile(`^(<<<<<<< |>>>>>>> |=======$)`),
	"white space at the line's end": regexp.MustCompile(`[ \t]+$`),
}

func TestNoLeftovers(t *testing.T) {
	for _, f := range tree(t) {
		if strings.Contains(f.path, "testdata/") || path.Ext(f.path) == ".jsonl" {
			continue
		}
		for i, line := range strings.Split(f.text, "\n") {
			for what, re := range leftovers {
				if re.MatchString(line) {
					t.Errorf("%s:%d: %s: %s", f.path, i+1, what, strings.TrimSpace(line))
				}
			}
		}
		if f.text != "" && !strings.HasSuffix(f.text, "\n") {
			t.Errorf("%s: the last line has no end", f.path)
		}
	}
}
