package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
)

// registryMain is a Schema Registry in a process of its own, in memory, that
// takes every schema: looking whether a schema is there already costs it
// nothing, whereas the one of the tests compares with all others, which takes
// minutes for a thousand topics. The first line on standard output is its address.
func registryMain() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	r := &memoryRegistry{ids: map[string]int{}, subjects: map[string][]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /subjects/{subject}/versions", r.register)
	mux.HandleFunc("GET /subjects/{subject}/versions", r.versions)
	mux.HandleFunc("GET /subjects/{subject}/versions/{version}", r.version)
	mux.HandleFunc("GET /schemas/ids/{id}", r.schema)
	return http.Serve(listener, mux)
}

type memoryRegistry struct {
	mu       sync.Mutex
	texts    []string // id - 1
	ids      map[string]int
	subjects map[string][]int
}

func (r *memoryRegistry) register(w http.ResponseWriter, req *http.Request) {
	var body struct {
		Schema string `json:"schema"`
	}
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
		answer(w, http.StatusUnprocessableEntity, map[string]any{"error_code": 42201, "message": err.Error()})
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id := r.ids[body.Schema]
	if id == 0 {
		r.texts = append(r.texts, body.Schema)
		id = len(r.texts)
		r.ids[body.Schema] = id
	}
	subject := req.PathValue("subject")
	there := false
	for _, other := range r.subjects[subject] {
		there = there || other == id
	}
	if !there {
		r.subjects[subject] = append(r.subjects[subject], id)
	}
	answer(w, http.StatusOK, map[string]any{"id": id})
}

func (r *memoryRegistry) versions(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var numbers []int
	for i := range r.subjects[req.PathValue("subject")] {
		numbers = append(numbers, i+1)
	}
	if numbers == nil {
		notFound(w, 40401, "subject not found")
		return
	}
	answer(w, http.StatusOK, numbers)
}

func (r *memoryRegistry) version(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	subject := req.PathValue("subject")
	ids := r.subjects[subject]
	n, err := strconv.Atoi(req.PathValue("version"))
	if req.PathValue("version") == "latest" {
		n, err = len(ids), nil
	}
	if err != nil || n < 1 || n > len(ids) {
		notFound(w, 40402, "version not found")
		return
	}
	answer(w, http.StatusOK, map[string]any{"subject": subject, "version": n, "id": ids[n-1], "schema": r.texts[ids[n-1]-1]})
}

func (r *memoryRegistry) schema(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, err := strconv.Atoi(req.PathValue("id"))
	if err != nil || id < 1 || id > len(r.texts) {
		notFound(w, 40403, "schema not found")
		return
	}
	answer(w, http.StatusOK, map[string]any{"schema": r.texts[id-1]})
}

func notFound(w http.ResponseWriter, code int, message string) {
	answer(w, http.StatusNotFound, map[string]any{"error_code": code, "message": message})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		fmt.Fprintln(os.Stderr, "registry:", err)
	}
}
