package registry

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

const point = `{"type":"record","name":"Point","fields":[{"name":"x","type":"double"}]}`

func fake(t *testing.T, opts ...srfake.Option) *srfake.Registry {
	t.Helper()
	r := srfake.New(opts...)
	t.Cleanup(r.Close)
	return r
}

func client(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSubjects(t *testing.T) {
	ctx := t.Context()
	c := client(t, Options{URL: fake(t).URL()})
	if _, err := c.Latest(ctx, "s"); !errors.Is(err, ErrNotFound) || Retriable(err) {
		t.Errorf("latest of nothing: %v", err)
	}
	if all, err := c.Versions(ctx, "s"); err != nil || len(all) != 0 {
		t.Errorf("versions of nothing: %v, %v", all, err)
	}
	id, err := c.Register(ctx, "s", point)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Register(ctx, "s", point); err != nil || again != id {
		t.Errorf("registered again as %d, %v; first as %d", again, err, id)
	}
	second, err := c.Register(ctx, "s", strings.Replace(point, `"x"`, `"y"`, 1))
	if err != nil {
		t.Fatal(err)
	}
	if l, err := c.Latest(ctx, "s"); err != nil || l.ID != second || l.Version != 2 || !strings.Contains(l.Text, `"y"`) {
		t.Errorf("latest is %+v, %v", l, err)
	}
	all, err := c.Versions(ctx, "s")
	if err != nil || len(all) != 2 || all[0] != (Registered{ID: id, Version: 1, Text: point}) || all[1].ID != second {
		t.Errorf("versions are %+v, %v", all, err)
	}
	if ok, reasons, err := c.Check(ctx, "s", point); err != nil || !ok || len(reasons) > 0 {
		t.Errorf("check: %v, %v, %v", ok, reasons, err)
	}
	s, err := c.Schema(ctx, id)
	if err != nil || s.Text != point || len(s.References) > 0 {
		t.Errorf("schema %+v, %v", s, err)
	}
}

// A version that is not Avro hides no other one.
func TestVersionsOfOtherTypes(t *testing.T) {
	r := fake(t)
	c := client(t, Options{URL: r.URL()})
	first, err := c.Register(t.Context(), "s", point)
	if err != nil {
		t.Fatal(err)
	}
	const other = 70
	r.SeedSchema("s", 2, other, sr.Schema{Schema: `{"type":"object"}`, Type: sr.TypeJSON})
	all, err := c.Versions(t.Context(), "s")
	if err != nil || len(all) != 2 || all[0].ID != first || all[0].Type != "" || all[1].ID != other || all[1].Type != "JSON" {
		t.Errorf("versions are %+v, %v", all, err)
	}
	if _, err := c.Latest(t.Context(), "s"); !errors.Is(err, ErrUnusable) || Retriable(err) || !strings.Contains(err.Error(), "JSON, not AVRO") {
		t.Errorf("latest: %v", err)
	}
}

func TestReferences(t *testing.T) {
	r := fake(t)
	avroSchema := func(text string, refs ...sr.SchemaReference) sr.Schema {
		return sr.Schema{Schema: text, Type: sr.TypeAvro, References: refs}
	}
	ref := func(name, subject string) sr.SchemaReference {
		return sr.SchemaReference{Name: name, Subject: subject, Version: 1}
	}
	r.SeedSchema("d", 1, 1, avroSchema(`{"type":"record","name":"D","namespace":"n","fields":[{"name":"v","type":"double"}]}`))
	r.SeedSchema("b", 1, 2, avroSchema(`{"type":"record","name":"B","fields":[{"name":"d","type":"n.D"}]}`, ref("n.D", "d")))
	r.SeedSchema("c", 1, 3, avroSchema(`{"type":"record","name":"C","fields":[{"name":"d","type":["null","n.D"]}]}`, ref("n.D", "d")))
	r.SeedSchema("a", 1, 4, avroSchema(`{"type":"record","name":"A","fields":[{"name":"b","type":"B"},{"name":"c","type":"C"}]}`, ref("B", "b"), ref("C", "c")))
	c := client(t, Options{URL: r.URL()})
	s, err := c.Schema(t.Context(), 4)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.References) != 3 || !strings.Contains(s.References[0], `"D"`) || !strings.Contains(s.Text, `"A"`) {
		t.Errorf("references %q of %q", s.References, s.Text)
	}
	body := append(binary.LittleEndian.AppendUint64(nil, math.Float64bits(1.5)), 0)
	var v any
	if rest, err := s.Decode(body, &v); err != nil || len(rest) > 0 || fmt.Sprint(v) != "map[b:map[d:map[v:1.5]] c:map[d:<nil>]]" {
		t.Errorf("%v, %d bytes left over, %v", v, len(rest), err)
	}
}

