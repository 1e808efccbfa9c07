package registry

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// known is a registry with schema 1 under subject s.
func known() *srfake.Registry {
	r := srfake.NewRegistry()
	r.SeedSchema("s", 1, 1, sr.Schema{Schema: point, Type: sr.TypeAvro})
	return r
}

// serve answers requests for the paths that begin with one of those given by
// other, and all others as a registry does.
func serve(t *testing.T, other http.HandlerFunc, paths ...string) *httptest.Server {
	t.Helper()
	r := known().Handler()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		for _, p := range paths {
			if strings.HasPrefix(req.URL.Path, p) {
				other(w, req)
				return
			}
		}
		if req.URL.Path == "/schemas/types" { // which the fake one does not have
			fmt.Fprint(w, `["JSON","PROTOBUF","AVRO"]`)
			return
		}
		r.ServeHTTP(w, req)
	}))
	t.Cleanup(srv.Close)
	return srv
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// TestRepliesAboutOneThing: however a registry says that it does not have
// something, that is held against this thing alone if it answers otherwise. If
// it answers to nothing so, it is the address that is wrong.
func TestRepliesAboutOneThing(t *testing.T) {
	const html = "<html><body>404 page not found</body></html>"
	for name, c := range map[string]struct {
		reply http.HandlerFunc
		get   error // held against a schema or subject; nil: trouble
		post  error // against one that is registered
	}{
		"404 with a code":            {answer(404, `{"error_code":40403,"message":"Schema not found"}`), ErrNotFound, ErrNotFound},
		"404 with code 404":          {answer(404, `{"error_code":404,"message":"No content with id"}`), ErrNotFound, ErrIncompatible},
		"404 without a code":         {answer(404, `{"message":"no Route matched"}`), ErrNotFound, ErrIncompatible},
		"404 of Spring":              {answer(404, `{"timestamp":"2026-01-01","status":404,"error":"Not Found","path":"/x"}`), ErrNotFound, ErrIncompatible},
		"404 in HTML":                {answer(404, html), ErrNotFound, ErrIncompatible},
		"404 without a word":         {answer(404, ""), ErrNotFound, ErrIncompatible},
		"400":                        {answer(400, `{"error_code":400,"message":"bad id"}`), ErrNotFound, ErrIncompatible},
		"405":                        {answer(405, ""), ErrNotFound, ErrIncompatible},
		"406":                        {answer(406, ""), ErrNotFound, ErrIncompatible},
		"410":                        {answer(410, "gone"), ErrNotFound, ErrIncompatible},
		"414":                        {answer(414, ""), ErrNotFound, ErrIncompatible},
		"418":                        {answer(418, ""), ErrNotFound, ErrIncompatible},
		"451":                        {answer(451, ""), ErrNotFound, ErrIncompatible},
		"422":                        {answer(422, `{"error_code":42202,"message":"invalid version"}`), ErrNotFound, ErrIncompatible},
		"501":                        {answer(501, ""), ErrNotFound, ErrIncompatible},
		"505":                        {answer(505, ""), ErrNotFound, ErrIncompatible},
		"300":                        {answer(300, ""), ErrNotFound, ErrIncompatible},
		"304":                        {answer(304, ""), ErrNotFound, ErrIncompatible},
		"200 in HTML":                {answer(200, html), ErrUnusable, ErrUnusable},
		"200 without a word":         {answer(200, ""), ErrUnusable, ErrUnusable},
		"200 with other JSON":        {answer(200, `{"status":"ok"}`), ErrUnusable, ErrUnusable},
		"200 with a list":            {answer(200, `[{"schema":"x"}]`), ErrUnusable, ErrUnusable},
		"204":                        {answer(204, ""), ErrUnusable, ErrUnusable},
		"another schema":             {answer(200, `{"id":77,"version":77,"schema":"\"double\""}`), ErrUnusable, nil},
		"too long":                   {answer(200, strings.Repeat(" ", MaxReply+1)), ErrUnusable, ErrUnusable},
		"a kind of schema not known": {answer(200, `{"schema":"x","schemaType":"XSD"}`), ErrUnusable, ErrUnusable},
		"401":                        {answer(401, ""), nil, nil},
		"403":                        {answer(403, ""), nil, nil},
		"407":                        {answer(407, ""), nil, nil},
		"408":                        {answer(408, ""), nil, nil},
		"425":                        {answer(425, ""), nil, nil},
		"429":                        {answer(429, ""), nil, nil},
		"500":                        {answer(500, ""), nil, nil},
		"502":                        {answer(502, html), nil, nil},
		"503":                        {answer(503, ""), nil, nil},
		"504":                        {answer(504, ""), nil, nil},
		"599":                        {answer(599, ""), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			check := func(what string, err, want error) {
				t.Helper()
				switch {
				case err == nil && want == nil && name == "another schema":
				case err == nil:
					t.Errorf("%s: no error", what)
				case want == nil && !Retriable(err), want != nil && (Retriable(err) || !errors.Is(err, want)):
					t.Errorf("%s: retriable %v: %v", what, Retriable(err), err)
				}
			}
			srv := serve(t, c.reply, "/schemas/ids/9", "/subjects/bad")
			client := client(t, Options{URL: srv.URL})
			_, err := client.Schema(t.Context(), 9)
			check("schema", err, c.get)
			_, err = client.version(t.Context(), "bad", 3)
			check("version", err, c.get)
			_, err = client.Register(t.Context(), "bad", point)
			check("register", err, c.post)
			if _, err := client.Schema(t.Context(), 1); err != nil {
				t.Errorf("another schema: %v", err)
			}

			client = newClient(t, serve(t, c.reply, "/").URL)
			_, err = client.Schema(t.Context(), 9)
			if !strings.HasPrefix(name, "404 with a code") && name != "422" && name != "a kind of schema not known" && name != "another schema" {
				check("with a wrong address", err, nil)
				if client.endpoints[0].good.Load() != nil {
					t.Error("a reply of a wrong address passes for one of a registry")
				}
			}
		})
	}
}

