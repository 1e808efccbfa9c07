package registry

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// contexts is a registry with two contexts of which each counts its ids from 1:
// the default one, and .staging. It finds the context as Confluent's does: in
// the name of a subject, in the subject that a request for an id names, or in
// the path.
func contexts(t *testing.T) (url string, standard, staging *srfake.Registry) {
	t.Helper()
	standard, staging = srfake.NewRegistry(), srfake.NewRegistry()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := standard
		path, inPath := strings.CutPrefix(r.URL.Path, "/contexts/.staging")
		if inPath || strings.Contains(path, "/:.staging:") || strings.HasPrefix(r.URL.Query().Get("subject"), ":.staging:") {
			to = staging
		}
		r = r.Clone(r.Context())
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = strings.Replace(path, "/:.staging:", "/", 1), "", ""
		r.RequestURI = ""
		to.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, standard, staging
}

// TestContexts: the same id and the same subject are other schemas in another context.
func TestContexts(t *testing.T) {
	url, standard, staging := contexts(t)
	inner := `{"type":"record","name":"Inner","fields":[{"name":"v","type":"double"}]}`
	outer := `{"type":"record","name":"Outer","fields":[{"name":"i","type":"Inner"}]}`
	standard.SeedSchema("t-value", 1, 1, sr.Schema{Schema: point, Type: sr.TypeAvro})
	staging.SeedSchema("inner", 1, 2, sr.Schema{Schema: inner, Type: sr.TypeAvro})
	staging.SeedSchema(":.staging:inner", 1, 4, sr.Schema{Schema: inner, Type: sr.TypeAvro}) // to please it
	staging.SeedSchema("t-value", 1, 1, sr.Schema{Schema: outer, Type: sr.TypeAvro, References: []sr.SchemaReference{{Name: "Inner", Subject: "inner", Version: 1}}})
	staging.SeedSchema("u-value", 1, 3, sr.Schema{Schema: outer, Type: sr.TypeAvro, References: []sr.SchemaReference{{Name: "Inner", Subject: ":.staging:inner", Version: 1}}})
	for name, o := range map[string]Options{
		"default":          {URL: url},
		"default by name":  {URL: url, Context: "."},
		"by name":          {URL: url, Context: ".staging"},
		"by the path":      {URL: url + "/contexts/.staging"},
		"by the path, too": {URL: url + "/contexts/.staging/"},
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, o)
			want, there := "Outer", []int{1, 3}
			if strings.HasPrefix(name, "default") {
				want, there = "Point", []int{1}
				if _, err := c.Schema(t.Context(), 3); !errors.Is(err, ErrNotFound) {
					t.Errorf("schema of another context: %v", err)
				}
			}
			for _, id := range there {
				s, err := c.Schema(t.Context(), id)
				if err != nil || !strings.Contains(fmt.Sprint(s), want) {
					t.Errorf("schema %d is %v, %v; want %s", id, s, err, want)
				}
			}
			l, err := c.Latest(t.Context(), "t-value")
			if err != nil || !strings.Contains(l.Text, want) {
				t.Errorf("%+v, %v", l, err)
			}
			if ok, _, err := c.Check(t.Context(), "t-value", l.Text); err != nil || !ok {
				t.Error(ok, err)
			}
		})
	}
	if _, err := client(t, Options{URL: url, Context: ".staging"}).Register(t.Context(), "t-aggregated-value", point); err != nil {
		t.Error(err)
	}
	if !staging.SubjectExists("t-aggregated-value") || standard.SubjectExists("t-aggregated-value") {
		t.Error("registered in another context")
	}
}

// TestSubjectOfAnID: with an id goes the subject of its topic, for registries
// that look there only; but a schema may be registered under another name.
func TestSubjectOfAnID(t *testing.T) {
	r := fake(t) // wants a whole subject, and has one list of ids
	r.SeedSchema(":.staging:t-value", 1, 1, sr.Schema{Schema: point, Type: sr.TypeAvro})
	var asked []string
	r.Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
		asked = append(asked, req.URL.Query().Get("subject"))
		return false
	})
	c := client(t, Options{URL: r.URL(), Context: ".staging"})
	if _, err := c.Schema(WithSubject(t.Context(), "t-value"), 1); err != nil || fmt.Sprint(asked) != "[:.staging:t-value]" {
		t.Errorf("%v, asked %q", err, asked)
	}
	asked = nil
	if _, err := c.Schema(WithSubject(t.Context(), "u-value"), 2); !errors.Is(err, ErrNotFound) || fmt.Sprint(asked) != "[:.staging:u-value :.staging:]" {
		t.Errorf("%v, asked %q", err, asked)
	}
	asked = nil
	if _, err := client(t, Options{URL: r.URL()}).Schema(WithSubject(t.Context(), "t-value"), 1); err != nil || strings.Join(asked, "") != "" {
		t.Errorf("in the default context: %v, asked %q", err, asked)
	}
}
