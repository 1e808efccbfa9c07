package config

import (
	"fmt"
	"strings"
)

// Origin says where a value comes from. The zero Origin is the built-in default.
type Origin struct {
	File         string // a file's name with the line and column
	Line, Column int
	Env          string // the name of an environment variable
	Flag         string // the name of a flag, without dashes
}

// String is "default", "config.yaml:12", "environment NAME" or "flag --name".
func (o Origin) String() string {
	switch {
	case o.File != "":
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	case o.Env != "":
		return "environment " + o.Env
	case o.Flag != "":
		return "flag --" + o.Flag
	}
	return "default"
}

// Problem is one thing that is wrong in a configuration.
type Problem struct {
	Origin  Origin
	Key     string // path; empty if it is about the whole file
	Message string // what is wrong
	Hint    string // what to write instead; may be empty
}

// String is one line: where, which key, what.
func (p Problem) String() string {
	where := p.Origin.String()
	if p.Origin.File != "" && p.Origin.Line > 0 {
		where = fmt.Sprintf("%s:%d:%d", p.Origin.File, p.Origin.Line, p.Origin.Column)
	} else if p.Origin.File != "" {
		where = p.Origin.File
	}
	if p.Key == "" {
		return where + ": " + p.Message
	}
	return where + ": " + p.Key + ": " + p.Message
}

// maxProblems is how many are told; who has more begins with these.
const maxProblems = 100

// problemf makes a problem. What it quotes is shortened: a value may be as
// long as the file.
func problemf(o Origin, key, hint, format string, args ...any) Problem {
	for i, a := range args {
		switch t := a.(type) {
		case string:
			args[i] = brief(t)
		case error:
			args[i] = brief(t.Error())
		}
	}
	return Problem{o, brief(key), fmt.Sprintf(format, args...), brief(hint)}
}

// brief is the beginning of a text that is too long to be read.
func brief(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// Error is a configuration that cannot be used, with all problems found.
type Error struct{ Problems []Problem }

// Error has one line for each problem, and its hint in brackets.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
		if p.Hint != "" {
			lines[i] += " (" + p.Hint + ")"
		}
	}
	return strings.Join(lines, "\n")
}