func newClient(t *testing.T, url string) *Client { return client(t, Options{URL: url}) }

// TestWhatProvesARegistry: a gateway may let through only what is needed.
func TestWhatProvesARegistry(t *testing.T) {
	gone := answer(404, "nothing here")
	for name, c := range map[string]struct {
		hidden []string
		before bool // a schema has been read before
		want   error
	}{
		"types":                    {[]string{"/config", "/subjects", "/schemas/ids/9"}, false, ErrNotFound},
		"config":                   {[]string{"/schemas/types", "/subjects", "/schemas/ids/9"}, false, ErrNotFound},
		"subjects":                 {[]string{"/schemas/types", "/config", "/schemas/ids/9"}, false, ErrNotFound},
		"a schema read before":     {[]string{"/schemas/types", "/config", "/subjects", "/schemas/ids/9"}, true, ErrNotFound},
		"nothing":                  {[]string{"/schemas/types", "/config", "/subjects", "/schemas/ids/9"}, false, nil},
		"nothing, though it did":   {[]string{"/"}, true, nil},
		"a word in its own tongue": {nil, false, ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			var hide atomic.Bool
			other := func(w http.ResponseWriter, r *http.Request) {
				switch {
				case name == "a word in its own tongue" && r.URL.Path != "/schemas/ids/9":
					w.WriteHeader(403)
					fmt.Fprint(w, `{"error_code":40301,"message":"User is denied operation Read on Subject"}`)
				case !hide.Load() && r.URL.Path == "/schemas/ids/1":
					known().Handler().ServeHTTP(w, r)
				default:
					gone(w, r)
				}
			}
			if c.hidden == nil {
				c.hidden = []string{"/"}
			}
			cl := newClient(t, serve(t, other, c.hidden...).URL)
			if c.before {
				if _, err := cl.Schema(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
			}
			hide.Store(true)
			_, err := cl.Schema(t.Context(), 9)
			if c.want == nil && (!Retriable(err) || !strings.Contains(err.Error(), "answers as a schema registry does")) ||
				c.want != nil && (Retriable(err) || !errors.Is(err, c.want)) {
				t.Errorf("retriable %v: %v", Retriable(err), err)
			}
		})
	}
}

