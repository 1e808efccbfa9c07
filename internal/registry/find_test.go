package registry

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
)

// asked is a registry that counts what it is asked.
type asked struct {
	*srfake.Registry
	url   string
	mu    sync.Mutex
	paths map[string]int
}

func newAsked(t *testing.T) *asked {
	t.Helper()
	a := &asked{Registry: fake(t), paths: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.paths[r.URL.Path]++
		a.mu.Unlock()
		a.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

// times is how often paths that begin so were asked for since the last time.
func (a *asked) times(prefix string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for path, times := range a.paths {
		if strings.HasPrefix(path, prefix) {
			n += times
			delete(a.paths, path)
		}
	}
	return n
}

// numbered is a record with a field of this name.
func numbered(field string) string { return strings.Replace(point, `"x"`, `"`+field+`"`, 1) }

func crc(t *testing.T, text string) uint64 {
	t.Helper()
	h := avro.NewRabin()
	if _, err := h.Write(avro.MustParse(text).Canonical()); err != nil {
		t.Fatal(err)
	}
	return h.Sum64()
}

// Fingerprints by another implementation (fastavro 1.13, which writes their bytes in
// the order of the encoding).
func TestFingerprint(t *testing.T) {
	for text, want := range map[string]uint64{
		`"int"`:  0x7275d51a3f395c8f,
		`"null"`: 0x63dd24e7cc258f8a,
		`{"type":"record","name":"Nested","namespace":"org.x","doc":"d","fields":[
			{"name":"time","type":{"type":"long","logicalType":"timestamp-micros"},"units":"s"},
			{"name":"inner","type":["null",{"type":"record","name":"In","fields":[{"name":"x","type":"double","default":1.0}]}]},
			{"name":"e","type":{"type":"enum","name":"a.b.E","symbols":["A","B"]}},
			{"name":"f","type":{"type":"fixed","name":"F","size":8}},{"name":"again","type":"In"}]}`: 0x7ff2a13f38fec289,
	} {
		if print, ok := (&Schema{Text: text}).fingerprint(); !ok || print != want {
			t.Errorf("%s: %016x, want %016x", text, print, want)
		}
	}
}

func TestFind(t *testing.T) {
	ctx := t.Context()
	a := newAsked(t)
	a.SeedSchema("t-value", 1, 11, sr.Schema{Schema: numbered("a"), Type: sr.TypeAvro})
	a.SeedSchema("t-value", 2, 12, sr.Schema{Schema: numbered("b"), Type: sr.TypeAvro})
	a.SeedSchema("u", 1, 13, sr.Schema{Schema: numbered("c"), Type: sr.TypeAvro})
	a.SeedSchema("u", 2, 14, sr.Schema{Schema: `{"type":"object"}`, Type: sr.TypeJSON})
	a.SeedSchema("v", 1, 15, sr.Schema{Schema: numbered("d"), Type: sr.TypeAvro})
	c := client(t, Options{URL: a.url})
	names, err := c.Names(ctx, "t-value")
	if err != nil || names.ID != 12 || names.Fingerprint != crc(t, numbered("b")) || names.GUID == (framing.GUID{}) {
		t.Fatalf("%+v, %v", names, err)
	}
	of := framing.NewReader(framing.Settings{Subjects: []string{"t-value", "u"}, Bare: framing.Schema{Subject: "u"}})
	newest := framing.NewReader(framing.Settings{Bare: framing.Schema{Subject: "t-value"}})
	for name, x := range map[string]struct {
		of   *framing.Reader
		ref  framing.Ref
		id   int
		want string
	}{
		"id":                      {of, framing.ID(11), 11, `"a"`},
		"guid":                    {of, framing.ByGUID(names.GUID), 12, `"b"`},
		"newest":                  {newest, newest.Bare(), 12, `"b"`},
		"fingerprint":             {of, framing.Fingerprint(crc(t, numbered("a"))), 11, `"a"`},
		"of the second subject":   {of, framing.Fingerprint(crc(t, numbered("c"))), 13, `"c"`},
		"of a newer version":      {of, framing.Fingerprint(names.Fingerprint), 12, `"b"`},
		"unknown id":              {of, framing.ID(99), 0, ""},
		"unknown guid":            {of, framing.ByGUID(framing.GUID{1}), 0, ""},
		"unknown fingerprint":     {of, framing.Fingerprint(1), 0, ""},
		"of no subject of it":     {of, framing.Fingerprint(crc(t, numbered("d"))), 0, ""},
		"subject with none":       {framing.NewReader(framing.Settings{Bare: framing.Schema{Subject: "w"}}), newestOf("w"), 0, ""},
		"newest that is not Avro": {of, of.Bare(), -1, ""},
	} {
		s, err := c.Find(ctx, x.of, x.ref, time.Time{})
		switch {
		case x.id > 0 && (err != nil || s.ID != x.id || !strings.Contains(s.Text, x.want)):
			t.Errorf("%s: %+v, %v", name, s, err)
		case x.id == 0 && (!errors.Is(err, ErrNotFound) || Retriable(err)):
			t.Errorf("%s: %v", name, err)
		case x.id < 0 && !errors.Is(err, ErrUnusable):
			t.Errorf("%s: %v", name, err)
		}
	}
}

func newestOf(subject string) framing.Ref {
	return framing.NewReader(framing.Settings{Bare: framing.Schema{Subject: subject}}).Bare()
}

// Of whatever records name, the registry is asked once, and not for each of them.
func TestFindAsksOnce(t *testing.T) {
	ctx := t.Context()
	a := newAsked(t)
	a.SeedSchema("t-value", 1, 11, sr.Schema{Schema: numbered("a"), Type: sr.TypeAvro})
	clock := time.Unix(1000, 0)
	c := client(t, Options{URL: a.url, Now: func() time.Time { return clock }})
	of := framing.NewReader(framing.Settings{Subjects: []string{"t-value"}, SingleObject: true})
	ask := func(ref framing.Ref, since time.Time) error {
		_, err := c.Find(ctx, of, ref, since)
		return err
	}
	for range 5 {
		for i := range byte(3) {
			if err := ask(framing.ByGUID(framing.GUID{i}), clock); !errors.Is(err, ErrNotFound) {
				t.Error(err)
			}
		}
	}
	if n := a.times("/schemas/guids/"); n != 3 {
		t.Errorf("%d questions for 3 GUIDs", n)
	}
	clock = clock.Add(time.Minute)
	_ = ask(framing.ByGUID(framing.GUID{1}), clock)
	if n := a.times("/schemas/guids/"); n != 1 {
		t.Errorf("%d questions, when what is known is old", n)
	}

	// Fingerprints are looked up in the versions that were listed after the records had come.
	for i := range uint64(100) {
		if err := ask(framing.Fingerprint(i), clock); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "none of the 1 schemas of subjects t-value has it") {
			t.Error(err)
		}
	}
	if n := a.times("/subjects/t-value/versions"); n != 2 { // the list, and the version
		t.Errorf("%d questions for 100 fingerprints", n)
	}
	clock = clock.Add(time.Millisecond)
	print := framing.Fingerprint(crc(t, numbered("b")))
	if err := ask(print, clock); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if n := a.times("/subjects/t-value/versions"); n != 1 { // the list; the version is known
		t.Errorf("%d questions for a record that came later", n)
	}
	a.SeedSchema("t-value", 2, 12, sr.Schema{Schema: numbered("b"), Type: sr.TypeAvro})
	clock = clock.Add(time.Millisecond)
	if err := ask(print, clock); err != nil {
		t.Error(err)
	}
	if n := a.times("/subjects/t-value/versions"); n != 2 { // the list, and the new version
		t.Errorf("%d questions for a schema that is new", n)
	}
	clock = clock.Add(time.Hour)
	for range 10 {
		if err := ask(print, clock); err != nil {
			t.Error(err)
		}
	}
	if n := a.times("/subjects/") + a.times("/schemas/guids/"); n != 0 {
		t.Errorf("%d questions for a schema that is known", n)
	}
}

// A version that was deleted softly is still that of records that were written with it.
func TestListHasDeletedVersions(t *testing.T) {
	ctx := t.Context()
	a := newAsked(t)
	a.SeedSchema("t-value", 1, 11, sr.Schema{Schema: numbered("a"), Type: sr.TypeAvro})
	a.SeedSchema("t-value", 2, 12, sr.Schema{Schema: numbered("b"), Type: sr.TypeAvro})
	cl, err := sr.NewClient(sr.URLs(a.url))
	if err != nil {
		t.Fatal(err)
	}
	if err := cl.DeleteSchema(ctx, "t-value", 1, sr.SoftDelete); err != nil {
		t.Fatal(err)
	}
	c := client(t, Options{URL: a.url})
	l, err := c.List(ctx, []string{"t-value", "none"}, time.Time{})
	if err != nil || !l.IDs[11] || !l.IDs[12] || l.Fingerprints[crc(t, numbered("a"))] != 11 {
		t.Errorf("%+v, %v", l, err)
	}
	for ref, want := range map[framing.Ref]bool{
		framing.ID(11): true, framing.ID(13): false, framing.Fingerprint(crc(t, numbered("b"))): true, framing.Fingerprint(11): false, framing.ByGUID(framing.GUID{}): false,
	} {
		if l.Has(ref) != want {
			t.Errorf("%s: %v", ref, !want)
		}
	}
}

// A registry that has no schemas by GUID says so in one way or another. It is held
// against the records, with what to do; trouble is not.
func TestRegistryWithoutGUIDs(t *testing.T) {
	for name, x := range map[string]struct {
		route http.HandlerFunc
		want  string
		retry bool
	}{
		"404 without the registry's code": {answer(404, `{"error_code":404,"message":"HTTP 404 Not Found"}`), "Confluent's registry has them since 8.0", false},
		"404 in HTML":                     {answer(404, "<html>not found</html>"), "Confluent's registry has them since 8.0", false},
		"405":                             {answer(405, ""), "Confluent's registry has them since 8.0", false},
		"it has, but not this one":        {answer(404, `{"error_code":40403,"message":"Schema not found"}`), "Schema not found", false},
		"another GUID":                    {answer(200, `{"schema":"\"int\"","guid":"00000000-0000-0000-0000-000000000001"}`), "another schema GUID", false},
		"without a GUID":                  {answer(200, `{"schema":"\"int\""}`), "", false},
		"503":                             {answer(503, ""), "503", true},
		"401":                             {answer(401, ""), "401", true},
	} {
		r := known()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if strings.HasPrefix(req.URL.Path, "/schemas/guids/") {
				x.route(w, req)
				return
			}
			r.Handler().ServeHTTP(w, req)
		}))
		_, err := client(t, Options{URL: server.URL}).SchemaByGUID(t.Context(), "89791762-2336-4186-9674-299b90a802e2", time.Time{})
		server.Close()
		if x.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), x.want) || Retriable(err) != x.retry {
			t.Errorf("%s: %v, retriable %v", name, err, Retriable(err))
		}
		if name == "it has, but not this one" && strings.Contains(err.Error(), "8.0") {
			t.Error(err)
		}
	}
}

