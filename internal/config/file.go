package config

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxFile bounds the size of a configuration file in bytes.
const maxFile = 1 << 20

// maxMerges bounds how often maps are merged into others in one file.
const maxMerges = 200

// document is one YAML file while it is read into a Config. It goes through
// the syntax tree itself, rather than having a library decode it, so that it
// reports all problems at once, each with its place and what to write instead.
type document struct {
	name    string
	cfg     *Config
	anchors map[string]ast.Node
	origins map[string]Origin // of values
	places  map[string]Origin // of sections, for problems with what they lack
	found   []Problem
	merges  int // done so far
}

func (d *document) origin(n ast.Node) Origin {
	o := Origin{File: d.name, Line: 1, Column: 1}
	if tk := n.GetToken(); tk != nil && tk.Position != nil {
		o.Line, o.Column = tk.Position.Line, tk.Position.Column
	}
	return o
}

func (d *document) problem(n ast.Node, path, hint, format string, args ...any) {
	d.found = append(d.found, Problem{d.origin(n), path, fmt.Sprintf(format, args...), hint})
}

// read parses the text and sets what it says in d.cfg.
func (d *document) read(text []byte) {
	if len(text) > maxFile {
		d.found = append(d.found, Problem{Origin{File: d.name}, "", fmt.Sprintf("has %d bytes; a configuration has at most %d", len(text), maxFile), ""})
		return
	}
	file, err := parse(text)
	if err != nil {
		o := Origin{File: d.name}
		message := err.Error()
		if syntax, ok := errors.AsType[yaml.Error](err); ok {
			message = syntax.GetMessage()
			if tk := syntax.GetToken(); tk != nil && tk.Position != nil {
				o.Line, o.Column = tk.Position.Line, tk.Position.Column
			}
		}
		d.found = append(d.found, Problem{o, "", message, "the file must be YAML"})
		return
	}
	d.anchors = make(map[string]ast.Node)
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || isEmpty(doc.Body) {
			continue
		}
		if body != nil {
			d.problem(doc.Body, "", "remove what follows the line ---", "a second document in one file")
			return
		}
		body = doc.Body
		ast.Walk(collector(d.anchors), body)
	}
	if body != nil {
		d.section(body, reflect.ValueOf(d.cfg).Elem(), "")
	}
}

// parse calls the YAML library, which panics on some broken texts.
func parse(text []byte) (file *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			file, err = nil, fmt.Errorf("cannot be parsed: %v", p)
		}
	}()
	return parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
}

func isEmpty(n ast.Node) bool {
	switch n.(type) {
	case *ast.NullNode, *ast.CommentGroupNode:
		return true
	}
	return false
}

type collector map[string]ast.Node

func (c collector) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil {
		c[a.Name.String()] = a.Value
	}
	return c
}

// plain follows anchors, aliases and tags to the node itself. It gives up on
// aliases that refer to themselves.
func (d *document) plain(n ast.Node) ast.Node {
	for range 32 {
		switch t := n.(type) {
		case *ast.AnchorNode:
			n = t.Value
		case *ast.AliasNode:
			n = d.anchors[t.Value.String()]
		case *ast.TagNode:
			n = t.Value
		case *ast.MappingKeyNode:
			n = t.Value
		default:
			return n
		}
	}
	return nil
}

// kindOf names a node for people.
func kindOf(n ast.Node) string {
	switch t := n.(type) {
	case nil:
		return "an alias of nothing"
	case *ast.NullNode:
		return "nothing"
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return t.GetToken().Value
	case *ast.StringNode:
		return strconv.Quote(t.Value)
	case *ast.LiteralNode:
		return "a block of text"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a map"
	}
	return "a " + n.Type().String()
}

// textOf is the text of a node that is written as a text.
func textOf(n ast.Node) (string, bool) {
	switch t := n.(type) {
	case *ast.StringNode:
		return t.Value, true
	case *ast.LiteralNode:
		if t.Value != nil {
			return t.Value.Value, true
		}
	}
	return "", false
}

// quoted is true for a text in quotes: '5' is a text, 5 is a number.
func quoted(n ast.Node) bool {
	tk := n.GetToken()
	return tk != nil && (tk.Type == token.SingleQuoteType || tk.Type == token.DoubleQuoteType)
}

// unsplit puts a text back together that the YAML library took apart: in
// {brokers: [localhost:9092]} it sees a map with the key localhost, although a
// colon without a space after it is part of a text.
func unsplit(n ast.Node) (string, bool) {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) == 1 {
		n = m.Values[0]
	}
	pair, ok := n.(*ast.MappingValueNode)
	if !ok || pair.Key == nil || pair.Value == nil {
		return "", false
	}
	key, value := pair.Key.GetToken(), pair.Value.GetToken()
	if key == nil || value == nil || key.Position == nil || value.Position == nil || quoted(pair.Key) || quoted(pair.Value) {
		return "", false
	}
	text := value.Value
	if rest, ok := unsplit(pair.Value); ok {
		text, value = rest, first(pair.Value)
	}
	if key.Position.Line != value.Position.Line || value.Position.Column != key.Position.Column+len([]rune(key.Value))+1 {
		return "", false
	}
	return key.Value + ":" + text, true
}

// first is the token that a pair begins with.
func first(n ast.Node) *token.Token {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		n = m.Values[0]
	}
	if pair, ok := n.(*ast.MappingValueNode); ok {
		return pair.Key.GetToken()
	}
	return n.GetToken()
}
