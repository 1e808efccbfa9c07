package config

import (
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// scalar sets a text, number, truth value or duration, and insists on its
// being written as one.
func (d *document) scalar(n ast.Node, v reflect.Value, path string) {
	node := d.plain(n)
	text, isText := textOf(node)
	if whole, ok := unsplit(node); ok {
		text, isText = whole, true
	}
	_, isBool := node.(*ast.BoolNode)
	var number string
	switch node.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		number = strings.ReplaceAll(node.GetToken().Value, "_", "")
	}

	switch {
	case v.Type() == durationType:
		switch {
		case number == "0":
			v.SetInt(0)
		case number != "":
			d.problem(n, path, "write "+number+"s for seconds", "%s has no unit", number)
		case !isText:
			d.problem(n, path, "write a duration such as 1s, 250ms or 1m30s", "want a duration, not %s", kindOf(node))
		default:
			d.text(n, v, path, text, "write a duration such as 1s, 250ms, 1m30s or 1d")
		}
	case v.Kind() == reflect.String:
		switch {
		case isText:
			v.SetString(text)
		case number != "" || isBool:
			d.problem(n, path, "write '"+node.GetToken().Value+"'", "want a text, not %s", kindOf(node))
		default:
			d.problem(n, path, "write a text", "want a text, not %s", kindOf(node))
		}
	case v.Kind() == reflect.Bool:
		if !isBool {
			d.problem(n, path, "write true or false", "want true or false, not %s", kindOf(node))
			return
		}
		v.SetBool(node.(*ast.BoolNode).Value)
	default:
		if number == "" {
			hint := "write a number"
			if isText && quoted(node) {
				hint = "write it without quotes"
			}
			d.problem(n, path, hint, "want a %s, not %s", typeName(v.Type()), kindOf(node))
			return
		}
		d.text(n, v, path, number, "write a "+typeName(v.Type()))
	}
}

// numberOrTruth is the text of a value that is a number, true or false.
func numberOrTruth(n ast.Node) (string, bool) {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return strings.ReplaceAll(n.GetToken().Value, "_", ""), true
	}
	return "", false
}

// text sets a value from a text that still may be wrong.
func (d *document) text(n ast.Node, v reflect.Value, path, text, hint string) {
	if err := setText(v, text); err != nil {
		d.problem(n, path, hint, "%v", err)
	}
}
