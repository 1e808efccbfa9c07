package registry

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	password = "canary-password"
	token    = "canary-token"
)

// TestMisbehaviour: whatever the other side does, a call ends in bounded time
// and memory with an error that is right about trying again, and tells no secret.
func TestMisbehaviour(t *testing.T) {
	reply := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	tests := []struct {
		name      string
		handler   http.HandlerFunc
		retriable bool
		is        error
		want      string
	}{
		{"500", reply(500, `{"error_code":50001,"message":"store"}`), true, nil, "replied 500 (50001): store"},
		{"503 empty", reply(503, ""), true, nil, "replied 503"},
		{"429", reply(429, "slow down"), true, nil, "slow down"},
		{"401", reply(401, "who?"), true, nil, "replied 401"},
		{"422", reply(422, `{"error_code":42202,"message":"no such version"}`), false, ErrNotFound, "no such version"},
		{"400", reply(400, "what?"), true, nil, "replied 400"},
		{"404", reply(404, `{"error_code":40403,"message":"Schema not found"}`), false, ErrNotFound, "Schema not found"},
		{"404 of a proxy", reply(404, "<html><body>\n\nno such page</body></html>"), true, nil, "no such page"},
		{"HTML", reply(200, "<html>login</html>"), true, nil, "decode"},
		{"long HTML", reply(502, "<html>"+strings.Repeat("x", 1<<20)), true, nil, "replied 502"},
		{"wrong JSON", reply(200, `[1,2]`), true, nil, "decode"},
		{"other JSON", reply(200, `{"id":1}`), true, nil, "without a schema"},
		{"cut JSON", reply(200, `{"schema":"\"dou`), true, nil, "decode"},
		{"not Avro", reply(200, `{"schema":"{}","schemaType":"JSON"}`), false, ErrUnusable, "not AVRO"},
		{"echo", func(w http.ResponseWriter, r *http.Request) {
			_, pass, _ := r.BasicAuth()
			w.WriteHeader(500)
			fmt.Fprintf(w, "you sent %s, which is %s", r.Header.Get("Authorization"), pass)
		}, true, nil, "***"},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			chunk := []byte(strings.Repeat(" ", 1<<20))
			for {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, true, nil, "more than 33554432 bytes"},
		{"gzip bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			chunk := make([]byte, 1<<20)
			for range 40 {
				if _, err := z.Write(chunk); err != nil {
					return
				}
			}
			z.Close()
		}, true, nil, "more than 33554432 bytes"},
		{"hang up", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, true, nil, "EOF"},
		{"redirect loop", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
		}, true, nil, "more than 3 redirects"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			srv := httptest.NewServer(test.handler)
			defer srv.Close()
			for _, o := range []Options{
				{URL: srv.URL, Username: "u", Password: password},
				{URL: srv.URL, Token: token},
				{URL: strings.Replace(srv.URL, "://", "://u:"+password+"@", 1)},
			} {
				_, err := client(t, o).Schema(t.Context(), 1)
				if err == nil || Retriable(err) != test.retriable || test.is != nil && !errors.Is(err, test.is) {
					t.Fatalf("retriable %v: %v", Retriable(err), err)
				}
				text := err.Error()
				if strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("u:"+password))) {
					t.Errorf("error is %q", text)
				}
				if len(text) > 2*maxMessage || strings.Contains(text, "canary") || strings.Contains(text, "\n") {
					t.Errorf("error is %q", text)
				} else if !strings.Contains(text, test.want) {
					t.Errorf("error is %q, want %q", text, test.want)
				}
			}
		})
	}
}

// TestSlow: a registry that trickles or is silent is given up after Timeout.
func TestSlow(t *testing.T) {
	for name, trickle := range map[string]bool{"silent": false, "slow loris": true} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client left
				for trickle {
					if _, err := w.Write([]byte(" ")); err != nil {
						return
					}
					w.(http.Flusher).Flush()
					select {
					case <-r.Context().Done():
						return
					case <-time.After(time.Millisecond):
					}
				}
				<-r.Context().Done()
			}))
			defer srv.Close()
			c := client(t, Options{URL: srv.URL, Timeout: 50 * time.Millisecond})
			if _, err := c.Schema(t.Context(), 1); !Retriable(err) {
				t.Errorf("schema: %v", err)
			}
			if _, err := c.Register(t.Context(), "s", point); !Retriable(err) {
				t.Errorf("register: %v", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := c.Latest(ctx, "s"); err == nil || Retriable(err) {
				t.Errorf("cancelled: %v", err)
			}
		})
	}
}

// TestRedirectToOtherHost: it is not followed, and the other host sees nothing.
func TestRedirectToOtherHost(t *testing.T) {
	var seen atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	defer other.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	c := client(t, Options{URL: srv.URL, Username: "u", Password: password})
	_, err := c.Schema(t.Context(), 1)
	if err == nil || !strings.Contains(err.Error(), "redirect to another host") || strings.Contains(err.Error(), "canary") {
		t.Errorf("schema: %v", err)
	}
	if _, err := c.Register(t.Context(), "s", point); err == nil {
		t.Error("register followed a redirect")
	}
	if seen.Load() != 0 {
		t.Errorf("the other host saw %d requests", seen.Load())
	}
}

func TestRedirectToSameHost(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/new") {
			http.Redirect(w, r, "/new"+r.URL.Path, http.StatusTemporaryRedirect)
			return
		}
		fmt.Fprintf(w, `{"schema":%q}`, point)
	}))
	defer srv.Close()
	if _, err := client(t, Options{URL: srv.URL}).Schema(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

// TestNobodyThere: a refused connection and a reference to a registry in trouble.
func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c := client(t, Options{URL: "http://" + l.Addr().String(), Token: token})
	if _, err := c.Schema(t.Context(), 1); !Retriable(err) || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/subjects") {
			w.WriteHeader(500)
			return
		}
		fmt.Fprint(w, `{"schema":"\"X\"","references":[{"name":"X","subject":"x","version":1}]}`)
	}))
	defer srv.Close()
	if _, err := client(t, Options{URL: srv.URL}).Schema(t.Context(), 1); !Retriable(err) || !strings.Contains(err.Error(), "reference X") {
		t.Errorf("%v", err)
	}
}

// TestEndlessReferences: a registry that makes up ever new references is refused.
func TestEndlessReferences(t *testing.T) {
	var n atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i := n.Add(1)
		fmt.Fprintf(w, `{"id":%d,"schema":"\"X%d\"","references":[{"name":"X","subject":"x%d","version":1}]}`, i, i, i)
	}))
	defer srv.Close()
	_, err := client(t, Options{URL: srv.URL, Timeout: time.Minute}).Schema(t.Context(), 1)
	if !errors.Is(err, ErrUnusable) || n.Load() > maxRefs+2 {
		t.Errorf("after %d requests: %.200v", n.Load(), err)
	}
}
