package framing

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

var guid = GUID{0x89, 0x79, 0x17, 0x62, 0x23, 0x36, 0x41, 0x86, 0x96, 0x74, 0x29, 0x9b, 0x90, 0xa8, 0x02, 0xe2}

const guidText = "89791762-2336-4186-9674-299b90a802e2"

// named is the header with these bytes.
func named(b ...byte) []kgo.RecordHeader {
	return []kgo.RecordHeader{{Key: "other", Value: []byte{9}}, {Key: SchemaHeader, Value: b}}
}

var (
	plain    = NewReader(Settings{})
	objects  = NewReader(Settings{SingleObject: true})
	glue     = NewReader(Settings{Glue: map[GUID]Schema{guid: {ID: 7}}})
	bare     = NewReader(Settings{Bare: Schema{ID: 9}})
	all      = NewReader(Settings{SingleObject: true, Glue: map[GUID]Schema{guid: {Subject: "s"}}, Bare: Schema{Subject: "b"}})
	unbarred = NewReader(Settings{SingleObject: true, Glue: map[GUID]Schema{guid: {ID: 7}}})
)

func TestRead(t *testing.T) {
	body := []byte("body")
	prefixed := append(AppendPrefix(nil, 5), body...)
	glued := append(AppendGlue(nil, guid), body...)
	zipped := append([]byte{3, 5}, glued[2:]...)
	object := append(AppendSingle(nil, 0x0102030405060708), body...)
	for name, c := range map[string]struct {
		reader  *Reader
		headers []kgo.RecordHeader
		value   []byte
		want    string // kind, what the schema is named by, body
	}{
		"prefix":                             {plain, nil, prefixed, "prefix, schema 5, body"},
		"prefix and headers":                 {plain, []kgo.RecordHeader{{Key: "a"}, {Key: "__key_schema_id", Value: []byte{0, 0, 0, 0, 6}}}, prefixed, "prefix, schema 5, body"},
		"id 0":                               {plain, nil, []byte{0, 0, 0, 0, 0, 'x'}, "prefix, schema 0, x"},
		"the largest id":                     {plain, nil, []byte{0, 0x7f, 0xff, 0xff, 0xff}, "prefix, schema 2147483647, "},
		"header with an id":                  {plain, named(0, 0, 0, 0, 6), body, "header, schema 6, body"},
		"header with a GUID":                 {plain, named(append([]byte{1}, guid[:]...)...), body, "header, schema GUID " + guidText + ", body"},
		"header, and no data":                {plain, named(0, 0, 0, 0, 6), nil, "header, schema 6, "},
		"header, and data like a prefix":     {plain, named(0, 0, 0, 0, 6), prefixed, "header, schema 6, " + string(prefixed)},
		"header, whatever may be else":       {all, named(0, 0, 0, 0, 6), object, "header, schema 6, " + string(object)},
		"the last header":                    {plain, append(named(9), kgo.RecordHeader{Key: SchemaHeader, Value: []byte{0, 0, 0, 0, 6}}), body, "header, schema 6, body"},
		"header that is null":                {plain, []kgo.RecordHeader{{Key: SchemaHeader}}, prefixed, "prefix, schema 5, body"},
		"glue":                               {glue, nil, glued, "glue, schema 7, body"},
		"glue, compressed":                   {glue, nil, zipped, "glue, schema 7, body, compressed"},
		"glue and prefix":                    {glue, nil, prefixed, "prefix, schema 5, body"},
		"glue, where values may be bare":     {all, nil, glued, "glue, newest schema of subject s, body"},
		"single object":                      {objects, nil, object, "single-object, schema with fingerprint 0102030405060708, body"},
		"single object or bare":              {all, nil, object, "single-object, schema with fingerprint 0102030405060708, body, doubtful"},
		"prefix or bare":                     {bare, nil, prefixed, "prefix, schema 5, body, doubtful"},
		"bare":                               {bare, nil, body, "bare, schema 9, body"},
		"bare and empty":                     {bare, nil, []byte{}, "bare, schema 9, "},
		"bare, and too short for a prefix":   {bare, nil, []byte{0, 0, 0, 0}, "bare, schema 9, \x00\x00\x00\x00"},
		"bare, like a negative id":           {bare, nil, []byte{0, 0xff, 0xff, 0xff, 0xff, 1}, "bare, schema 9, \x00\xff\xff\xff\xff\x01"},
		"bare, like glue":                    {bare, nil, glued, "bare, schema 9, " + string(glued)},
		"bare, like another version of glue": {all, nil, append([]byte{3, 0, 1}, glued[3:]...), "bare, newest schema of subject b, " + string(append([]byte{3, 0, 1}, glued[3:]...))},
		"bare, like glue with a compression": {all, nil, append([]byte{3, 1}, glued[2:]...), "bare, newest schema of subject b, " + string(append([]byte{3, 1}, glued[2:]...))},
		"bare, like a single object":         {bare, nil, object, "bare, schema 9, " + string(object)},
		"bare, like the start of one":        {all, nil, object[:9], "bare, newest schema of subject b, " + string(object[:9])},
	} {
		f, err := c.reader.Read(c.headers, c.value)
		got := fmt.Sprintf("%s, %s, %s", f.Kind, c.reader.Name(f.Ref), f.Body)
		if f.Compressed {
			got += ", compressed"
		}
		if f.Doubtful {
			got += ", doubtful"
		}
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
}

// What cannot be read is no guess, and the error says what was tried.
func TestReadRefuses(t *testing.T) {
	good := AppendPrefix(nil, 5) // is not looked at where there is a header
	glued := AppendGlue(nil, guid)
	object := AppendSingle(nil, 1)
	for name, c := range map[string]struct {
		reader  *Reader
		headers []kgo.RecordHeader
		value   []byte
		want    string
	}{
		"an empty header":              {all, named([]byte{}...), good, "header __value_schema_id is empty"},
		"a header of 4 bytes":          {all, named(0, 0, 0, 1), good, "header __value_schema_id: 4 bytes, not the 5 of an id"},
		"a header of 1 byte":           {plain, named(0), good, "1 bytes, not the 5 of an id"},
		"a header with more":           {plain, named(0, 0, 0, 0, 1, 0), good, "6 bytes, not the 5 of an id"},
		"a header with a negative id":  {plain, named(0, 0xff, 0xff, 0xff, 0xff), good, "header __value_schema_id: schema id -1 is negative"},
		"a GUID that is cut":           {plain, named(append([]byte{1}, guid[1:]...)...), good, "16 bytes, not the 17 of a GUID"},
		"a GUID with more":             {plain, named(append(append([]byte{1}, guid[:]...), 0)...), good, "18 bytes, not the 17 of a GUID"},
		"another magic byte":           {plain, named(2, 0, 0, 0, 1), good, "first byte is 0x02, neither 0x00 (an id) nor 0x01 (a GUID)"},
		"the last header is bad":       {plain, append(named(0, 0, 0, 0, 1), kgo.RecordHeader{Key: SchemaHeader, Value: []byte{7}}), good, "first byte is 0x07"},
		"an empty value":               {plain, nil, []byte{}, "no header __value_schema_id, no prefix (0 bytes, fewer than 5)"},
		"4 bytes":                      {plain, nil, []byte{0, 0, 0, 1}, "4 bytes, fewer than 5"},
		"another first byte":           {plain, nil, []byte("123456"), "first byte is 0x31"},
		"a negative id":                {plain, nil, []byte{0, 0x80, 0, 0, 0}, "schema id -2147483648 is negative"},
		"glue that is not set up":      {plain, nil, glued, "begins like AWS Glue's header, schema version " + guidText + ": see framing.glue"},
		"an unknown version of glue":   {glue, nil, append(glued[:17:17], 0), "schema version 89791762-2336-4186-9674-299b90a80200 is not in framing.glue.schemas"},
		"glue that is cut":             {glue, nil, glued[:17], "not of AWS Glue (17 bytes, fewer than 18)"},
		"glue, another version byte":   {glue, nil, append([]byte{2}, glued[1:]...), "not of AWS Glue (first byte is 0x02, not 0x03)"},
		"glue, another compression":    {glue, nil, append([]byte{3, 4}, glued[2:]...), "not of AWS Glue (compression byte is 4, neither 0 nor 5)"},
		"an object that is not set up": {plain, nil, object, "begins like a single object: see framing.single_object"},
		"an object that is cut":        {objects, nil, object[:9], "no single object (9 bytes, fewer than 10)"},
		"another marker":               {objects, nil, append([]byte{0xc3, 2}, object[2:]...), "no single object (first bytes are c302, not c301)"},
		"all of it":                    {unbarred, nil, []byte("this is no Avro at all"), "no header __value_schema_id, no prefix (first byte is 0x74, not 0x00), not of AWS Glue (first byte is 0x74, not 0x03), no single object (first bytes are 7468, not c301)"},
	} {
		if f, err := c.reader.Read(c.headers, c.value); err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 200 || f.Kind != None {
			t.Errorf("%s: %v, %v, want %q", name, f, err, c.want)
		}
	}
}

func TestReadDoesNotAllocate(t *testing.T) {
	many := make([]kgo.RecordHeader, 50)
	for i := range many {
		many[i] = kgo.RecordHeader{Key: "__value_schema_ie", Value: []byte("x")}
	}
	value := AppendGlue(nil, guid)
	for name, headers := range map[string][]kgo.RecordHeader{"none": nil, "many": many, "guid": named(AppendGUIDHeader(nil, guid)...)} {
		if n := testing.AllocsPerRun(100, func() {
			if _, err := all.Read(headers, value); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestGUID(t *testing.T) {
	g, err := ParseGUID(strings.ToUpper(guidText))
	if err != nil || g != guid || g.String() != guidText {
		t.Errorf("%v, %v", g, err)
	}
	if back, ok := ByGUID(g).GUID(); !ok || back != g {
		t.Errorf("%v, %v", back, ok)
	}
	if _, ok := ID(5).GUID(); ok {
		t.Error("an id is a GUID")
	}
	for _, ref := range []Ref{{}, ByGUID(g), Fingerprint(7), Versions(), all.Bare()} {
		if id, ok := ref.ID(); ok || id != 0 {
			t.Errorf("%s has the id %d", ref, id)
		}
	}
	for _, bad := range []string{"", guidText[1:], guidText + "0", strings.ReplaceAll(guidText, "-", "0"), "8979176g" + guidText[8:], "{" + guidText[:35]} {
		if _, err := ParseGUID(bad); err == nil {
			t.Errorf("%q is a GUID", bad)
		}
	}
}

// Whatever a record is, there is a frame or an error; the data are a part of the
// value; and a frame of the plain framings can be written again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(nil), false, AppendPrefix(nil, 5))
	f.Add(AppendIDHeader(nil, 5), true, []byte("body"))
	f.Add(AppendGUIDHeader(nil, guid), true, []byte("body"))
	f.Add([]byte(nil), false, append([]byte{3, 5}, AppendGlue(nil, guid)[2:]...))
	f.Add([]byte(nil), false, append(AppendSingle(nil, 77), 1, 2, 3))
	f.Fuzz(func(t *testing.T, header []byte, there bool, value []byte) {
		var headers []kgo.RecordHeader
		if there {
			headers = named(header...)
		}
		for i, r := range []*Reader{plain, objects, glue, bare, all, unbarred} {
			frame, err := r.Read(headers, value)
			if err != nil {
				if frame.Kind != None || i == 3 && len(headers) == 0 {
					t.Fatalf("%v, %v", frame, err)
				}
				continue
			}
			var again []byte
			switch id, _ := frame.Ref.ID(); frame.Kind {
			case Header, Bare:
			case Prefix:
				again = AppendPrefix(nil, id)
			case Glue:
				if again = AppendGlue(nil, guid); frame.Compressed {
					again[1] = glueZlib
				}
			case SingleObject:
				again = AppendSingle(nil, frame.Ref.lo)
			default:
				t.Fatalf("%v", frame)
			}
			if !bytes.Equal(append(again, frame.Body...), value) {
				t.Fatalf("%x was read as %x and %x", value, again, frame.Body)
			}
			if frame.Compressed {
				var inflater Inflater
				if data, err := inflater.Inflate(frame.Body); err == nil && len(data) > MaxInflated {
					t.Fatalf("%d bytes", len(data))
				}
			}
			if r.Name(frame.Ref) == "" || frame.Kind.String() == "" {
				t.Fatalf("%v has no name", frame)
			}
		}
	})
}
