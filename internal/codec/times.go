package codec

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/eventtime"
)

// TimeSelection says in which fields the time of a record may be.
type TimeSelection struct {
	Fields []string       // paths in the source schema, in order of preference; none: Kafka has the time
	Unit   eventtime.Unit // of numbers without a logical type; 0: see unitOf
	TAI    bool           // they count, or read, TAI
}

// TimeField is one of these fields as a source schema has it.
type TimeField struct {
	Path   string
	Type   string // Avro type for people, "" if the schema has no such field
	Unit   string // that numbers have: s, ms, us or ns; "" where there are none
	Reason string // why it is not read; "" if it is
}

// UnitError: the type of a field does not say in which unit it counts, and nobody else does.
type UnitError struct{ Path, Type string }

func (e *UnitError) Error() string {
	return fmt.Sprintf("field %s is %s, which does not say in which unit it counts: set event_time.unit to s, ms, us or ns", e.Path, e.Type)
}

// timeLogical are the logical types that are times, with their units. A local time
// is read as it stands.
var timeLogical = map[string]eventtime.Unit{
	"timestamp-millis": eventtime.Millisecond, "local-timestamp-millis": eventtime.Millisecond,
	"timestamp-micros": eventtime.Microsecond, "local-timestamp-micros": eventtime.Microsecond,
	"timestamp-nanos": eventtime.Nanosecond, "local-timestamp-nanos": eventtime.Nanosecond,
}

// Times looks for the fields with the time in a source schema, in the order of the
// selection. The error is a *UnitError.
func Times(s *Schema, sel Selection) ([]TimeField, error) {
	p, err := project(s, sel)
	if err != nil {
		return nil, err
	}
	out := make([]TimeField, len(sel.Time.Fields))
	for i, path := range sel.Time.Fields {
		out[i] = TimeField{Path: path, Reason: "the schema has no such field"}
		pl := p.root.find(path)
		if pl == nil {
			continue
		}
		r, err := sel.Time.reader(pl.typ, path)
		if err != nil {
			return nil, err
		}
		out[i].Type, out[i].Reason = pl.typ.String(), r.why
		for _, b := range r.branches {
			if b.form.Unit != 0 {
				out[i].Unit = b.form.Unit.String()
			}
		}
	}
	return out, nil
}

// LikelyTimes are the fields of a source schema that are likely to have the time of
// records, the likeliest first: by their logical types, and by what they are called.
func LikelyTimes(s *Schema) []string {
	const most = 4
	p, err := project(s, Selection{})
	if err != nil {
		return nil
	}
	const typedOnly = 100 // behind those that have a likely name
	by := map[int][]string{}
	p.root.each(func(pl *place) {
		rank := eventtime.Likely(pl.path)
		r, err := TimeSelection{Unit: eventtime.Second}.reader(pl.typ, pl.path)
		if err != nil || r.why != "" {
			return
		}
		if rank < 0 && r.typed() {
			rank = typedOnly
		}
		if rank >= 0 {
			by[rank] = append(by[rank], pl.path)
		}
	})
	var out []string
	for _, rank := range slices.Sorted(maps.Keys(by)) {
		out = append(out, by[rank]...)
	}
	return out[:min(len(out), most)]
}

// find is the place of a path, the first where branches of the top have it too.
func (pl *place) find(path string) (found *place) {
	pl.each(func(x *place) {
		if found == nil && x.path == path {
			found = x
		}
	})
	return found
}

// each calls f for each field at or below a place, records included.
func (pl *place) each(f func(*place)) { pl.below("", f) }

// below does so within the field around it, which a branch of a union is itself.
func (pl *place) below(around string, f func(*place)) {
	if pl.path != around {
		f(pl)
	}
	for _, in := range pl.inside {
		if in != nil {
			in.below(pl.path, f)
		}
	}
}

// timeReader reads the time that a field has, without moving on. It does not change.
type timeReader struct {
	slot     int  // in Row.Times
	union    bool // the index of a branch comes first
	branches []timeBranch
	why      string // none of them can be read
}

// timeBranch is how a branch of a union, or a type that is none, is read.
type timeBranch struct {
	reads kind // an int is read as a long; kindBoolean: it is no time
	typed bool // its logical type says that it is a time
	size  int  // bytes of a fixed
	scale int  // of a decimal
	form  eventtime.Form
}

func (r *timeReader) typed() bool {
	for _, b := range r.branches {
		if b.typed {
			return true
		}
	}
	return false
}

