package config

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Sources are where a configuration comes from, from the weakest to the
// strongest: the built-in defaults, the file, the predecessor's environment
// variables, KAFKA_AGGREGATOR_… and flags.
type Sources struct {
	File    string   // name of a YAML file; empty: none
	Text    []byte   // the text of File; nil: it is read from the disk
	Environ []string // as os.Environ gives it
	Flags   []Flag
}

// Flag is a value given on the command line. Path is a key's path; a key of an
// aggregation is given as aggregations[].window.size.
type Flag struct{ Name, Path, Text string }

// Loaded is a configuration and what is known of it.
type Loaded struct {
	*Config
	Warnings []string // for people: settings that were not used or are not wise
	origins  map[string]Origin
}

// Origin tells where the value of a key comes from. The path has indexes:
// aggregations[0].window.size. An element of a list may have an index too.
func (l *Loaded) Origin(path string) Origin {
	if o, ok := l.origins[path]; ok || !strings.HasSuffix(path, "]") {
		return o
	}
	return l.origins[parent(path)]
}

type loading struct {
	cfg      *Config
	origins  map[string]Origin // of values
	places   map[string]Origin // of the sections of the file
	found    []Problem
	warnings []string
}

// Load puts the sources together and validates the result. Its error is an
// *Error with every problem that was found, or the failure to read the file.
func Load(s Sources) (*Loaded, error) {
	l := &loading{cfg: Default(), origins: make(map[string]Origin), places: make(map[string]Origin)}
	if s.File != "" {
		text := s.Text
		if text == nil {
			var err error
			if text, err = readFile(s.File, maxFile); err != nil {
				return nil, &Error{[]Problem{{Origin{File: s.File}, "", "cannot be read: " + reason(err), ""}}}
			}
		}
		d := &document{name: s.File, cfg: l.cfg, origins: l.origins, places: l.places}
		d.read(text)
		l.found = d.found
	}
	l.oldEnvironment(s.Environ)
	l.environment(s.Environ)
	for _, f := range s.Flags {
		k, ok := Lookup(f.Path)
		if !ok || k.Section {
			panic("BUG: config: flag for no key: " + f.Path)
		}
		l.setOnly(k, Origin{Flag: f.Name}, f.Text)
	}
	l.validate()
	if len(l.found) > 0 {
		slices.SortStableFunc(l.found, inFileOrder)
		if len(l.found) > maxProblems {
			l.found = l.found[:maxProblems+1]
			l.found[maxProblems] = Problem{l.found[maxProblems].Origin, "", "and more problems", "mend those above first"}
		}
		return nil, &Error{l.found}
	}
	l.look()
	return &Loaded{Config: l.cfg, Warnings: l.warnings, origins: l.origins}, nil
}

// reason leaves out the file's name, which stands before it already.
func reason(err error) string {
	if p, ok := err.(*os.PathError); ok {
		return p.Err.Error()
	}
	return err.Error()
}

// look warns of passwords that anyone on the host can read, and of a size that
// is not used.
func (l *loading) look() {
	for i, a := range l.cfg.Aggregations {
		path := fmt.Sprintf("aggregations[%d].window.size", i)
		if _, set := l.origins[path]; set && len(a.Windows) > 0 && a.Window.Size != DefaultAggregation().Window.Size {
			l.warnings = append(l.warnings, fmt.Sprintf("%s is not used: the sizes are those of windows", path))
		}
	}
	for _, k := range allKeys() {
		if !strings.HasSuffix(k.Path, ".password_file") {
			continue
		}
		name := locate(l.cfg, k.Path).String()
		if name == "" {
			continue
		}
		info, err := os.Stat(name)
		switch {
		case err != nil:
			l.warnings = append(l.warnings, fmt.Sprintf("%s: %s cannot be read now: %s", k.Path, name, reason(err)))
		case info.Mode().Perm()&0o004 != 0 && info.Mode().IsRegular():
			l.warnings = append(l.warnings, fmt.Sprintf("%s: everyone can read %s; chmod 600 %s", k.Path, name, name))
		}
	}
}

// validate adds what is wrong with the values, except of keys with a problem already.
func (l *loading) validate() {
	bad := make(map[string]bool)
	for _, p := range l.found {
		bad[p.Key] = true
	}
	for _, p := range l.cfg.problems() {
		known := false
		for at := p.Key; at != ""; at = parent(at) {
			known = known || bad[at]
		}
		if !known {
			p.Origin = l.place(p.Key)
			l.found = append(l.found, p)
		}
	}
}

// place is where a key's value stands, or the section that lacks it.
func (l *loading) place(path string) Origin {
	for p := path; p != ""; p = parent(p) {
		if o, ok := l.origins[p]; ok {
			return o
		}
		if o, ok := l.places[p]; ok {
			return o
		}
	}
	return Origin{}
}

// inFileOrder puts problems with the file first, from top to bottom.
func inFileOrder(a, b Problem) int {
	if a.Origin.File == "" || b.Origin.File == "" {
		return strings.Compare(b.Origin.File, a.Origin.File)
	}
	return cmp.Or(a.Origin.Line-b.Origin.Line, a.Origin.Column-b.Origin.Column)
}
