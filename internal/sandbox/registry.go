package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// Registry is srfake on a listener of its own. srfake takes any text as a
// schema and calls everything compatible; here Avro schemas are parsed (422 if
// illegal) and held to the subject's compatibility level (409 if refused), at
// registration and at the compatibility endpoints.
type Registry struct {
	URL     string
	Schemas *srfake.Registry

	handler http.Handler
	addr    string
	server  *http.Server
	served  chan struct{}
	mu      sync.Mutex // makes check and registration one step
	index   *index     // under mu
}

// StartRegistry serves a new, empty registry at addr (host:port, port 0 for a
// free one). The compatibility level is BACKWARD until it is changed by
// PUT /config, as in Confluent's.
func StartRegistry(addr string) (*Registry, error) {
	r := NewRegistry()
	r.addr = addr
	return r, r.Reopen()
}

// NewRegistry makes an empty registry that is not served yet: Reopen serves
// it, or ServeHTTP answers without a network.
func NewRegistry() *Registry {
	r := &Registry{Schemas: srfake.NewRegistry(), addr: "127.0.0.1:0", index: newIndex()}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /subjects/{subject}/versions", r.register)
	mux.HandleFunc("POST /compatibility/subjects/{subject}/versions", r.check)
	mux.HandleFunc("POST /compatibility/subjects/{subject}/versions/{version}", r.check)
	mux.HandleFunc("GET /schemas/types", func(w http.ResponseWriter, _ *http.Request) { // srfake does not have it
		w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
		_, _ = io.WriteString(w, `["JSON","PROTOBUF","AVRO"]`)
	})
	mux.Handle("/", r.Schemas.Handler())
	r.handler = mux
	return r
}

// ServeHTTP answers one request.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.handler.ServeHTTP(w, req) }

// Reopen serves again after Close, at the same address, with all schemas.
func (r *Registry) Reopen() error {
	listener, err := net.Listen("tcp", r.addr)
	if err != nil {
		return err
	}
	r.addr = listener.Addr().String()
	r.URL = "http://" + r.addr
	server, served := &http.Server{Handler: r.handler, ReadHeaderTimeout: 10 * time.Second}, make(chan struct{})
	r.server, r.served = server, served
	go func() {
		defer close(served)
		_ = server.Serve(listener) // returns only because of Close
	}()
	return nil
}

// Close ends the server and all its connections at once.
func (r *Registry) Close() {
	r.server.Close()
	<-r.served
}

// register answers POST /subjects/{subject}/versions: srfake's registration
// behind a check against the subject's earlier versions.
func (r *Registry) register(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 4<<20))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, sr.ErrInvalidSchema.Code, err.Error())
		return
	}
	subject := req.PathValue("subject")
	c, err := r.read(body) // not under the lock: it takes the longest
	r.mu.Lock()
	defer r.mu.Unlock()
	var verdict []string
	if err == nil {
		verdict, err = r.judge(subject, "", c)
	}
	switch {
	case errors.Is(err, errIllegalSchema):
		refuse(w, http.StatusUnprocessableEntity, sr.ErrInvalidSchema.Code, err.Error())
	case err != nil:
		refuse(w, http.StatusInternalServerError, http.StatusInternalServerError, err.Error())
	case len(verdict) > 0:
		refuse(w, http.StatusConflict, http.StatusConflict,
			fmt.Sprintf("schema being registered is incompatible with an earlier schema for subject %q, details: %q", subject, verdict))
	default:
		req.Body = io.NopCloser(bytes.NewReader(body))
		r.store(w, req, subject, c)
	}
}

// store registers what was found compatible.
func (r *Registry) store(w http.ResponseWriter, req *http.Request, subject string, c candidate) {
	if c.avro == nil || subject == "" || len(subject) > 255 || strings.Contains(subject, "\x00") { // srfake says what is wrong
		r.Schemas.Handler().ServeHTTP(w, req)
		return
	}
	if !r.passes(w, req) {
		return
	}
	if id, done := r.add(subject, c); done {
		w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
		_ = json.NewEncoder(w).Encode(map[string]int{"id": id})
		return
	}
	id, version, err := r.Schemas.RegisterSchema(subject, c.Schema)
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, sr.ErrInvalidSchema.Code, err.Error())
		return
	}
	r.note(subject, c.print, version)
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	_ = json.NewEncoder(w).Encode(map[string]int{"id": id})
}

// check answers the compatibility endpoints; messages come with ?verbose=true.
func (r *Registry) check(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 4<<20))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, sr.ErrInvalidSchema.Code, err.Error())
		return
	}
	c, err := r.read(body)
	var verdict []string
	if err == nil {
		verdict, err = r.judge(req.PathValue("subject"), req.PathValue("version"), c)
	}
	switch {
	case errors.Is(err, errIllegalSchema):
		refuse(w, http.StatusUnprocessableEntity, sr.ErrInvalidSchema.Code, err.Error())
	case errors.Is(err, errNoVersion):
		refuse(w, http.StatusNotFound, sr.ErrVersionNotFound.Code, err.Error())
	case err != nil:
		refuse(w, http.StatusInternalServerError, http.StatusInternalServerError, err.Error())
	default:
		answer := map[string]any{"is_compatible": len(verdict) == 0}
		if req.URL.Query().Get("verbose") == "true" {
			answer["messages"] = verdict
		}
		w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// refuse writes an error as the registry's REST API does.
func refuse(w http.ResponseWriter, status, code int, message string) {
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error_code": code, "message": message})
}