// reader finds out how the time of a field is read. The error is a *UnitError.
func (s TimeSelection) reader(t *typ, path string) (r timeReader, err error) {
	branches := []*typ{t}
	if r.union = t.kind == kindUnion; r.union {
		branches = t.branches
	}
	some := false
	for _, b := range branches {
		x := timeBranch{reads: kindBoolean, size: b.size, scale: b.scale, form: eventtime.Form{TAI: s.TAI}}
		switch b.kind {
		case kindNull:
			x.reads = kindNull
		case kindInt, kindLong:
			if x.form.Unit, x.typed = timeLogical[b.logical]; x.typed || b.logical == "" {
				x.reads = kindLong
			}
		case kindFloat, kindDouble, kindDecimalBytes, kindDecimalFixed:
			x.reads = b.kind
		case kindString:
			if b.logical == "" {
				x.reads = kindString
			}
		}
		is := x.reads != kindBoolean && x.reads != kindNull
		if is && x.form.Unit == 0 && b.kind != kindString {
			if x.form.Unit = s.unitOf(b); x.form.Unit == 0 {
				return r, &UnitError{path, t.String()}
			}
		}
		some = some || is
		r.branches = append(r.branches, x)
	}
	if !some {
		r.why = fmt.Sprintf("%s cannot have the time of a record", t)
	}
	return r, nil
}

// unitOf is the unit of a number without a logical type. What has a fraction, and what
// has 32 bits, counts seconds unless it is said otherwise; a long may count
// anything.
func (s TimeSelection) unitOf(t *typ) eventtime.Unit {
	if s.Unit == 0 && t.kind != kindLong {
		return eventtime.Second
	}
	return s.Unit
}

// times compiles what is needed to read the time fields; where they are it emits the
// code for them.
func (c *compiler) times(sel TimeSelection) error {
	c.timeOf = map[string]int{}
	for i, path := range sel.Fields {
		c.d.noTimes = append(c.d.noTimes, eventtime.No(eventtime.Missing))
		if _, twice := c.timeOf[path]; !twice {
			c.timeOf[path] = i
		}
	}
	c.timeSel = sel
	var err error
	c.p.root.each(func(pl *place) {
		i, ok := c.timeOf[pl.path]
		if !ok || err != nil {
			return
		}
		var r timeReader
		if r, err = sel.reader(pl.typ, pl.path); err == nil && r.why == "" {
			c.d.noTimes[i] = eventtime.No(eventtime.Null) // unless it is come to
		}
	})
	return err
}

// time emits the code that reads the time at a place, if it has one.
func (c *compiler) time(p *program, pl *place) {
	i, ok := c.timeOf[pl.path]
	if !ok || pl.path == "" {
		return
	}
	r, err := c.timeSel.reader(pl.typ, pl.path)
	if err != nil || r.why != "" {
		return // an error was found before
	}
	r.slot = i
	c.d.times = append(c.d.times, r)
	p.emit(instr{op: opTime, m: int32(len(c.d.times) - 1)}, origin{path: pl.path})
}

// timed reports whether there is a field with a time at or below a place.
func (c *compiler) timed(pl *place) (found bool) {
	if len(c.timeOf) == 0 {
		return false
	}
	pl.each(func(x *place) {
		_, ok := c.timeOf[x.path]
		found = found || ok
	})
	return found
}

// Timed reports whether records have their time in fields, and not in Kafka.
func (d *Decoder) Timed() bool { return len(d.noTimes) > 0 }

// read reads the time at pos. Of bytes that do not fit the schema it reads none: that
// they do not, whoever reads the field itself says.
func (r *timeReader) read(b []byte, pos int) eventtime.Time {
	x := &r.branches[0]
	if r.union {
		switch {
		case pos < len(b) && b[pos] == 2 && len(r.branches) > 1: // as mostly
			x, pos = &r.branches[1], pos+1
		default:
			branch, next := varint(b, pos)
			if next < 0 || uint64(branch) >= uint64(len(r.branches)) {
				return eventtime.No(eventtime.Unreadable)
			}
			x, pos = &r.branches[branch], next
		}
	}
	switch left := len(b) - pos; x.reads {
	case kindDouble:
		if left >= 8 {
			return x.form.Float(math.Float64frombits(binary.LittleEndian.Uint64(b[pos:])))
		}
	case kindFloat:
		if left >= 4 {
			return x.form.Float(float64(math.Float32frombits(binary.LittleEndian.Uint32(b[pos:]))))
		}
	case kindLong:
		if v, next := varint(b, pos); next >= 0 {
			return x.form.Int(v)
		}
	case kindDecimalFixed:
		if left >= x.size && x.size <= maxDecimal {
			return x.form.Decimal(b[pos:pos+x.size], x.scale)
		}
	case kindString, kindDecimalBytes:
		size, next := varint(b, pos)
		switch {
		case next < 0 || size < 0 || size > int64(len(b)-next):
		case x.reads == kindString:
			return x.form.Text(b[next : next+int(size)])
		case size <= maxDecimal:
			return x.form.Decimal(b[next:next+int(size)], x.scale)
		}
	case kindNull:
		return eventtime.No(eventtime.Null)
	}
	return eventtime.No(eventtime.Unreadable)
}

// TimePath is a legal path of a time field: names with dots between them.
func TimePath(path string) bool {
	for name := range strings.SplitSeq(path, ".") {
		if name == "" || strings.ContainsAny(name, " \t/[]") {
			return false
		}
	}
	return true
}