// TestProxyBeforeARegistryThatIsAway: its 404 is trouble while it lasts, though
// the registry has answered before.
func TestProxyBeforeARegistryThatIsAway(t *testing.T) {
	r := known()
	r.SeedSchema("s", 2, 2, sr.Schema{Schema: strings.Replace(point, "x", "y", 1), Type: sr.TypeAvro})
	var away atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if away.Load() {
			answer(404, "default backend - 404")(w, req)
			return
		}
		r.Handler().ServeHTTP(w, req)
	}))
	defer srv.Close()
	c := newClient(t, srv.URL)
	if _, err := c.Schema(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	away.Store(true)
	if _, err := c.Schema(t.Context(), 2); !Retriable(err) {
		t.Errorf("while it is away: %v", err)
	}
	if _, err := c.Register(t.Context(), "s", point); !Retriable(err) {
		t.Errorf("while it is away: %v", err)
	}
	away.Store(false)
	if _, err := c.Schema(t.Context(), 2); err != nil {
		t.Errorf("when it is back: %v", err)
	}
}

// TestWrongAnswerOnce: what a registry would not say is not believed at once.
func TestWrongAnswerOnce(t *testing.T) {
	for name, wrong := range map[string]http.HandlerFunc{
		"404": answer(404, ""), "400": answer(400, ""), "HTML": answer(200, "<html>"), "half": answer(200, `{"schema":"\"dou`), "another": answer(200, `{"id":5,"schema":"\"int\""}`),
	} {
		var n atomic.Int64
		r := known().Handler()
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if n.Add(1) == 1 {
				wrong(w, req)
				return
			}
			r.ServeHTTP(w, req)
		}))
		s, err := newClient(t, srv.URL).Schema(t.Context(), 1)
		if err != nil || s == nil || n.Load() != 2 {
			t.Errorf("%s: %v after %d requests", name, err, n.Load())
		}
		srv.Close()
	}
}

// TestOneSchemaInTrouble: 5xx for one id for ever does not touch others.
func TestOneSchemaInTrouble(t *testing.T) {
	c := newClient(t, serve(t, answer(500, `{"error_code":50001,"message":"corrupt"}`), "/schemas/ids/9").URL)
	for range 3 {
		if _, err := c.Schema(t.Context(), 9); !Retriable(err) {
			t.Error(err)
		}
		if _, err := c.Schema(t.Context(), 1); err != nil {
			t.Error(err)
		}
	}
}

// TestMoreInAReply: members that this program does not need do no harm, whatever they are.
func TestMoreInAReply(t *testing.T) {
	srv := httptest.NewServer(answer(200, `{"subject":5,"id":1,"version":1,"guid":{"a":1},"schemaType":null,"references":null,"metadata":[1,2],"ruleSet":"none","schema":`+fmt.Sprintf("%q", point)+`,"deleted":"no","ts":1e99}`))
	defer srv.Close()
	c := newClient(t, srv.URL)
	if _, err := c.Schema(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if l, err := c.Latest(t.Context(), "s"); err != nil || l.ID != 1 || l.Text != point {
		t.Error(l, err)
	}
	if id, err := c.Register(t.Context(), "s", point); err != nil || id != 1 {
		t.Error(id, err)
	}
}

// TestReadOnly: a registry that registers nothing says why, and is asked no more than once.
func TestReadOnly(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			answer(422, `{"error_code":42205,"message":"Subject s is in read-only mode"}`)(w, r)
			return
		}
		known().Handler().ServeHTTP(w, r)
	}))
	defer srv.Close()
	_, err := newClient(t, srv.URL).Register(t.Context(), "s", point)
	if !errors.Is(err, ErrIncompatible) || Retriable(err) || !strings.Contains(err.Error(), "is in read-only mode") {
		t.Error(err)
	}
}

// TestSoftDeleted: a subject that was deleted has no versions, and is registered again.
func TestSoftDeleted(t *testing.T) {
	for _, code := range []int{40401, 40404, 40405, 40406, 404} {
		c := newClient(t, serve(t, answer(404, fmt.Sprintf(`{"error_code":%d,"message":"was soft deleted"}`, code)), "/subjects/s/versions/", "/subjects/gone/").URL)
		if all, err := c.Versions(t.Context(), "gone"); err != nil || len(all) > 0 {
			t.Errorf("%d: %v %v", code, all, err)
		}
		if _, err := c.Latest(t.Context(), "gone"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%d: %v", code, err)
		}
		if id, err := c.Register(t.Context(), "s", point); err != nil || id != 1 {
			t.Errorf("%d: %d %v", code, id, err)
		}
	}
}
