package config

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
)

// maxRegexps bounds all regular expressions of a configuration together, in
// instructions of about 40 bytes. A letter is one; a{100} is a hundred, and
// (a{100}){100} ten thousand.
const maxRegexps = 1_000_000

// expressions checks a list of regular expressions.
func (c checker) expressions(key string, list []string) {
	for i, s := range list {
		at := fmt.Sprintf("%s[%d]", key, i)
		err := c.weigh(s)
		if err == nil {
			_, err = regexp.Compile(s)
		}
		if err != nil {
			c.add(at, "see https://pkg.go.dev/regexp/syntax; quote it with '…'", "%q is not a regular expression: %s", s, regexpReason(err))
		}
	}
}

// pattern checks the name of a field, or a regular expression between slashes.
func (c checker) pattern(key, s string) {
	if len(s) > 2 && strings.HasPrefix(s, "/") {
		if err := c.weigh(s[1 : len(s)-1]); err != nil {
			c.add(key, "write a shorter one", "field pattern %q: %s", s, regexpReason(err))
			return
		}
	}
	if _, err := codec.ParsePattern(s); err != nil {
		c.add(key, "write a name (a_b or a.b) or a /regular expression/", "%v", err)
	}
}

// weigh adds what an expression takes, before it takes it. One that cannot be
// parsed weighs nothing.
func (c checker) weigh(s string) error {
	re, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return nil
	}
	if *c.regexps += instructions(re); *c.regexps > maxRegexps {
		return fmt.Errorf("too large: the expressions up to this one take more than %d instructions", maxRegexps)
	}
	return nil
}

// instructions is about how many a parsed expression compiles to.
func instructions(re *syntax.Regexp) int {
	n := 1
	if re.Op == syntax.OpLiteral {
		n = len(re.Rune)
	}
	for _, sub := range re.Sub {
		n += instructions(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(1, re.Min, re.Max)
	}
	return min(n, 2*maxRegexps)
}

// regexpReason leaves out what the message around it says already.
func regexpReason(err error) string {
	return strings.TrimPrefix(err.Error(), "error parsing regexp: ")
}
