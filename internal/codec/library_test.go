package codec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/avro"
)

// sketch is a schema as the library has parsed it, in one line for each field:
// path, type, logical type, units and doc. Records that are named again are
// expanded again, those that contain themselves once.
type sketch struct {
	named map[string]*avro.SchemaNode
	open  []string
	lines []string
}

func sketchOf(s *avro.Schema) []string {
	k := &sketch{named: map[string]*avro.SchemaNode{}}
	k.walk(s.Root(), "", "")
	return k.lines
}

func (k *sketch) walk(n *avro.SchemaNode, path, ns string) {
	full := n.Name
	if n.Namespace != "" && !strings.Contains(full, ".") {
		full = n.Namespace + "." + full
	}
	line := path + " " + n.Type
	switch n.Type {
	case "record", "error":
		k.named[full] = n
		if slices.Contains(k.open, full) {
			return
		}
		k.open = append(k.open, full)
		for i := range n.Fields {
			f := &n.Fields[i]
			k.lines = append(k.lines, fmt.Sprintf("%s.%s %q", path, f.Name, f.Doc))
			k.walk(&f.Type, path+"."+f.Name, n.Namespace)
		}
		k.open = k.open[:len(k.open)-1]
		return
	case "array":
		k.walk(n.Items, path+"[]", ns)
	case "map":
		k.walk(n.Values, path+"{}", ns)
	case "union":
		for i := range n.Branches {
			k.walk(&n.Branches[i], fmt.Sprintf("%s|%d", path, i), ns)
		}
	case "enum":
		k.named[full] = n
		line += fmt.Sprint(" ", len(n.Symbols))
	case "fixed":
		k.named[full] = n
		line += fmt.Sprint(" ", n.Size)
	default:
		if primitives[n.Type] == 0 && n.Type != "null" {
			d := k.named[n.Type]
			if d == nil {
				d = k.named[ns+"."+n.Type]
			}
			k.walk(d, path, ns)
			return
		}
	}
	if n.LogicalType == "decimal" {
		line += fmt.Sprint(" decimal ", n.Scale)
	}
	k.lines = append(k.lines, line)
}

// ours is the same of a schema that we have parsed.
func ours(t *typ, path string, open []*typ) (lines []string) {
	kinds := map[kind]string{kindDecimalBytes: "bytes", kindDecimalFixed: "fixed", kindBigDecimal: "bytes"}
	line := path + " " + kindNames[t.kind]
	if k := kinds[t.kind]; k != "" {
		line = path + " " + k
	}
	switch t.kind {
	case kindRecord, kindAnyDecimal:
		if slices.Contains(open, t) {
			return nil
		}
		for _, f := range t.fields {
			lines = append(lines, fmt.Sprintf("%s.%s %q", path, f.name, f.doc))
			lines = append(lines, ours(f.typ, path+"."+f.name, append(open, t))...)
		}
		return lines
	case kindArray:
		lines = ours(t.elem, path+"[]", open)
	case kindMap:
		lines = ours(t.elem, path+"{}", open)
	case kindUnion:
		for i, b := range t.branches {
			lines = append(lines, ours(b, fmt.Sprintf("%s|%d", path, i), open)...)
		}
	case kindEnum, kindFixed, kindDecimalFixed:
		line += fmt.Sprint(" ", t.size)
	}
	if t.kind == kindDecimalBytes || t.kind == kindDecimalFixed {
		line += fmt.Sprint(" decimal ", t.scale)
	}
	return append(lines, line)
}

// TestParsesLikeTheLibrary compares our reading of random schemas, which are
// all valid, with the library's.
func TestParsesLikeTheLibrary(t *testing.T) {
	n := 0
	for seed := range uint64(500) {
		text := randomRecord(newRand(seed)).text()
		s, err := avro.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		want, got := sketchOf(s), ours(parse(t, text).root, "", nil)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: got\n%s\nwant\n%s\n%s", seed, strings.Join(got, "\n"), strings.Join(want, "\n"), text)
		}
		n += len(want)
	}
	if n < 10_000 {
		t.Errorf("only %d lines were compared", n)
	}
}
