package codec

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"strconv"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// reference reads records of random types plainly, from what the manual says of
// each type (docs/sources.md), and shares no code with the decoder.
type reference struct {
	booleans, enums, maps bool

	body   []byte
	at     int
	top    map[leaf]sample   // outside of lists
	arrays map[leaf][]sample // of those that are there
	open   []*randomType     // records that the reader is in
}

type sample struct {
	value float64
	rest  int16
}

var none = sample{value: stats.Null}

// leaf is a field of numbers.
type leaf struct {
	path  string
	array bool
}

// spot is where a value stands.
type spot struct {
	path    string
	taken   bool
	numbers bool            // and nothing else is taken: in an array of numbers
	element map[leaf]sample // of the innermost list that it is in; nil if in none
}

func (x *reference) number(t *randomType) bool {
	switch t.kind {
	case "int", "long", "unsigned", "float", "double", "decimal", "decimalfixed", "bigdecimal", "variable":
		return true
	}
	return t.kind == "boolean" && x.booleans
}

func (t *randomType) is() *randomType {
	if t.kind == "ref" {
		return t.ref
	}
	return t
}

func (t *randomType) all() (out []*randomType) {
	if t = t.is(); t.kind != "union" {
		return []*randomType{t}
	}
	for _, b := range t.branches {
		out = append(out, b.is())
	}
	return out
}

// samples says which branches of a value are samples.
func (x *reference) samples(t *randomType) []bool {
	out := make([]bool, len(t.all()))
	for i, b := range t.all() {
		out[i] = x.number(b)
	}
	if x.enums && !slices.Contains(out, true) {
		for i, b := range t.all() {
			out[i] = b.kind == "enum"
		}
	}
	return out
}

// container is the branch that is the array or map that is taken, or -1.
func (x *reference) container(t *randomType) int {
	numbers := slices.Contains(x.samples(t), true)
	for i, b := range t.all() {
		if b.kind != "array" && (b.kind != "map" || !x.maps) {
			continue
		}
		more := slices.ContainsFunc(b.elem.all(), func(e *randomType) bool { return e.kind == "record" || e.kind == "array" || e.kind == "map" })
		if !numbers || b.kind == "map" || more && !slices.Contains(x.samples(b.elem), true) {
			return i
		}
	}
	return -1
}

// recordPath is the path of the fields of a record that is a branch of a value.
func recordPath(t, b *randomType, path string) string {
	records := 0
	for _, o := range t.all() {
		if o.kind == "record" {
			records++
		}
	}
	if records > 1 {
		return path + "." + b.name
	}
	return path
}

func below(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// leaves are the fields at and below a place; direct: those of which a list's
// element has one value.
func (x *reference) leaves(t *randomType, path string, list, direct bool, open []*randomType) (out []leaf) {
	t = t.is()
	samples, taken := x.samples(t), x.container(t)
	if slices.Contains(samples, true) {
		out = append(out, leaf{path, list})
	}
	for i, b := range t.all() {
		switch {
		case samples[i]:
		case b.kind == "record" && !slices.Contains(open, b):
			for j, f := range b.fields {
				out = append(out, x.leaves(f, below(recordPath(t, b, path), b.names[j]), list, direct, append(slices.Clip(open), b))...)
			}
		case i == taken && !direct:
			if b.kind == "array" && slices.Contains(x.samples(b.elem), true) {
				out = append(out, leaf{path, true})
				continue
			}
			out = append(out, x.leaves(b.elem, path+map[string]string{"array": "[]", "map": "{}"}[b.kind], true, false, open)...)
		}
	}
	return out
}

func (x *reference) read(t *randomType, at spot) {
	t = t.is()
	samples, taken := x.samples(t), x.container(t)
	i, b := 0, t
	if t.kind == "union" {
		i = int(x.long())
		b = t.branches[i].is()
	}
	value := x.scalar(b)
	array := at.element != nil
	switch {
	case at.taken && samples[i]:
		if to := (leaf{at.path, array}); array {
			at.element[to] = value
		} else {
			x.top[to] = value
		}
	case b.kind == "record":
		in := spot{path: recordPath(t, b, at.path), taken: at.taken && !at.numbers && !slices.Contains(x.open, b), element: at.element}
		x.open = append(x.open, b)
		for j, f := range b.fields {
			x.read(f, spot{path: below(in.path, b.names[j]), taken: in.taken, element: in.element})
		}
		x.open = x.open[:len(x.open)-1]
	case b.kind == "array" || b.kind == "map":
		x.list(b, at, at.taken && !at.numbers && i == taken)
	}
}

func (x *reference) list(b *randomType, at spot, taken bool) {
	path := at.path + map[string]string{"array": "[]", "map": "{}"}[b.kind]
	plain := b.kind == "array" && slices.Contains(x.samples(b.elem), true)
	var each []leaf
	if taken {
		all := []leaf{{at.path, true}}
		if each = all; !plain {
			each = x.leaves(b.elem, path, true, true, x.open)
			all = x.leaves(b.elem, path, true, false, x.open)
		}
		for _, l := range all {
			if x.arrays[l] == nil {
				x.arrays[l] = []sample{}
			}
		}
	}
	if plain {
		path = at.path
	}
	for n := x.long(); n != 0; n = x.long() {
		if n < 0 {
			n = -n
			x.long()
		}
		for range n {
			if b.kind == "map" {
				x.bytes(int(x.long()))
			}
			element := map[leaf]sample{}
			x.read(b.elem, spot{path: path, taken: taken, numbers: plain, element: element})
			for i, l := range each {
				if slices.Contains(each[:i], l) {
					continue
				}
				v, ok := element[l]
				if !ok {
					v = none
				}
				x.arrays[l] = append(x.arrays[l], v)
			}
		}
	}
}

// scalar reads a value that is neither a record nor an array or map.
func (x *reference) scalar(t *randomType) sample {
	real := func(f float64) sample {
		if math.IsNaN(f) {
			f = stats.NaN
		}
		return sample{value: f}
	}
	switch t.kind {
	case "boolean":
		return sample{value: float64(x.bytes(1)[0])}
	case "int", "long", "timestamp", "connecttime":
		f, rest := stats.SplitInt64(x.long())
		return sample{f, rest}
	case "unsigned":
		v := x.long()
		if v < 0 {
			return sample{value: float64(uint64(v))}
		}
		f, rest := stats.SplitInt64(v)
		return sample{f, rest}
	case "float":
		return real(float64(math.Float32frombits(binary.LittleEndian.Uint32(x.bytes(4)))))
	case "double":
		return real(math.Float64frombits(binary.LittleEndian.Uint64(x.bytes(8))))
	case "string", "bytes":
		x.bytes(int(x.long()))
	case "fixed":
		x.bytes(t.size)
	case "duration":
		x.bytes(12)
	case "enum":
		v, _ := strconv.ParseFloat(strconv.FormatInt(x.long(), 10), 64)
		return sample{value: v}
	case "decimal":
		return decimalSample(x.bytes(int(x.long())), 25)
	case "decimalfixed":
		return decimalSample(x.bytes(t.size), 1)
	case "variable":
		scale := x.long()
		return decimalSample(x.bytes(int(x.long())), scale)
	case "bigdecimal":
		x.long()
		value := x.bytes(int(x.long()))
		return decimalSample(value, x.long())
	}
	return none
}

func decimalSample(b []byte, scale int64) sample {
	v := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	r := new(big.Rat).SetInt(v)
	ten := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(max(scale, -scale)), nil))
	if scale < 0 {
		r.Mul(r, ten)
	} else {
		r.Quo(r, ten)
	}
	f, _ := r.Float64()
	return sample{value: f}
}