// A schema that refers to itself ends; that it cannot be read shows where it is read.
func TestReferenceToItself(t *testing.T) {
	r := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"id":1,"schema":"\"T\"","references":[{"name":"T","subject":"s","version":1}]}`)
	}))
	defer r.Close()
	s, err := client(t, Options{URL: r.URL}).Schema(t.Context(), 1)
	if err != nil || len(s.References) != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := s.Parse(); !errors.Is(err, ErrUnusable) {
		t.Errorf("parsed: %v", err)
	}
}

func TestUnusableSchemas(t *testing.T) {
	r := fake(t)
	r.SeedSchema("p", 1, 1, sr.Schema{Schema: `syntax = "proto3";`, Type: sr.TypeProtobuf})
	r.SeedSchema("q", 1, 2, sr.Schema{Schema: `{"type":"recor"}`, Type: sr.TypeAvro})
	r.SeedSchema("r", 1, 3, sr.Schema{Schema: `"` + strings.Repeat("x", MaxText) + `"`, Type: sr.TypeAvro})
	r.SeedSchema("lax", 1, 5, sr.Schema{Schema: strings.Replace(point, `"x"`, `"x-1"`, 1), Type: sr.TypeAvro})
	c := client(t, Options{URL: r.URL()})
	for _, id := range []int{1, 3} {
		if _, err := c.Schema(t.Context(), id); !errors.Is(err, ErrUnusable) || Retriable(err) || len(err.Error()) > 2000 {
			t.Errorf("schema %d: %v", id, err)
		}
	}
	for id, want := range map[int]error{2: ErrUnusable, 5: nil} { // malformed; a name that is not legal Avro
		s, err := c.Schema(t.Context(), id)
		if err != nil {
			t.Fatalf("schema %d: %v", id, err)
		}
		for range 2 {
			if _, err := s.Parse(); !errors.Is(err, want) {
				t.Errorf("schema %d: %v, want %v", id, err, want)
			}
		}
	}
}

// counted is a registry that counts requests.
func counted(t *testing.T, r *srfake.Registry) *atomic.Int64 {
	t.Helper()
	var n atomic.Int64
	r.Intercept(func(http.ResponseWriter, *http.Request) bool { n.Add(1); return false })
	return &n
}

func TestCaches(t *testing.T) {
	r := fake(t)
	now := time.Unix(0, 0)
	c := client(t, Options{URL: r.URL(), NotFoundTTL: time.Minute, Now: func() time.Time { return now }})
	id, err := c.Register(t.Context(), "s", point)
	if err != nil {
		t.Fatal(err)
	}
	n := counted(t, r)
	var first *Schema
	for range 3 {
		s, err := c.Schema(t.Context(), id)
		if err != nil || first != nil && s != first {
			t.Fatalf("%v, %v", s, err)
		}
		first = s
	}
	if n.Load() != 1 {
		t.Errorf("%d requests for a schema that is cached", n.Load())
	}
	c.Forget(id)
	if s, err := c.Schema(t.Context(), id); err != nil || s == first || n.Load() != 2 {
		t.Errorf("%d requests for a schema that was to be forgotten, %v", n.Load(), err)
	}
	n.Store(0)
	unknown := func() {
		t.Helper()
		if _, err := c.Schema(t.Context(), 99); !errors.Is(err, ErrNotFound) || Retriable(err) {
			t.Fatalf("unknown id: %v", err)
		}
	}
	unknown()
	now = now.Add(59 * time.Second)
	unknown()
	if n.Load() != 1 {
		t.Errorf("%d requests within the time of a negative result", n.Load())
	}
	now = now.Add(time.Second)
	unknown()
	if n.Load() != 2 {
		t.Errorf("%d requests after it", n.Load())
	}
	r.SeedSchema("late", 1, 99, sr.Schema{Schema: point, Type: sr.TypeAvro})
	unknown()
	since := now.Add(time.Second) // who read the records till then has got it
	now = since
	if _, err := c.SchemaSince(t.Context(), 99, since); err != nil {
		t.Errorf("an id that was registered since it was asked for: %v", err)
	}
	if _, err := c.Schema(t.Context(), 99); err != nil {
		t.Errorf("an id that is there by now: %v", err)
	}
	n.Store(0)
	for range 2 {
		if _, err := c.SchemaSince(t.Context(), 98, since); !errors.Is(err, ErrNotFound) || n.Load() != 1 {
			t.Errorf("%d requests for an id that is not there: %v", n.Load(), err)
		}
	}
}

func TestConcurrentCallersShareARequest(t *testing.T) {
	r := fake(t)
	r.SeedSchema("s", 1, 7, sr.Schema{Schema: point, Type: sr.TypeAvro})
	asked, answer := make(chan struct{}), make(chan struct{})
	var n atomic.Int64
	r.Intercept(func(http.ResponseWriter, *http.Request) bool {
		if n.Add(1) == 1 {
			close(asked)
		}
		<-answer
		return false
	})
	c := client(t, Options{URL: r.URL()})
	impatient, leave := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := c.Schema(impatient, 7)
		gone <- err
	}()
	<-asked
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { _, errs[i] = c.Schema(t.Context(), 7) })
	}
	leave() // the one who asked first goes; the others must get the schema
	if err := <-gone; !errors.Is(err, context.Canceled) || Retriable(err) {
		t.Errorf("the one who left: %v", err)
	}
	close(answer)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if n.Load() != 1 {
		t.Errorf("%d requests", n.Load())
	}
}

func TestAuthentication(t *testing.T) {
	for name, test := range map[string]struct {
		want string
		opts Options
	}{
		"basic":    {"Basic " + base64.StdEncoding.EncodeToString([]byte("u:p:w")), Options{Username: "u", Password: "p:w"}},
		"token":    {"Bearer abc", Options{Token: "abc"}},
		"userinfo": {"Basic " + base64.StdEncoding.EncodeToString([]byte("me:s3cret")), Options{URL: "me:s3cret@"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := fake(t, srfake.WithAuth(test.want))
			o := test.opts
			o.URL = strings.Replace(r.URL(), "://", "://"+o.URL, 1)
			if _, err := client(t, o).Register(t.Context(), "s", point); err != nil {
				t.Error(err)
			}
			if _, err := client(t, Options{URL: r.URL()}).Register(t.Context(), "s", point); !Retriable(err) {
				t.Errorf("without: %v", err)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	srv := httptest.NewTLSServer(srfake.NewRegistry().Handler())
	defer srv.Close()
	srv.Config.ErrorLog = nil
	trusted := srv.Client().Transport.(*http.Transport).TLSClientConfig
	if _, err := client(t, Options{URL: srv.URL, TLS: trusted}).Register(t.Context(), "s", point); err != nil {
		t.Error(err)
	}
}

func TestBadOptions(t *testing.T) {
	for _, o := range []Options{
		{}, {URL: "localhost:8081"}, {URL: "ftp://h"}, {URL: "http://"}, {URL: "http://u:canary@h:bad"}, {URL: "http://h/?token=canary"},
		{URL: "http://h", Username: "u", Token: "t"},
	} {
		if _, err := New(o); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, status := range []int{http.StatusConflict, http.StatusUnprocessableEntity} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"error_code":%d,"message":"reader field\n x has no default"}`, status)
		}))
		c := client(t, Options{URL: srv.URL})
		_, err := c.Register(t.Context(), "s", point)
		if !errors.Is(err, ErrIncompatible) || Retriable(err) || !strings.Contains(err.Error(), "reader field x has no default") {
			t.Errorf("%d: %v", status, err)
		}
		ok, reasons, err := c.Check(t.Context(), "s", point)
		if err != nil || ok || len(reasons) != 1 {
			t.Errorf("%d: check: %v, %v, %v", status, ok, reasons, err)
		}
		srv.Close()
	}
	c := client(t, Options{URL: "http://127.0.0.1:1"})
	if _, err := c.Register(t.Context(), "s", strings.Repeat(" ", MaxText+1)); !errors.Is(err, ErrIncompatible) {
		t.Errorf("a schema that is too large: %v", err)
	}
}

func TestCheckReasons(t *testing.T) {
	var paths []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.String())
		if strings.HasSuffix(r.URL.Path, "/versions") { // an old registry
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error_code":404,"message":"HTTP 404 Not Found"}`)
			return
		}
		fmt.Fprint(w, `{"is_compatible":false,"messages":["one","two"]}`)
	}))
	defer srv.Close()
	ok, reasons, err := client(t, Options{URL: srv.URL}).Check(t.Context(), "a b", point)
	if err != nil || ok || fmt.Sprint(reasons) != "[one two]" {
		t.Errorf("%v, %v, %v", ok, reasons, err)
	}
	if want := "[/compatibility/subjects/a%20b/versions?verbose=true /compatibility/subjects/a%20b/versions/latest?verbose=true]"; fmt.Sprint(paths) != want {
		t.Errorf("asked %v", paths)
	}
}
