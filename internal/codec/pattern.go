package codec

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Pattern picks fields: by the aggregated name (a_b), by the path in the
// source schema (a.b, or a for everything in that record, array or map; the
// brackets of a[].b may be left out), or by a regular expression.
type Pattern struct {
	exact string
	re    *regexp.Regexp
}

// ParsePattern reads a name, or a regular expression between slashes. The
// expression is searched for in the name and in the path; ^ and $ anchor it.
func ParsePattern(s string) (Pattern, error) {
	if s == "" {
		return Pattern{}, errors.New("empty field pattern")
	}
	if !strings.HasPrefix(s, "/") {
		return Pattern{exact: s}, nil
	}
	if len(s) < 3 || !strings.HasSuffix(s, "/") {
		return Pattern{}, fmt.Errorf("field pattern %q: a regular expression stands between two slashes", s)
	}
	re, err := regexp.Compile(s[1 : len(s)-1])
	if err != nil {
		return Pattern{}, fmt.Errorf("field pattern %q: %w", s, err)
	}
	return Pattern{re: re}, nil
}

// String is the pattern as it was parsed.
func (p Pattern) String() string {
	if p.re != nil {
		return "/" + p.re.String() + "/"
	}
	return p.exact
}

// Match reports whether the pattern picks the field.
func (p Pattern) Match(f Field) bool {
	if p.MatchName(f.Name) || p.MatchName(f.Path) {
		return true
	}
	if p.re != nil || p.exact == "" {
		return false
	}
	return inside(f.Path, p.exact) || strings.ContainsAny(f.Path, "[{") && inside(brackets.Replace(f.Path), p.exact)
}

var brackets = strings.NewReplacer("[]", "", "{}", "")

// inside reports whether a path is what another one names, or in it.
func inside(path, of string) bool {
	rest, ok := strings.CutPrefix(path, of)
	return ok && (rest == "" || strings.IndexByte(".[{", rest[0]) >= 0)
}

// MatchName reports whether the pattern picks a name or path.
func (p Pattern) MatchName(s string) bool {
	if p.re != nil {
		return p.re.MatchString(s)
	}
	return p.exact == s && s != ""
}

func matchAny(ps []Pattern, f Field) (Pattern, bool) {
	for _, p := range ps {
		if p.Match(f) {
			return p, true
		}
	}
	return Pattern{}, false
}
