package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/goccy/go-yaml/scanner"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a configuration, which the YAML library has none of: it recurses
// for each level, for each further key of a map, and for a tag without a value;
// every value carries the path to it, and one that is not there moves all that
// follow. The deepest value of a configuration is six levels down.
const (
	maxDepth  = 32
	maxKeys   = 10_000  // of one map
	maxTokens = 200_000 // words and marks; 2,000 aggregations with all their keys
	maxRare   = 1_000   // anchors, tags, complex keys, blocks of text, documents: of each kind
	maxEmpty  = 10_000  // keys and entries without a value
	maxTabs   = 100     // of one line: from each it looks for the line's end
	maxBlank  = 100     // lines in a row: for each it looks back at all
)

// badText is a text that is no configuration, whatever it says.
type badText struct {
	line, column  int
	message, hint string
}

func (e *badText) Error() string { return e.message }

// legible checks that the text is UTF-8 without control characters, as YAML
// demands. It returns the text without a byte order mark.
func legible(text []byte) ([]byte, error) {
	const save = "save it as UTF-8"
	switch {
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}), bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		return nil, &badText{1, 1, "is written in UTF-16", save}
	case bytes.HasPrefix(text, []byte{0, 0, 0xfe, 0xff}), len(text) > 3 && text[0] == 0 && text[1] == 0 && text[2] == 0 && text[3] != 0:
		return nil, &badText{1, 1, "is written in UTF-32", save}
	case len(text) > 3 && text[0] == 0 != (text[1] == 0) && (text[0] == 0) == (text[2] == 0) && (text[1] == 0) == (text[3] == 0):
		return nil, &badText{1, 1, "is written in UTF-16", save}
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	line, column := 1, 1
	tabs, blank := 0, 0 // in the line, and lines in a row so far
	empty := true
	for rest := text; len(rest) > 0; column++ {
		c, size := utf8.DecodeRune(rest)
		bad := func(hint, format string, args ...any) error {
			return &badText{line, column, fmt.Sprintf(format, args...), hint}
		}
		switch {
		case c == utf8.RuneError && size == 1:
			return nil, bad(save, "byte %#02x is not UTF-8", rest[0])
		case c == '\n':
			if blank++; !empty {
				blank = 0
			}
			if blank > maxBlank {
				return nil, bad("remove them", "more than %d blank lines", maxBlank)
			}
			line, column, tabs, empty = line+1, 0, 0, true
		case c == '\t':
			if tabs++; tabs > maxTabs {
				return nil, bad("write spaces", "more than %d tabs in one line", maxTabs)
			}
		case c < ' ' && c != '\r', c == 0x7f:
			return nil, bad(fmt.Sprintf(`remove it, or write "\x%02x" in double quotes`, c), "control character %#02x", c)
		case c != ' ' && c != '\r':
			empty = false
		}
		rest = rest[size:]
	}
	return text, nil
}

// tokens takes a text apart, and stops where it goes beyond a bound. So the
// parser gets nothing that would cost it more than the text is long.
func tokens(text []byte) (token.Tokens, error) {
	var s scanner.Scanner
	s.Init(string(text))
	var all token.Tokens
	var n nesting
	for {
		some, err := s.Scan()
		for _, tk := range some {
			if bad := n.add(tk); bad != nil {
				return nil, bad
			}
		}
		all.Add(some...)
		switch {
		case err == nil:
		case errors.Is(err, io.EOF), all.InvalidToken() != nil: // the parser will complain of it
			return all, nil
		default:
			at := &badText{1, 1, err.Error(), notYAML}
			if n.last != nil {
				at.line, at.column = n.last.Position.Line, n.last.Position.Column
			}
			return nil, at
		}
	}
}

// nesting follows how deep a text is nested. It is not exact (a list that
// stands as far left as the key that it belongs to counts as the same level),
// but wrong by a factor of two at most.
type nesting struct {
	tokens int
	flow   int     // open brackets and braces
	chain  int     // anchors and tags before one value, pairs without brackets: a: b: c
	blocks []block // maps and lists by indentation, from the outside
	empty  int
	rare   map[token.Type]int

	last, before *token.Token
}

type block struct{ column, keys int }

func (n *nesting) add(tk *token.Token) error {
	at := tk.Position
	refuse := func(hint, format string, args ...any) error {
		return &badText{at.Line, at.Column, fmt.Sprintf(format, args...), hint}
	}
	if n.tokens++; n.tokens > maxTokens {
		return refuse("split the aggregations among several files and groups of workers", "more than %d words and marks", maxTokens)
	}
	switch tk.Type {
	case token.AnchorType, token.TagType, token.MappingKeyType, token.DirectiveType, token.DocumentHeaderType, token.DocumentEndType,
		token.LiteralType, token.FoldedType:
		if n.rare == nil {
			n.rare = make(map[token.Type]int)
		}
		if n.rare[tk.Type]++; n.rare[tk.Type] > maxRare {
			return refuse("use fewer", "more than %d times %s", maxRare, tk.Value)
		}
	}
	switch tk.Type {
	case token.DocumentHeaderType, token.DocumentEndType:
		n.flow, n.chain, n.blocks = 0, 0, nil
	case token.SequenceStartType, token.MappingStartType:
		n.flow++
		n.chain = 0
	case token.SequenceEndType, token.MappingEndType:
		n.flow = max(0, n.flow-1)
		n.chain = 0
	case token.CollectEntryType:
		n.chain = 0
	case token.AnchorType, token.TagType:
		n.chain++
	case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
		if n.flow > 0 {
			n.chain++
			break
		}
		n.chain = 0
		key := tk.Type == token.MappingValueType
		column := at.Column
		if key && n.last != nil && n.last.Position.Line == at.Line {
			column = n.last.Position.Column // of the key
		}
		if n.indent(column, key) > maxKeys {
			return refuse("use regular expressions", "more than %d keys in one map", maxKeys)
		}
		if previous := n.last; previous != nil { // two of a kind, with nothing but a key between
			if key {
				previous = n.before
			}
			if previous != nil && previous.Type == tk.Type {
				n.empty++
			}
		}
		if n.empty > maxEmpty {
			return refuse("remove them", "more than %d keys and entries without a value", maxEmpty)
		}
	}
	n.before, n.last = n.last, tk
	if n.flow+n.chain+len(n.blocks) > maxDepth {
		return refuse("the deepest keys of a configuration have 6", "nested more than %d levels deep", maxDepth)
	}
	return nil
}

// indent enters the map or list at a column, out of all that are further in,
// and returns how many keys it has so far.
func (n *nesting) indent(column int, key bool) int {
	for len(n.blocks) > 0 && n.blocks[len(n.blocks)-1].column > column {
		n.blocks = n.blocks[:len(n.blocks)-1]
	}
	if len(n.blocks) == 0 || n.blocks[len(n.blocks)-1].column < column {
		n.blocks = append(n.blocks, block{column: column})
	}
	b := &n.blocks[len(n.blocks)-1]
	if key {
		b.keys++
	}
	return b.keys
}
