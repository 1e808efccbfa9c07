//go:build e2e

package faults

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The registry misbehaves when it is asked for one schema, in every way, and
// then behaves. The topic with that schema waits and says why, or dead-letters
// what nobody knows; the other topic goes on; nothing is lost.
func TestF40Registry(t *testing.T) {
	var elsewhere atomic.Int64 // requests that another host got
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	answer := func(code int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, text)
		}
	}
	endless := func(w io.Writer, r *http.Request) {
		junk := []byte(strings.Repeat("[", 1<<16))
		for r.Context().Err() == nil {
			if _, err := w.Write(junk); err != nil {
				return
			}
		}
	}
	for name, misbehave := range map[string]http.HandlerFunc{
		"500":       answer(500, `{"error_code":500,"message":"oops"}`),
		"503 empty": answer(503, ""),
		"429":       answer(429, ""),
		"401":       answer(401, `{"error_code":40101,"message":"who are you"}`),
		"no answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"a byte at a time": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte("{"))
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(50 * time.Millisecond):
				case <-r.Context().Done():
				}
			}
		},
		"endless": func(w http.ResponseWriter, r *http.Request) { endless(w, r) },
		"gzip bomb": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			endless(z, r)
		},
		"HTML":          answer(200, "<html><body>Please log in</body></html>"),
		"no schema":     answer(200, `{"schema":""}`),
		"broken schema": answer(200, `{"schema":"{\"type\":\"recor"}`),
		"other host": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
		},
		"connection cut": func(w http.ResponseWriter, _ *http.Request) {
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				c.Close()
			}
		},
		"404": answer(404, `{"error_code":40403,"message":"Schema not found"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := onFake(t)
			var well atomic.Bool
			path := ""
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if path != "" && strings.HasPrefix(r.URL.Path, path) && !well.Load() {
					misbehave(w, r)
					return
				}
				p.registry.ServeHTTP(w, r)
			}))
			defer front.Close()
			defer front.CloseClientConnections()
			p.cfg.SchemaRegistry.URL = front.URL
			p.cfg.SchemaRegistry.Timeout = 300 * time.Millisecond
			p.create(1)
			good := p.topic
			p.fill(0, 0, 4)
			p.topic = good + "-bad"
			p.create(1)
			p.cfg.Aggregations[0].Topics.Include = []string{"^" + good + "(-bad)?$"}
			goodID := p.id
			var err error
			p.id, err = p.schemas.Register(t.Context(), p.topic+"-value", strings.Replace(schemaText, `"r"`, `"other"`, 1))
			must(t, err)
			path = fmt.Sprintf("/schemas/ids/%d", p.id)
			if p.id == goodID {
				t.Fatal("one id for two schemas")
			}
			p.sent = map[int64][]float64{}
			p.fill(0, 0, 4)
			w := p.start()
			s := w.status("the good topic goes on, the bad one does not", func(s status) bool {
				return len(s.Topics) == 2 && s.Topics[0].Windows == 2 && (s.Topics[1].Problem() != "" || s.Topics[1].DeadLettered == 40)
			})
			t.Logf("problem %q, dead letters %d", s.Topics[1].Problem(), s.Topics[1].DeadLettered)
			if s.Topics[1].Windows != 0 || s.Topics[0].Problem() != "" {
				t.Errorf("status %+v", s.Topics)
			}
			if elsewhere.Load() > 0 {
				t.Error("the request went to another host")
			}
			if s.Topics[1].DeadLettered > 0 {
				// A registry that says 404 is believed: nobody knows this schema.
				w.status("delivered", func(s status) bool { return len(p.read(p.cfg.DeadLetterTopic)) == 40 })
				w.end()
				return
			}
			well.Store(true)
			w.status("the bad topic goes on", func(s status) bool { return len(s.Topics) == 2 && s.Topics[1].Windows == 2 && s.Ready })
			w.end()
			p.exactly()
		})
	}
}