// What may be bare is told by its data.
func TestSettle(t *testing.T) {
	ctx := t.Context()
	a := newAsked(t)
	const longs = `{"type":"record","name":"r","fields":[{"name":"a","type":"long"},{"name":"b","type":"long"},{"name":"c","type":"long"},{"name":"d","type":"long"},{"name":"e","type":"long"},{"name":"f","type":"long"}]}`
	a.SeedSchema("t-value", 1, 1, sr.Schema{Schema: longs, Type: sr.TypeAvro})
	a.SeedSchema("t-value", 2, 2, sr.Schema{Schema: `"long"`, Type: sr.TypeAvro})
	a.SeedSchema("other", 1, 3, sr.Schema{Schema: `"long"`, Type: sr.TypeAvro})
	c := client(t, Options{URL: a.url})
	of := framing.NewReader(framing.Settings{Subjects: []string{"t-value"}, Bare: framing.Schema{ID: 1}})
	for name, x := range map[string]struct {
		value []byte
		want  framing.Kind
	}{
		"a prefix":                                {append(framing.AppendPrefix(nil, 1), 2, 2, 2, 2, 2, 2), framing.Prefix},
		"bare, with an id of chance":              {[]byte{0, 0, 0, 0, 8, 2}, framing.Bare},
		"bare, with an id of another subject":     {[]byte{0, 0, 0, 0, 3, 2}, framing.Bare},
		"both; and the id is one of the topic":    {[]byte{0, 0, 0, 0, 2, 2}, framing.Prefix},
		"bare, though the id is one of the topic": {[]byte{0, 0, 0, 0, 1, 2}, framing.Bare},
		"none of them":                            {[]byte{0, 0, 0, 0, 9}, framing.Prefix},
	} {
		f, err := of.Read(nil, x.value)
		if err != nil || !f.Doubtful {
			t.Fatalf("%s: %v, %v", name, f, err)
		}
		if f, err = c.Settle(ctx, of, f, x.value, time.Time{}); err != nil || f.Kind != x.want {
			t.Errorf("%s: %s, %v, want %s", name, f.Kind, err, x.want)
		}
	}
}
