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

// Bounds of what aliases make of a file. They may lead to themselves, and to
// each other in powers.
const (
	maxMerges = 200     // of maps into others
	maxValues = 200_000 // a value counts as often as it is referred to
)

// document is one YAML file while it is read into a Config. It goes through
// the syntax tree itself, rather than having a library decode it, so that it
// reports all problems at once, each with its place and what to write instead.
type document struct {
	name    string
	cfg     *Config
	anchors map[string]ast.Node // the last one of each name so far
	aliases map[*ast.AliasNode]ast.Node
	origins map[string]Origin // of values
	places  map[string]Origin // of sections, for problems with what they lack
	found   []Problem
	merges  int // done so far
	values  int // read so far
}

func (d *document) origin(n ast.Node) Origin {
	o := Origin{File: d.name, Line: 1, Column: 1}
	if tk := n.GetToken(); tk != nil && tk.Position != nil {
		o.Line, o.Column = tk.Position.Line, tk.Position.Column
	}
	return o
}

func (d *document) problem(n ast.Node, path, hint, format string, args ...any) {
	d.found = append(d.found, problemf(d.origin(n), path, hint, format, args...))
}

// more reports whether another value may be read: not if there were too many,
// or too many problems already.
func (d *document) more(n ast.Node, path string) bool {
	if d.values++; d.values == maxValues {
		d.problem(n, path, "use fewer or smaller aliases", "more than %d values with aliases and merged maps", maxValues)
	}
	return d.values < maxValues && len(d.found) <= maxProblems
}

// read parses the text and sets what it says in d.cfg.
func (d *document) read(text []byte) {
	file, err := parse(text)
	if err != nil {
		d.found = append(d.found, d.unreadable(err))
		return
	}
	d.anchors, d.aliases = make(map[string]ast.Node), make(map[*ast.AliasNode]ast.Node)
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
		ast.Walk(collector{d}, body)
	}
	if body != nil {
		d.section(body, reflect.ValueOf(d.cfg).Elem(), "")
	}
}

// parse calls the YAML library with what is within bounds. It panics on some
// broken texts.
func parse(text []byte) (file *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			file, err = nil, fmt.Errorf("cannot be parsed: %v", p)
		}
	}()
	if len(text) > maxFile {
		return nil, errTooLarge{maxFile}
	}
	if text, err = legible(text); err != nil {
		return nil, err
	}
	all, err := tokens(text)
	if err != nil {
		return nil, err
	}
	return parser.Parse(all, 0, parser.AllowDuplicateMapKey())
}

// notYAML is the hint where there is no better one.
const notYAML = "the file must be YAML"

// unreadable is the problem with a file that has no syntax tree.
func (d *document) unreadable(err error) Problem {
	o := Origin{File: d.name}
	if bad, ok := errors.AsType[*badText](err); ok {
		o.Line, o.Column = bad.line, bad.column
		return problemf(o, "", bad.hint, "%s", bad.message)
	}
	// Its Error would quote lines around, and takes long for long ones.
	if syntax, ok := errors.AsType[yaml.Error](err); ok {
		if tk := syntax.GetToken(); tk != nil && tk.Position != nil {
			o.Line, o.Column = tk.Position.Line, tk.Position.Column
		}
		return problemf(o, "", notYAML, "%s", syntax.GetMessage())
	}
	return problemf(o, "", notYAML, "%v", err)
}

func isEmpty(n ast.Node) bool {
	switch n.(type) {
	case *ast.NullNode, *ast.CommentGroupNode:
		return true
	}
	return false
}

// collector goes through a syntax tree in the order of the text. An alias
// means the last anchor of its name before it; an anchor may be given again.
type collector struct{ *document }

// Visit is ast.Visitor.
func (c collector) Visit(n ast.Node) ast.Visitor {
	switch t := n.(type) {
	case *ast.AnchorNode:
		if t.Name != nil {
			c.anchors[t.Name.String()] = t.Value
		}
	case *ast.AliasNode:
		if t.Value != nil {
			c.aliases[t] = c.anchors[t.Value.String()]
		}
	case *ast.TagNode:
		switch tag := t.GetToken().Value; tag {
		case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
		default:
			c.problem(t, "", "write the value itself, or set the key by its environment variable", "the tag %s means nothing here", tag)
		}
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
			n = d.aliases[t]
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
		return strconv.Quote(brief(t.Value))
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