func (x *reference) long() int64 {
	v, n := binary.Varint(x.body[x.at:])
	x.at += n
	return v
}

func (x *reference) bytes(n int) []byte {
	x.at += n
	return x.body[x.at-n : x.at]
}

// row is what a record must be decoded to.
func (x *reference) row(t *testing.T, top *randomType, a *Aggregated, body []byte) *Row {
	t.Helper()
	x.body, x.at, x.top, x.arrays, x.open = body, 0, map[leaf]sample{}, map[leaf][]sample{}, nil
	its, everything := x.leaves(top, "", false, false, nil), false // what the record's branch has
	switch {
	case top.kind == "union":
		records := slices.ContainsFunc(top.all(), func(b *randomType) bool { return b.kind == "record" })
		i := x.long()
		b := top.branches[i].is()
		path := "value"
		switch {
		case b.kind == "record":
			its, path = x.leaves(b, "", false, false, nil), ""
		case x.samples(top)[i]:
			its = []leaf{{path: "value"}}
		default:
			everything = true // nothing of it is taken, and all is null
		}
		if !records {
			everything = true
		}
		x.read(b, spot{path: path, taken: x.samples(top)[i] || b.kind == "record"})
	case top.kind == "record":
		x.read(top, spot{taken: true})
	default:
		its = []leaf{{path: "value"}}
		x.read(top, spot{path: "value", taken: true})
	}
	if x.at != len(body) {
		t.Fatalf("the reference has read %d of %d bytes", x.at, len(body))
	}
	row := &Row{Scalars: make([]float64, len(a.Fields)), Arrays: make([][]float64, len(a.Fields))}
	for slot, f := range a.Fields {
		l := leaf{f.Path, f.Array}
		list, there := x.arrays[l]
		one, ok := x.top[l]
		switch {
		case there:
			row.Arrays[slot] = []float64{}
			for i, v := range list {
				row.Arrays[slot] = append(row.Arrays[slot], v.value)
				if v.rest != 0 {
					row.Rests = append(row.Rests, Rest{Slot: int32(slot), Element: int32(i), Value: v.rest})
				}
			}
		case ok:
			row.Scalars[slot] = one.value
			if one.rest != 0 {
				row.Rests = append(row.Rests, Rest{Slot: int32(slot), Value: one.rest})
			}
		case everything || slices.Contains(its, l):
			row.Scalars[slot] = stats.Null
		default:
			row.Scalars[slot] = stats.Absent
		}
	}
	return row
}

// sorted are the rests by slot.
func sorted(rests []Rest) []Rest {
	return slices.SortedStableFunc(slices.Values(rests), func(a, b Rest) int { return cmp.Compare(a.Slot, b.Slot) })
}
