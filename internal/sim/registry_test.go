//go:build synctests

package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

// registry is the embedded registry, reached without sockets, with faults.
type registry struct {
	*sandbox.Registry
	mu    sync.Mutex
	away  int               // outages under way
	fail  int               // requests to answer with 503
	known map[string][]byte // answers that stay the same, by path and body
}

func (r *registry) down()      { r.mu.Lock(); defer r.mu.Unlock(); r.away++ }
func (r *registry) up()        { r.mu.Lock(); defer r.mu.Unlock(); r.away-- }
func (r *registry) busy(n int) { r.mu.Lock(); defer r.mu.Unlock(); r.fail = n }

// state reports how the next request fares.
func (r *registry) state() (away, busy bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail > 0 {
		r.fail--
		return r.away > 0, true
	}
	return r.away > 0, false
}

// registryTransport carries a process's requests to the registry.
type registryTransport struct {
	registry *registry
	link     *link
}

func (t registryTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	ctx := req.Context()
	if err := t.link.wait(ctx); err != nil {
		return nil, refuse(ctx)
	}
	select {
	case <-time.After(3 * time.Millisecond):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	away, busy := t.registry.state()
	w := httptest.NewRecorder()
	switch {
	case away:
		return nil, refuse(ctx)
	case busy:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		var body []byte
		if req.Body != nil {
			var err error
			if body, err = io.ReadAll(req.Body); err != nil {
				return nil, err
			}
			req = req.Clone(ctx)
			req.Body = io.NopCloser(bytes.NewReader(body))
		}
		t.registry.serve(w, req, body)
	}
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

// serve answers a request. Registering a schema again, and asking for one by its
// id, gives the same answer for ever; the embedded registry compares with all
// there are, which takes long.
func (r *registry) serve(w *httptest.ResponseRecorder, req *http.Request, body []byte) {
	lasting := req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/versions") ||
		req.Method == http.MethodGet && strings.HasPrefix(req.URL.Path, "/schemas/ids/")
	if !lasting {
		r.ServeHTTP(w, req)
		return
	}
	key := req.Method + " " + req.URL.String() + "\n" + string(body)
	r.mu.Lock()
	answer, ok := r.known[key]
	r.mu.Unlock()
	if ok {
		w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
		_, _ = w.Write(answer)
		return
	}
	r.ServeHTTP(w, req)
	if w.Code == http.StatusOK {
		r.mu.Lock()
		r.known[key] = bytes.Clone(w.Body.Bytes())
		r.mu.Unlock()
	}
}

// schema is the text of a schema.
func (r *registry) schema(id int) (string, bool) {
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, fmt.Sprintf("/schemas/ids/%d", id), nil))
	var answer struct {
		Schema string `json:"schema"`
	}
	if w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &answer) != nil {
		return "", false
	}
	return answer.Schema, true
}
