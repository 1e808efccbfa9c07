package registry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

// node is one of several addresses of a registry.
type node struct {
	*httptest.Server
	asked  atomic.Int64
	broken atomic.Pointer[http.HandlerFunc] // answers in place of the registry
	auth   atomic.Pointer[string]           // last seen
}

func (n *node) fail(h http.HandlerFunc) {
	if h == nil {
		n.broken.Store(nil)
		return
	}
	n.broken.Store(&h)
}

// nodes are several addresses of one registry.
func nodes(t *testing.T, n int) ([]*node, string) {
	t.Helper()
	r := known()
	r.SeedSchema("s", 2, 2, sr.Schema{Schema: strings.Replace(point, "x", "y", 1), Type: sr.TypeAvro})
	r.SeedSchema("s", 3, 3, sr.Schema{Schema: strings.Replace(point, "x", "z", 1), Type: sr.TypeAvro})
	all := make([]*node, n)
	urls := make([]string, n)
	for i := range all {
		one := &node{}
		one.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			one.asked.Add(1)
			header := req.Header.Get("Authorization")
			one.auth.Store(&header)
			if h := one.broken.Load(); h != nil {
				(*h)(w, req)
				return
			}
			r.Handler().ServeHTTP(w, req)
		}))
		t.Cleanup(one.Close)
		all[i], urls[i] = one, one.URL
	}
	return all, strings.Join(urls, ", ")
}

// TestFailover: while one address is in trouble the next is asked, and stays
// the one that is asked until it is in trouble itself.
func TestFailover(t *testing.T) {
	for name, broken := range map[string]http.HandlerFunc{
		"cut off":       func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"500":           answer(500, ""),
		"503":           answer(503, "starting"),
		"401":           answer(401, ""),
		"429":           answer(429, ""),
		"wrong address": answer(404, "<html>"),
		"login":         answer(200, "<html>"),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1"+r.URL.Path, http.StatusTemporaryRedirect)
		},
	} {
		t.Run(name, func(t *testing.T) {
			all, urls := nodes(t, 3)
			c := client(t, Options{URL: urls})
			all[0].fail(broken)
			if _, err := c.Schema(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			before := all[0].asked.Load()
			if _, err := c.Schema(t.Context(), 2); err != nil || all[0].asked.Load() != before || all[1].asked.Load() != 2 || all[2].asked.Load() != 0 {
				t.Errorf("%v; asked %d more, %d, %d times", err, all[0].asked.Load()-before, all[1].asked.Load(), all[2].asked.Load())
			}
			all[1].fail(broken)
			if id, err := c.Register(t.Context(), "s", point); err != nil || id != 1 || all[2].asked.Load() == 0 {
				t.Errorf("registered as %d, %v", id, err)
			}
			all[2].fail(broken)
			_, err := c.Schema(t.Context(), 3)
			if !Retriable(err) {
				t.Errorf("all in trouble: %v", err)
			}
			for _, n := range all {
				if err == nil || !strings.Contains(err.Error(), n.URL) {
					t.Errorf("%s is not named in %v", n.URL, err)
				}
			}
			all[0].fail(nil)
			if _, err := c.Schema(t.Context(), 3); err != nil {
				t.Errorf("one is back: %v", err)
			}
		})
	}
}

// TestSilentNode: an address that takes connections and never answers costs the
// time of one request, once.
func TestSilentNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := known()
		r.SeedSchema("s", 2, 2, sr.Schema{Schema: strings.Replace(point, "x", "y", 1), Type: sr.TypeAvro})
		c := client(t, Options{URL: "http://a,http://b", Timeout: 5 * time.Second, Transport: transport(func(req *http.Request) (*http.Response, error) {
			if req.URL.Host == "a" {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			w := httptest.NewRecorder()
			r.Handler().ServeHTTP(w, req)
			return w.Result(), nil
		})})
		began := time.Now()
		for id := 1; id <= 2; id++ {
			if _, err := c.Schema(t.Context(), id); err != nil {
				t.Error(err)
			}
		}
		for id := 90; id < 100; id++ {
			if _, err := c.Schema(t.Context(), id); !errors.Is(err, ErrNotFound) {
				t.Error(err)
			}
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

type transport func(*http.Request) (*http.Response, error)

// RoundTrip is http.RoundTripper.
func (f transport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// TestNodeThatIsBehind: that something is not there is asked of all; a refusal
// is not.
func TestNodeThatIsBehind(t *testing.T) {
	all, urls := nodes(t, 3)
	c := client(t, Options{URL: urls})
	all[0].fail(answer(404, `{"error_code":40403,"message":"Schema not found"}`))
	if _, err := c.Schema(t.Context(), 1); err != nil {
		t.Errorf("the first one has not heard of it: %v", err)
	}
	all[2].fail(answer(503, ""))
	if _, err := c.Schema(t.Context(), 9); !errors.Is(err, ErrNotFound) || Retriable(err) {
		t.Errorf("two have not got it, one is away: %v", err)
	}
	before := all[2].asked.Load()
	if _, err := c.Schema(t.Context(), 8); !errors.Is(err, ErrNotFound) || all[2].asked.Load() != before {
		t.Errorf("the one that is away is asked again for each: %v", err)
	}
	all[0].fail(answer(409, `{"error_code":409,"message":"incompatible"}`))
	before = all[1].asked.Load()
	if _, err := c.Register(t.Context(), "s", point); !errors.Is(err, ErrIncompatible) || all[1].asked.Load() != before {
		t.Errorf("refused by the first: %v", err)
	}
}

// TestNobodyOfSeveral: a list of addresses where nobody listens ends.
func TestNobodyOfSeveral(t *testing.T) {
	var urls []string
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		urls = append(urls, "http://"+l.Addr().String())
	}
	c := client(t, Options{URL: strings.Join(urls, ","), Token: token})
	if _, err := c.Schema(t.Context(), 1); !Retriable(err) || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Latest(ctx, "s"); err == nil || Retriable(err) {
		t.Error(err)
	}
}

// TestCredentialsOfSeveral: user and token are for all addresses of a list; a
// user in one of them is for one host, so there may be none.
func TestCredentialsOfSeveral(t *testing.T) {
	all, urls := nodes(t, 2)
	c := client(t, Options{URL: urls, Token: token})
	all[0].fail(answer(500, ""))
	if _, err := c.Schema(t.Context(), 1); err != nil || *all[1].auth.Load() != "Bearer "+token {
		t.Errorf("%v, %q", err, *all[1].auth.Load())
	}
	for _, bad := range []string{"http://u:" + password + "@h:1,http://g:2", "http://h:1,,http://g:2", "http://h:1,ftp://g", ","} {
		if _, err := New(Options{URL: bad}); err == nil || strings.Contains(err.Error(), password) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestRedirectBetweenNodes: one address does not send us to another, not even
// to one of the list.
func TestRedirectBetweenNodes(t *testing.T) {
	all, urls := nodes(t, 2)
	all[0].fail(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, all[1].URL+r.URL.Path, http.StatusTemporaryRedirect)
	})
	all[1].fail(answer(500, ""))
	_, err := client(t, Options{URL: urls}).Schema(t.Context(), 1)
	if !Retriable(err) || !strings.Contains(fmt.Sprint(err), "redirect to another host") || all[1].asked.Load() != 1 {
		t.Errorf("%v, asked %d times", err, all[1].asked.Load())
	}
}
